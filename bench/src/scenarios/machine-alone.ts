import { fork } from "node:child_process";
import type { Algorithm } from "@quorumguard/limiter";
import { standaloneSvg } from "@quorumguard/pictures";
import type { Absence } from "../decisions/points.ts";
import { insertedWords, insertionsByAlgorithm } from "../machine-alone/insertions.ts";
import type { DecideSample, DecideTask } from "../machine-alone/messages.ts";
import { machinePlot } from "../machine-alone/plot.ts";
import { type AlgorithmName, measureRedisMemory, type RedisMemory } from "../machine-alone/redis-memory.ts";
import { insertionsTable, type MachineRow, machineNotes, machinesTable } from "../machine-alone/tables.ts";
import { median } from "../median.ts";
import { measureAlgorithm, type PhaseRow } from "../million-keys/measure-algorithm.ts";
import type { Memory } from "../million-keys/messages.ts";
import { reportsOf } from "../million-keys/processes.ts";
import type { ScenarioOptions, ScenarioResult } from "../scenario.ts";
import { AbsentSystem } from "../system.ts";

/** What is to be reached: decisions a second, and what inserting may add to what an idle process waits. */
const LEAST_PER_SECOND = 1_000_000;
const MOST_ADDED_MS = 10;

const algorithms: Readonly<Record<AlgorithmName, keyof typeof Algorithm>> = {
  "token-bucket": "tokenBucket",
  "sliding-window-log": "slidingWindowLog",
  "sliding-window-counter": "slidingWindowCounter",
  "fixed-window": "fixedWindow",
  concurrency: "concurrency",
};
/** Whose keys are inserted by the millions: the fastest bucket, and the default. */
const inserted: readonly AlgorithmName[] = ["token-bucket", "sliding-window-log"];
/** How often each: one run is as long as what else the machine does lets it be. */
const insertionRuns = 5;

/** How many of what. */
interface Amounts {
  readonly keys: number;
  readonly insertedKeys: number;
}

/** What one algorithm came to. */
export interface MachineResult {
  readonly algorithm: AlgorithmName;
  readonly decisions: readonly DecideSample[];
  /** The same algorithm over a map of objects, its windows taken in turns with the others. */
  readonly mapDecisions: readonly DecideSample[];
  readonly memory: Memory;
  /** Null: there is no Redis here. */
  readonly redis: RedisMemory | null;
}

/** What one insertion came to, beside an idle process. */
export interface Insertion {
  readonly algorithm: AlgorithmName;
  readonly memory: Memory;
  readonly growth: PhaseRow;
}

/** The state machine of one node and nothing else, on one thread: decisions a second, delays while it grows, memory beside Redis's. */
export async function machineAlone({ quick, say }: ScenarioOptions): Promise<ScenarioResult> {
  const amounts = quick ? { keys: 100_000, insertedKeys: 500_000 } : { keys: 1_000_000, insertedKeys: 5_000_000 };
  const { keys } = amounts;
  const machines: MachineResult[] = [];
  const absent: Absence[] = [];
  for (const [algorithm, number] of Object.entries(algorithms) as [AlgorithmName, keyof typeof Algorithm][]) {
    const redis = absent.length > 0 ? null : await redisOrAbsence(algorithm, keys, absent);
    if (redis === null && machines.length === 0) say(`  absent: ${absent[0]!.contender}: ${absent[0]!.reason}`);
    const { memory } = await measureAlgorithm(algorithm, { algorithm: number, keys, onlyGrowth: true });
    const task = { algorithm: number, keys, decisionsPerWindow: quick ? 100_000 : 500_000 };
    const result = { algorithm, ...(await decide(task, quick ? 3 : 9)), memory, redis };
    machines.push(result);
    say(`  ${algorithm.padEnd(24)} ${describe(result)}`);
  }
  const insertions: Insertion[] = [];
  for (let run = 0; run < (quick ? 1 : insertionRuns); run++)
    for (const algorithm of inserted) insertions.push(await insert(algorithm, amounts.insertedKeys, say));
  return summarize(amounts, machines, insertions, absent);
}

async function insert(algorithm: AlgorithmName, keys: number, say: ScenarioOptions["say"]): Promise<Insertion> {
  const task = { algorithm: algorithms[algorithm], keys, onlyGrowth: true };
  const { memory, phases } = await measureAlgorithm(algorithm, task);
  const growth = phases.find(({ phase }) => phase === "growth")!;
  say(
    `  ${algorithm.padEnd(24)} inserting ${keys.toLocaleString("en")} keys: p99.9 ${growth.delay.p999Ms} ms, idle ` +
      `${growth.controlP999Ms} ms; ${memory.residentBytesPerKey} bytes per key resident`,
  );
  return { algorithm, memory, growth };
}

/** What is ours is measured without Redis, too. */
async function redisOrAbsence(name: AlgorithmName, keys: number, absent: Absence[]): Promise<RedisMemory | null> {
  try {
    return await measureRedisMemory(name, keys);
  } catch (error) {
    if (!(error instanceof AbsentSystem)) throw error;
    absent.push({ contender: "redis", reason: error.message });
    return null;
  }
}

/** The limiter, and the map. */
const programs = [
  new URL("../machine-alone/decide.ts", import.meta.url),
  new URL("../machine-alone/decide-map.ts", import.meta.url),
];

/** Windows of the limiter and of the map in turns, so that what else the machine does meets both. */
async function decide(task: DecideTask, windows: number): Promise<Pick<MachineResult, "decisions" | "mapDecisions">> {
  const children = programs.map((program) => fork(program, [JSON.stringify(task)]));
  try {
    const reports = children.map((child) => reportsOf<DecideSample>(child));
    const samples: DecideSample[][] = [[], []];
    for (let window = 0; window < windows; window++) {
      for (const [at, child] of children.entries()) {
        child.send("window");
        const { value } = await reports[at]!.next();
        if (value === undefined) throw new Error("the process under measurement ended before its last window");
        samples[at]!.push(value);
      }
    }
    return { decisions: samples[0]!, mapDecisions: samples[1]! };
  } finally {
    for (const child of children) child.kill();
  }
}

