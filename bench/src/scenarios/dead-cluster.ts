import { type LocalCluster, startLocalCluster } from "@quorumguard/testbed";
import { type Callers, startCallers } from "../dead-cluster/callers.ts";
import { type Fault, type FaultName, faultNames, prepareFault } from "../dead-cluster/faults.ts";
import { judgeRound, type RoundFacts } from "../dead-cluster/judge-round.ts";
import { machineMs } from "../dead-cluster/messages.ts";
import { RequestWatch, steadyRate } from "../dead-cluster/request-counter.ts";
import { quantile } from "../quantile.ts";
import type { ScenarioOptions, ScenarioResult } from "../scenario.ts";

const load = { processes: 2, callsPerSecond: 1_000, timeoutMs: 1_000 } as const;
/** Steady load, then dead, then steady load again. The leader's first second and the callers' two are in the last. */
const times = { steadyMs: 2_000, deadMs: 4_000, afterMs: 4_000 } as const;

/** What is promised; the numbers of a run are held against it. */
export const promised = { lateP99Ms: 20, openP50Ms: 1, recoveryMs: 2_000, firstSecondOverSteady: 2 } as const;

/** One outage. */
export interface Round extends RoundFacts {
  readonly fault: FaultName;
  readonly steadyPerSecond: number;
  readonly firstSecond: number;
}

/**
 * Kills, pauses and cuts off all nodes at once under load, and lets them come back: for how long callers wait, and what the
 * leader that is back is met by.
 */
export async function deadCluster({ quick, say }: ScenarioOptions): Promise<ScenarioResult> {
  const rounds: Round[] = [];
  const cluster = await startLocalCluster({ nodes: 3 });
  try {
    for (const name of faultNames) {
      const fault = await prepareFault(name, cluster);
      const { endpoints, routing } = fault;
      const callers = await startCallers(load.processes, { ...load, endpoints, routing });
      try {
        for (let at = 0; at < (quick ? 1 : 3); at++) {
          const round = await measureRound(cluster, name, fault, callers.report);
          rounds.push(round);
          say(`  ${name}: ${lineOf(numbersOf([round]))}`);
        }
      } finally {
        await callers.stop();
        await fault.close();
      }
    }
  } finally {
    await cluster.stop();
  }
  return summarize(rounds);
}

async function measureRound(
  cluster: LocalCluster,
  name: FaultName,
  fault: Fault,
  report: Callers["report"],
): Promise<Round> {
  await cluster.waitUntilCaughtUp();
  const steadyPerSecond = await steadyRate(cluster, times.steadyMs);
  await report();
  const watch = await RequestWatch.begin(cluster);
  const deadMs = machineMs();
  await fault.begin();
  await pause(times.deadMs);
  const endedMs = machineMs();
  await fault.end();
  const backMs = machineMs();
  await pause(times.afterMs);
  const facts = judgeRound(await report(), { deadMs, endedMs, backMs }, load.timeoutMs);
  const firstSecond = await watch.firstSecondAfter(endedMs, name === "kill");
  return { fault: name, steadyPerSecond: Math.round(steadyPerSecond), firstSecond, ...facts };
}

/** The four numbers, over all rounds: of waits the percentiles, of recoveries the worst. */
export function numbersOf(rounds: readonly Round[]) {
  return {
    lateP99Ms: spread(rounds.flatMap(({ lateMs }) => lateMs)).p99,
    openP50Ms: spread(rounds.flatMap(({ openMs }) => openMs)).p50,
    recoveryMs: Math.round(Math.max(...rounds.map(({ recoveryMs }) => recoveryMs))),
    firstSecondOverSteady: rounded(Math.max(...rounds.map((round) => round.firstSecond / round.steadyPerSecond))),
  };
}

/** @throws {Error} when there are no rounds. */
export function summarize(rounds: readonly Round[]): ScenarioResult {
  if (rounds.length === 0) throw new Error("there are no rounds to summarize");
  const numbers = numbersOf(rounds);
  const failed = rounds.reduce((sum, round) => sum + round.failed, 0);
  const waited = rounds.reduce((sum, { lateMs }) => sum + lateMs.length, 0);
  const names = Object.keys(promised) as (keyof typeof promised)[];
  const holds = failed === 0 && names.every((name) => numbers[name] <= promised[name]);
  return {
    line: `${rounds.length} outages, ${waited} calls that waited: ${lineOf(numbers)}; ${holds ? "as promised" : "NOT as promised"}`,
    summary: { outages: rounds.length, waited, failed, ...numbers, promised, holds },
    details: {
      load,
      rounds: rounds.map(({ lateMs, openMs, ...round }) => ({
        ...round,
        waited: lateMs.length,
        answeredAtOnce: openMs.length,
        lateMs: spread(lateMs),
        openMs: spread(openMs),
      })),
    },
  };
}

function lineOf({ lateP99Ms, openP50Ms, recoveryMs, firstSecondOverSteady }: ReturnType<typeof numbersOf>): string {
  return (
    `${lateP99Ms} ms beyond the deadline (p99), ${openP50Ms} ms while the breaker was open (p50), ` +
    `all of the quorum ${recoveryMs} ms after it was back, ${firstSecondOverSteady} × steady in its first second`
  );
}

/** NaN of nothing, which keeps no promise. */
function spread(values: readonly number[]) {
  const sorted = values.toSorted((a, b) => a - b);
  const at = (share: number) => (sorted.length === 0 ? Number.NaN : rounded(quantile(sorted, share)));
  return { p50: at(0.5), p99: at(0.99), max: at(1) };
}

/** To a thousandth. */
function rounded(value: number): number {
  return Math.round(value * 1_000) / 1_000;
}

const pause = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms));
