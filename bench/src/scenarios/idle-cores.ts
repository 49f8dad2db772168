import { readdir, readFile } from "node:fs/promises";
import { availableParallelism } from "node:os";
import { openClientProcesses } from "../decisions/client-processes.ts";
import { type Contender, quorumGuard, redisNone } from "../decisions/contenders.ts";
import type { Point } from "../decisions/points.ts";
import { CoreSwitches, type IdleTimes } from "../idle-cores/core-switches.ts";
import { recordSwitches } from "../idle-cores/record-switches.ts";
import { markdownTable } from "../markdown-table.ts";
import type { ScenarioOptions, ScenarioResult } from "../scenario.ts";
import type { System } from "../system.ts";
import { systems } from "../systems/index.ts";
import { decisionsPlans } from "./decisions.ts";

/** What cores did under one load. */
export interface IdleCores {
  readonly load: string;
  readonly contender: string;
  readonly decisionsPerSecond: number;
  /** Of all cores' time, in per cent. */
  readonly idlePercent: number;
  /** Of all cores' time: one was idle, and somebody was ready and waited for another one. */
  readonly thoughWaitingPercent: number;
  /** The same: somebody was on its way onto the idle one. */
  readonly thoughWokenPercent: number;
}

const warmUpMs = 12_000;
/** The load begins before the record does, and goes on after it. */
const marginMs = 1_000;

/**
 * Why cores are idle under a load of which more would be done: the kernel's own record of which thread each core runs, and who was ready
 * meanwhile. What it records makes all of them slower.
 */
export async function idleCores({ quick, say }: ScenarioOptions): Promise<ScenarioResult> {
  const unique = decisionsPlans.find(({ name }) => name === "unique-keys")!.points;
  const loads = ["256 in flight", "1,024 in flight"].map((load) => unique.find(({ name }) => name === load)!);
  const rows: IdleCores[] = [];
  for (const point of loads) {
    for (const contender of [quorumGuard, redisNone]) {
      const row = await look(point, contender, quick ? 1 : 4);
      rows.push(row);
      say(
        `    ${row.load}, ${row.contender}: ${row.idlePercent} % idle, ${row.thoughWaitingPercent} % though somebody waited`,
      );
    }
  }
  const [first] = rows as [IdleCores];
  return {
    line: `${first.load}: cores are idle for ${first.idlePercent} % of their time, for ${first.thoughWaitingPercent} % though somebody is ready and waits for another core`,
    summary: { rows },
    details: {},
    table: tableOf(rows),
  };
}

async function look(point: Point, contender: Contender, seconds: number): Promise<IdleCores> {
  const system = await systems[contender.system]();
  try {
    const place = { endpoints: await system.endpoints(), rule: point.rule };
    const clients = await openClientProcesses(1, { client: contender.client, place });
    try {
      const load = { inFlight: point.inFlight, keys: point.keys, seed: 1 };
      await clients.run({ ...load, durationMs: warmUpMs, sample: "warm" }, async () => {});
      const switches = new CoreSwitches(availableParallelism(), await threadsOf(system, clients.pids));
      const durationMs = 1_000 * seconds + 2 * marginMs;
      let recorded: Promise<void> | undefined;
      const [report] = await clients.run({ ...load, durationMs, sample: "seen" }, async () => {
        recorded = recordSwitches(seconds, (line) => switches.line(line));
        // Whoever awaits it hears of it later.
        recorded.catch(() => {});
      });
      await recorded;
      const { outcomes, seconds: took } = report!;
      return {
        ...{ load: point.name, contender: contender.name },
        decisionsPerSecond: Math.round((outcomes.allowed + outcomes.denied) / took),
        ...percentOf(switches.times()),
      };
    } finally {
      await clients.stop();
    }
  } finally {
    await system.stop();
  }
}

function percentOf({ all, idle, idleThoughWaiting, idleThoughWoken }: IdleTimes) {
  const percent = (seconds: number) => Math.round((100 * seconds) / all);
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

/** As a table in Markdown. */
export function tableOf(rows: readonly IdleCores[]): string {
  return markdownTable(
    [
      "Load",
      "System",
      "Decisions/s",
      "Cores idle, %",
      "though somebody waited for another core, %",
      "though somebody was on its way, %",
    ],
    rows.map((row) => [
      ...[row.load, row.contender, row.decisionsPerSecond.toLocaleString("en")],
      ...[row.idlePercent, row.thoughWaitingPercent, row.thoughWokenPercent].map(String),
    ]),
  );
}