const perSecond = (samples: readonly DecideSample[], by: "seconds" | "cpuSeconds") =>
  Math.round(median(samples.map((sample) => sample.decisions / sample[by])));

/** Decisions to those of the map, by processor time: the median of the ratios of neighbouring windows. */
function mapRatio({ decisions, mapDecisions }: MachineResult): number {
  const rate = (sample: DecideSample) => sample.decisions / sample.cpuSeconds;
  return Math.round(median(decisions.map((sample, at) => rate(sample) / rate(mapDecisions[at]!))) * 1_000) / 1_000;
}

/** Ours to Redis's, the worse of both readings: what each accounts for, and what each process grew by; null without Redis. */
function memoryRatio({ memory, redis }: MachineResult): number | null {
  if (redis === null) return null;
  const accounted = memory.bytesPerKey / redis.usedBytesPerKey;
  const resident = memory.residentBytesPerKey / redis.residentBytesPerKey;
  return Math.round(Math.max(accounted, resident) * 1_000) / 1_000;
}

function describe(result: MachineResult): string {
  const { decisions, memory, redis } = result;
  const beside =
    redis === null
      ? "no redis"
      : `redis ${redis.usedBytesPerKey}, resident ${redis.residentBytesPerKey}   ratio ${memoryRatio(result)}`;
  return (
    `${perSecond(decisions, "seconds").toLocaleString("en")} decisions/s (${perSecond(decisions, "cpuSeconds").toLocaleString("en")} by processor time), ${mapRatio(result)} of a map's` +
    `   bytes per key ${memory.bytesPerKey}, resident ${memory.residentBytesPerKey}; ${beside}`
  );
}

/** @throws {Error} when nothing was measured, or nothing was allowed: then there is nothing to publish. */
export function summarize(
  { keys, insertedKeys }: Amounts,
  machines: readonly MachineResult[],
  insertions: readonly Insertion[],
  absent: readonly Absence[] = [],
): ScenarioResult {
  if (machines.length === 0 || insertions.length === 0) throw new Error("nothing was measured");
  for (const { algorithm, decisions } of machines) {
    if (!decisions.some(({ allowed }) => allowed > 0)) throw new Error(`${algorithm}: no decision allowed anything`);
  }
  const rates = Object.fromEntries(machines.map((each) => [each.algorithm, perSecond(each.decisions, "seconds")]));
  const ratios = Object.fromEntries(machines.map((each) => [each.algorithm, memoryRatio(each)]));
  const mapRatios = Object.fromEntries(machines.map((each) => [each.algorithm, mapRatio(each)]));
  const inserting = insertionsByAlgorithm(insertions);
  const addedP999Ms = Math.max(...inserting.map(({ addedMs }) => addedMs.median));
  const slowest = Math.min(...Object.values(rates));
  const known = Object.values(ratios).filter((ratio) => ratio !== null);
  const largest = known.length === 0 ? null : Math.max(...known);
  const within = {
    rate: slowest >= LEAST_PER_SECOND,
    delay: addedP999Ms < MOST_ADDED_MS,
    memory: largest === null ? null : largest <= 1,
  };
  const rows = machines.map(rowOf);
  const verdict = (isWithin: boolean) => (isWithin ? "within" : "NOT within");
  return {
    line:
      `${keys.toLocaleString("en")} random keys: at least ${slowest.toLocaleString("en")} decisions/s, ${verdict(within.rate)} ${LEAST_PER_SECOND.toLocaleString("en")}; ` +
      `between ${Math.min(...Object.values(mapRatios))} and ${Math.max(...Object.values(mapRatios))} of what a map of objects decides; ` +
      `inserting ${insertedKeys.toLocaleString("en")} (${insertedWords(inserting)}): p99.9 of the event loop's delay in the worse median ${addedP999Ms} ms above an idle process, ${verdict(within.delay)} ${MOST_ADDED_MS} ms; ` +
      (largest === null
        ? "memory: there is no Redis to compare it with"
        : `memory at most ${largest} of Redis's, ${verdict(largest <= 1)} 1`),
    summary: {
      ...{ keys, insertedKeys, decisionsPerSecond: rates, ratioToMap: mapRatios, leastPerSecond: LEAST_PER_SECOND },
      ...{ addedP999Ms, mostAddedMs: MOST_ADDED_MS, memoryRatio: ratios, within, absent },
    },
    details: {
      machines: machines.map((each, at) => ({ ...rows[at]!, windows: each.decisions, mapWindows: each.mapDecisions })),
      insertions,
    },
    table: [machinesTable(rows), insertionsTable(insertions), machineNotes(rows, absent)].join("\n\n"),
    picture: standaloneSvg(machinePlot(rows, inserting, LEAST_PER_SECOND)),
  };
}

function rowOf({ algorithm, decisions, mapDecisions, memory, redis }: MachineResult): MachineRow {
  return {
    ...{ algorithm, perSecond: perSecond(decisions, "seconds") },
    perSecondByProcessor: perSecond(decisions, "cpuSeconds"),
    // With one admission on each key.
    ...{ bytesPerKey: memory.bytesPerKey, residentBytesPerKey: memory.residentBytesPerKey, redis },
    mapPerSecond: perSecond(mapDecisions, "seconds"),
    mapPerSecondByProcessor: perSecond(mapDecisions, "cpuSeconds"),
  };
}
