import { readdir, readFile } from "node:fs/promises";
import { cpus } from "node:os";
import { setTimeout as delay } from "node:timers/promises";
import { openClientProcesses } from "../decisions/client-processes.ts";
import { type Contender, etcdPuts, quorumGuard, quorumGuardUnary, redisNone } from "../decisions/contenders.ts";
import type { Absence, Point } from "../decisions/points.ts";
import { CoreSwitches, type IdleTimes } from "../idle-cores/core-switches.ts";
import { checkRecorder, recordSwitches, type SwitchRecord } from "../idle-cores/record-switches.ts";
import { markdownTable } from "../markdown-table.ts";
import { spreadOf } from "../median.ts";
import type { ScenarioOptions, ScenarioResult } from "../scenario.ts";
import { AbsentSystem, type System } from "../system.ts";
import { systems } from "../systems/index.ts";
import { pointOf } from "./decisions.ts";

/** What cores did under one load, while the kernel recorded it once: percent of all cores' time. */
export interface Look {
  /** Of the whole load, within which the record is. */
  readonly decisionsPerSecond: number;
  readonly idlePercent: number;
  /** One was idle, and somebody was ready and waited for another one. */
  readonly thoughWaitingPercent: number;
  /** One was idle, and somebody was on its way onto it. */
  readonly thoughWokenPercent: number;
}

/** All looks at one contender under one load. */
export interface IdleCores {
  readonly load: string;
  readonly contender: string;
  readonly looks: readonly Look[];
}

/** Where we fall short of a goal, and whom we are compared with there. */
const loads: readonly (readonly [scenario: string, point: string, contenders: readonly Contender[]])[] = [
  ["unique-keys", "256 in flight", [quorumGuard, redisNone]],
  ["unique-keys", "1,024 in flight", [quorumGuard, redisNone]],
  ["unary", "64 in flight", [quorumGuardUnary, etcdPuts]],
];
const warmUpMs = 12_000;
/** The load begins before the record does, and goes on after it. */
const marginMs = 1_000;

/**
 * Why cores are idle under a load of which more would be done: the kernel's own record of which thread each core runs, and who was ready
 * meanwhile. What it records makes all of them slower.
 */
export async function idleCores({ quick, say }: ScenarioOptions): Promise<ScenarioResult> {
  await checkRecorder();
  const rows: IdleCores[] = [];
  const absent: Absence[] = [];
  for (const [scenario, name, contenders] of loads) {
    const point = pointOf(scenario, name);
    for (const contender of contenders) {
      try {
        const looks = await lookAt(point, contender, quick ? { count: 1, seconds: 1 } : { count: 5, seconds: 3 });
        rows.push({ load: `${name} of ${scenario}`, contender: contender.name, looks });
        say(`    ${lineOf(rows.at(-1)!)}`);
      } catch (error) {
        if (!(error instanceof AbsentSystem)) throw error;
        absent.push({ contender: contender.name, reason: error.message });
      }
    }
  }
  return { line: rows.map(lineOf).join("; "), summary: { rows, absent }, details: {}, table: tableOf(rows, absent) };
}

async function lookAt(
  point: Point,
  contender: Contender,
  { count, seconds }: { readonly count: number; readonly seconds: number },
): Promise<readonly Look[]> {
  const system = await systems[contender.system]();
  try {
    const place = { endpoints: await system.endpoints(), rule: point.rule };
    const clients = await openClientProcesses(1, { client: contender.client, place });
    try {
      const load = { inFlight: point.inFlight, keys: point.keys };
      await clients.run({ ...load, durationMs: warmUpMs, sample: "warm", seed: 1 }, async () => {});
      const threads = await threadsOf(system, clients.pids);
      const looks: Look[] = [];
      for (let look = 1; look <= count; look++) {
        const durationMs = 1_000 * seconds + 2 * marginMs;
        let recorded: Promise<SwitchRecord> | undefined;
        const [report] = await clients.run(
          { ...load, durationMs, sample: `look-${look}`, seed: 1 + look },
          async () => {
            recorded = delay(marginMs).then(() => recordSwitches(seconds));
            // Whoever awaits it hears of it later.
            recorded.catch(() => {});
          },
        );
        const switches = new CoreSwitches(cpus().length, threads);
        await (await recorded!).read((line) => switches.line(line));
        const { outcomes, seconds: took } = report!;
        const decisionsPerSecond = Math.round((outcomes.allowed + outcomes.denied) / took);
        looks.push({ decisionsPerSecond, ...percentOf(switches.times()) });
      }
      return looks;
    } finally {
      await clients.stop();
    }
  } finally {
    await system.stop();
  }
}

/** @throws {Error} when the record does not say of some core whom it ran. */
function percentOf({ all, idle, idleThoughWaiting, idleThoughWoken }: IdleTimes) {
  if (all === 0) throw new Error("perf's record has a core that ran all the time, and nobody knows whom");
  const percent = (seconds: number) => Math.round((1_000 * seconds) / all) / 10;
  return {
    idlePercent: percent(idle),
    thoughWaitingPercent: percent(idleThoughWaiting),
    thoughWokenPercent: percent(idleThoughWoken),
  };
}

/** All threads of servers and clients but those that compile and collect garbage: these may wait. */
async function threadsOf(system: System, clients: readonly number[]): Promise<ReadonlySet<number>> {
  const threads = new Set<number>();
  for (const pid of [...system.pids(), ...clients]) {
    for (const thread of await readdir(`/proc/${pid}/task`)) {
      const name = await readFile(`/proc/${pid}/task/${thread}/comm`, "utf8");
      if (name.trim() !== "V8Worker") threads.add(Number(thread));
    }
  }
  return threads;
}

/** A number of all looks. */
function numberOf({ looks }: IdleCores, field: keyof Look): string {
  return spreadOf(
    looks.map((look) => look[field]),
    (value) => value.toLocaleString("en"),
  );
}

/** One row in words. */
export function lineOf(row: IdleCores): string {
  const idle = `${numberOf(row, "idlePercent")} % idle`;
  const waiting = `${numberOf(row, "thoughWaitingPercent")} % though somebody waited for another core`;
  return `${row.load}, ${row.contender}: cores are ${idle}, ${waiting}`;
}

const notes = [
  "- All shares are of all cores' time. Idle: a core ran nobody; of that time, somebody waited for another core, or was on its way from being woken on a core to running there.",
  "- Somebody: a thread of the servers or the client, but for those in which V8 compiles and collects garbage.",
  "- The kernel's recorder takes its share, and more from who switches more: without it all are faster.",
].join("\n");

/** As a table in Markdown. */
export function tableOf(rows: readonly IdleCores[], absent: readonly Absence[]): string {
  const idle = ["Cores idle, %", "though somebody waited for another core, %", "though somebody was on its way, %"];
  const fields = ["decisionsPerSecond", "idlePercent", "thoughWaitingPercent", "thoughWokenPercent"] as const;
  const table = markdownTable(
    ["Load", "System", "Decisions/s, recorder beside them", ...idle],
    rows.map((row) => [row.load, row.contender, ...fields.map((field) => numberOf(row, field))]),
  );
  const missing = absent.map(({ contender, reason }) => `Absent: ${contender}: ${reason}`);
  return [table, notes, ...missing].join("\n\n");
}
