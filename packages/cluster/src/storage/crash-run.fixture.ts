import { expect } from "vitest";
import { confState, entriesFrom, logOf, openForTest } from "./storage.fixture.ts";
import type { Storage } from "./storage.ts";
import { TestDisk } from "./test-disk.fixture.ts";

/** What a node may do to its storage, in numbers that are reduced to what its state allows. */
export type Step =
  | { readonly kind: "append"; readonly count: number; readonly bytes: number; readonly back: number }
  | { readonly kind: "vote" }
  | { readonly kind: "commit" }
  | { readonly kind: "wait" }
  | { readonly kind: "settle" }
  | { readonly kind: "compact" }
  | { readonly kind: "snapshot"; readonly back: number }
  | { readonly kind: "receive"; readonly ahead: number };

/** A state that storage was told to reach; after a crash it must be in one of those, and in none before the last that was done. */
export interface Told {
  readonly term: number;
  readonly vote: number;
  readonly lastIndex: number;
  /** Every entry since the last received snapshot, by index. */
  readonly log: ReadonlyMap<number, string>;
}

/** Drives a storage, and keeps the books on what it was told and what it said was done. */
export class Run {
  readonly told: Told[];
  done = 0;
  /** Index of the newest snapshot of our own that was committed. */
  published = 0;
  /** What a snapshot may hold: our own image of an index, or a peer's. */
  readonly images = new Set<string>();
  private readonly storage: Storage;
  private term: number;
  private vote: number;
  private commit: number;

  constructor(storage: Storage) {
    this.storage = storage;
    const { term, vote, commit } = storage.initialState().hardState;
    const log = new Map(logOf(storage).map((line) => [Number(line.split(" ")[0]), line]));
    this.told = [{ term, vote, lastIndex: storage.lastIndex(), log }];
    this.term = Math.max(1, term);
    this.vote = vote;
    this.commit = commit;
  }

  async take(step: Step): Promise<void> {
    const { storage } = this;
    if (step.kind === "append") {
      const first = Math.max(this.commit, storage.firstIndex() - 1, storage.lastIndex() - step.back) + 1;
      // Only a leader of a later term replaces entries.
      if (first <= storage.lastIndex()) this.term += 1;
      this.hand(entriesFrom(first, step.count, this.term, step.bytes));
    } else if (step.kind === "vote") {
      this.term += 1;
      this.vote = 1 + (this.term % 3);
      this.hand([]);
    } else if (step.kind === "commit") {
      this.commit = storage.lastIndex();
      this.hand([]);
    } else if (step.kind === "wait") {
      const target = this.told.length - 1;
      while (this.done < target) await turn();
    } else if (step.kind === "settle") await storage.settleDroppedFrame();
    else if (step.kind === "compact") await this.compact();
    else if (step.kind === "snapshot") await this.snapshot(step.back);
    else if (step.kind === "receive") await this.receive(step.ahead);
  }

  private async snapshot(back: number): Promise<void> {
    const { storage } = this;
    const index = Math.max(storage.firstIndex() - 1, this.commit - back);
    const term = storage.term(index);
    if (index > this.commit || typeof term === "string" || index === 0) return;
    const writer = await storage.writeSnapshot({ index, term, confState });
    const image = `the state at ${index}`;
    this.images.add(`${index} ${image}`);
    await writer.write(Buffer.from(image));
    await writer.commit();
    this.published = index;
    await storage.compact(index);
  }

  /** Lets go of all that the newest snapshot covers, a received one, too. */
  private async compact(): Promise<void> {
    const newest = this.storage.snapshot();
    if (newest !== "unavailable") await this.storage.compact(newest.index);
  }

  private async receive(ahead: number): Promise<void> {
    const { storage } = this;
    const donor = await openForTest(new TestDisk());
    const index = Math.max(this.commit + 1, storage.lastIndex() + ahead);
    const meta = { index, term: this.term, confState };
    const image = await donor.writeSnapshot(meta);
    const text = Buffer.alloc(3_000, `donor's ${index};`);
    this.images.add(`${index} ${text.toString()}`);
    await image.write(text);
    await image.commit();
    const reader = await donor.openSnapshot();
    const writer = await storage.receiveSnapshot(meta);
    for (let at = 0; reader !== null && at < reader.bytes; at += 1_000)
      await writer.write(await reader.read(at, 1_000));
    await writer.commit();
    this.commit = meta.index;
    this.hand([], meta);
  }

  private hand(
    entries: ReturnType<typeof entriesFrom>,
    snapshot: { index: number; term: number; confState: typeof confState } | null = null,
  ): void {
    const hardState = { term: this.term, vote: this.vote, commit: this.commit };
    const number = this.told.length;
    this.storage.append({ hardState, entries, snapshot }, () => {
      expect(this.done).toBe(number - 1);
      this.done = number;
    });
    const before = this.told.at(-1);
    const log = new Map(snapshot === null ? before?.log : []);
    const first = entries[0]?.index ?? Number.POSITIVE_INFINITY;
    for (const index of log.keys()) if (index >= first) log.delete(index);
    for (const entry of entries)
      log.set(entry.index, `${entry.index} ${entry.term} ${Buffer.from(entry.data).toString("latin1")}`);
    this.told.push({ term: this.term, vote: this.vote, lastIndex: this.storage.lastIndex(), log });
  }
}

/** Lets everything that is ready to run do so. */
export function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

/** Whether a recovered storage is in the state that one was told to reach. */
export function matches(storage: Storage, told: Told): boolean {
  const { hardState } = storage.initialState();
  if (hardState.term !== told.term || hardState.vote !== told.vote || storage.lastIndex() !== told.lastIndex)
    return false;
  return logOf(storage).every((line) => told.log.get(Number(line.split(" ")[0])) === line);
}

/** A recovered storage works. */
export async function appendOne(storage: Storage): Promise<void> {
  const term = storage.initialState().hardState.term + 1;
  const entries = entriesFrom(storage.lastIndex() + 1, 1, term);
  await new Promise<void>((resolve) => {
    storage.append({ hardState: { term, vote: 0, commit: 0 }, entries, snapshot: null }, resolve);
  });
}
