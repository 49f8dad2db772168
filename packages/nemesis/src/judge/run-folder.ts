import { once } from "node:events";
import { createWriteStream } from "node:fs";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { finished } from "node:stream/promises";
import type { AskedItem, CommittedEntry, TimeBreak } from "@quorumguard/audit";
import type { CallLine, SessionLine } from "../clients/history.ts";
import type { Evidence } from "./judge.ts";
import { readLines } from "./read-lines.ts";

/** What a run knows besides the files of its clients. */
export interface RunFacts {
  readonly callsFiles: readonly string[];
  readonly sessionsFiles: readonly string[];
  readonly breaks: readonly TimeBreak[];
  /** What the cluster says in the end is left of ledger keys. */
  readonly settled: readonly (readonly [key: string, remaining: number])[];
}

/** An entry of the log in the history's file: its data in base64. */
interface EntryLine {
  readonly index: number;
  readonly term: number;
  readonly data: string;
}

const factsFile = "run.json";
const entriesFile = "log.ndjson";

/** Completes a run's folder by what only this process knows, so that it can be judged by another, now or later. */
export async function writeRunFolder(
  folder: string,
  facts: RunFacts,
  entries: Iterable<CommittedEntry>,
): Promise<void> {
  const out = createWriteStream(join(folder, entriesFile));
  for (const { index, term, data } of entries) {
    const line: EntryLine = { index, term, data: Buffer.from(data).toString("base64") };
    if (!out.write(`${JSON.stringify(line)}\n`)) await once(out, "drain");
  }
  out.end();
  await finished(out);
  await writeFile(join(folder, factsFile), JSON.stringify({ ...facts, settled: [...facts.settled] }));
}

/** Everything that a run left. What is equal is kept once: a long run repeats its rules and keys without end. */
export async function readRunFolder(folder: string): Promise<Evidence> {
  const facts = JSON.parse(await readFile(join(folder, factsFile), "utf8")) as RunFacts;
  const share = createSharing();
  const calls: CallLine[] = [];
  for (const file of facts.callsFiles)
    for await (const line of readLines<CallLine>(join(folder, file))) calls.push({ ...line, items: share(line.items) });
  const sessions: SessionLine[] = [];
  for (const file of facts.sessionsFiles)
    for await (const line of readLines<SessionLine>(join(folder, file)))
      sessions.push(line.kind === "answer" ? { ...line, asked: share(line.asked) } : line);
  const entries: CommittedEntry[] = [];
  for await (const { index, term, data } of readLines<EntryLine>(join(folder, entriesFile)))
    entries.push({ index, term, data: Buffer.from(data, "base64") });
  // An endless span is null in JSON.
  const breaks = facts.breaks.map(({ fromUs, toUs }) => ({ fromUs, toUs: toUs ?? Number.POSITIVE_INFINITY }));
  return { calls, sessions, entries, breaks, settled: new Map(facts.settled) };
}

function createSharing(): (items: readonly AskedItem[]) => readonly AskedItem[] {
  const known = new Map<string, readonly AskedItem[]>();
  return (items) => {
    const text = JSON.stringify(items);
    const before = known.get(text);
    if (before !== undefined) return before;
    known.set(text, items);
    return items;
  };
}
