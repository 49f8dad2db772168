import type { Absence } from "../decisions/points.ts";
import { code, markdownTable, whole } from "../markdown-table.ts";
import { type InsertionRow, insertionsByAlgorithm, type Middle } from "./insertions.ts";
import type { RedisMemory } from "./redis-memory.ts";

/** What one algorithm came to, as results keep it. */
export interface MachineRow {
  readonly algorithm: string;
  readonly perSecond: number;
  readonly perSecondByProcessor: number;
  readonly mapPerSecond: number;
  readonly mapPerSecondByProcessor: number;
  readonly bytesPerKey: number;
  readonly residentBytesPerKey: number;
  /** Null: there was no Redis. */
  readonly redis: RedisMemory | null;
}

const orDash = (value: number | undefined) => (value === undefined ? "–" : whole(value));

/** Decisions a second and bytes per key, beside a map and Redis. */
export function machinesTable(rows: readonly MachineRow[]): string {
  return markdownTable(
    [
      ...["Algorithm", "Decisions/s", "A map: decisions/s"],
      ...["Decisions per second of processor", "A map: decisions per second of processor"],
      ...["State, bytes per key", "Redis: used memory, bytes per key"],
      ...["Process, resident bytes per key", "Redis: resident bytes per key"],
    ],
    rows.map((row) => [
      code(row.algorithm),
      ...[row.perSecond, row.mapPerSecond, row.perSecondByProcessor, row.mapPerSecondByProcessor].map(whole),
      ...[row.bytesPerKey, row.redis?.usedBytesPerKey].map(orDash),
      ...[row.residentBytesPerKey, row.redis?.residentBytesPerKey].map(orDash),
    ]),
  );
}

const middle = ({ median, least, most }: Middle) =>
  least === most ? median.toFixed(2) : `${median.toFixed(2)} (${least.toFixed(2)} to ${most.toFixed(2)})`;

/** Delays of the event loop while keys are inserted: medians of all runs of an algorithm, with the least and the most. */
export function insertionsTable(rows: readonly InsertionRow[]): string {
  return markdownTable(
    ["Algorithm", "Keys inserted", "Delay, ms: p99.9", "Idle process, ms: p99.9", "More than idle, ms: p99.9", "Runs"],
    insertionsByAlgorithm(rows).map(({ algorithm, keys, runs, delayMs, controlMs, addedMs }) => [
      ...[code(algorithm), whole(keys)],
      ...[delayMs, controlMs, addedMs].map(middle),
      whole(runs),
    ]),
  );
}

/** What the columns of both tables mean, and which Redis they are about: a line of a list each. */
export function machineNotes(rows: readonly MachineRow[], absent: readonly Absence[]): string {
  // Results that are older than this field do not have it.
  const configuration = rows.find(({ redis }) => redis?.configuration)?.redis?.configuration;
  const redis = configuration === undefined ? [] : [`Redis ${configuration.version}, with ${configuration.flags}.`];
  const missing = absent.map(({ contender, reason }) => `Absent: ${contender}: ${reason}`);
  return [...columnNotes, ...redis, ...missing].map((line) => `- ${line}`).join("\n");
}

const columnNotes: readonly string[] = [
  "Decisions are medians of windows of one thread that does nothing else, over keys drawn at random. Per second of processor: as if nobody else wanted the processor.",
  "A map: the same algorithm over a `Map` from strings to objects, in a process whose windows alternate with the limiter's. It forgets nothing, knows no retries and is on no disk: a measure of the machine.",
  "State: its pages with its clients' sessions ÷ keys, with one admission on each; of Redis, what its `used_memory` grew by for the same keys. Resident: what either process grew by. `concurrency` counts one open slot per key, which is 112 bytes of it: a slot is a record of its own, in the list of its session and in that of its key, so that it ends with its session. In Redis it is a member of a sorted set, which knows of no session.",
  "Delay: how long what is due every millisecond has to wait for its turn while keys are inserted, beside an idle process at the same time: the median of the runs, with the least and the most; more than idle is of each run's difference.",
];
