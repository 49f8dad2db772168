import type { AskedItem, CallerRecord } from "@quorumguard/audit";
import type { Process } from "../world/process.ts";
import type { World } from "../world/world.ts";
import { type CallEnd, refusalErrors } from "./verb-callers.ts";

/** Who asks: a process, and how often there was one before it on its machine. */
export interface Asker {
  readonly name: string;
  readonly process: Process;
  readonly boot: number;
}

/** How a call is made, if it is not an ordinary one: the process may decide it by itself, or its caller waits for its turn. */
export type Manner = "alone" | "waits" | null;

/** What all callers saw, and what they still wait for. */
export interface CallRecords {
  readonly records: readonly CallerRecord[];
  /** What must never happen to a caller. */
  readonly violations: string[];
  /** One call, from its beginning to its end. */
  recorded<End extends CallEnd>(
    asker: Asker,
    items: readonly AskedItem[],
    requestId: string | null,
    ask: () => Promise<End>,
    manner?: Manner,
  ): Promise<{ readonly record: CallerRecord; readonly end: End }>;
  /** What it asked may still come about, and nobody will ever learn of it. */
  died(process: Process): void;
  /** Calls without an end, of processes that live; the same as records. */
  readonly open: number;
  readonly unfinished: readonly CallerRecord[];
}

/** Errors that faults of the network and the cluster explain; anything else is a bug of the SDK or of the simulation. */
const bearable: ReadonlySet<string> = new Set([
  ...["unavailable", "overloaded", "timed_out", "session_expired", "closed"],
  ...refusalErrors,
]);

type OpenCall = Omit<CallerRecord, "endUs" | keyof CallEnd>;

/** Of a call whose process died first. */
const unlearned: CallEnd = { allowed: null, source: "none", degraded: false, error: "died", applied: "unknown" };

/** Records of nothing yet. */
export function createCallRecords(world: World): CallRecords {
  const records: CallerRecord[] = [];
  const violations: string[] = [];
  const open = new Map<Process, Set<OpenCall>>();
  /** Counts what comes to lines and what leaves them. */
  let order = 0;

  function openCalls(process: Process): Set<OpenCall> {
    const known = open.get(process) ?? new Set();
    open.set(process, known);
    return known;
  }

  function check({ client, degraded, error }: CallerRecord, manner: Manner): void {
    if (degraded && manner !== "alone") violations.push(`${client} got a degraded decision although it asked to throw`);
    if (error === null || bearable.has(error) || (error === "aborted" && manner === "waits")) return;
    violations.push(`${client} got error ${error}, which no fault of the simulation explains`);
  }

  return {
    records,
    violations,
    async recorded({ name, process, boot }, items, requestId, ask, manner = null) {
      const turn = { process: `${name}/${boot}`, came: order++, left: Number.POSITIVE_INFINITY };
      const asked: OpenCall = {
        ...{ client: name, startUs: world.nowUs, items, requestId },
        ...(manner === "waits" ? { waited: turn } : {}),
      };
      openCalls(process).add(asked);
      const end = await ask();
      openCalls(process).delete(asked);
      const { allowed, source, degraded, error, applied } = end;
      const record: CallerRecord = {
        ...{ ...asked, endUs: world.nowUs, allowed, source, degraded, error, applied },
        ...(manner === "waits" ? { waited: { ...turn, left: order++ } } : {}),
      };
      records.push(record);
      const text = items
        .map(({ key, cost, verb = 0 }) => `${verb === 0 ? "" : `verb ${verb} `}${key}x${cost}`)
        .join("+");
      world.trace.event(world.nowUs, `${name} ${text} -> ${allowed ?? error} (${source})`);
      check(record, manner);
      return { record, end };
    },
    died(process) {
      for (const asked of openCalls(process)) records.push({ ...asked, endUs: world.nowUs, ...unlearned });
    },
    get open() {
      let sum = 0;
      for (const [process, calls] of open) if (process.alive) sum += calls.size;
      return sum;
    },
    get unfinished() {
      const calls = [...open].flatMap(([process, own]) => (process.alive ? [...own] : []));
      return calls.map((asked) => ({ ...asked, endUs: world.nowUs, ...unlearned }));
    },
  };
}
