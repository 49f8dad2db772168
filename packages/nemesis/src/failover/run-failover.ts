import { mkdirSync } from "node:fs";
import { mkdtemp } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { agreedLeader, until } from "@quorumguard/testbed";
import { type ClientProcesses, startClients } from "../clients/client-processes.ts";
import { type ClientsOfRun, planCrowd, planSteadyClient } from "../clients/plan-clients.ts";
import { hostClockUs } from "../host-clock.ts";
import { type JudgedRun, judgeRun } from "../judge/judge-run.ts";
import { createWiretap } from "../network/wiretap.ts";
import { createNemesisCluster, type NemesisCluster } from "../nodes/nemesis-cluster.ts";
import { agree, closeFolder, served, settle, stopNodes, writeHistory } from "../run-ends.ts";
import { type AnswerLog, createAnswerLog } from "./answer-log.ts";
import type { FailoverOptions } from "./failover-options.ts";
import { isFlawless, resultOf } from "./failover-result.ts";
import { leaderFaults } from "./leader-faults.ts";
import { type TrialGap, trialGap } from "./trial-gap.ts";
import { wellAgain } from "./well-again.ts";

/** One trial: the line of `--json`. */
export interface Trial extends TrialGap {
  readonly trial: number;
  readonly leaderBefore: number;
  readonly leaderAfter: number;
}

/** All that a run came to. */
export interface FailoverRun {
  readonly trials: readonly Trial[];
  readonly judged: JudgedRun;
  /** What is wrong, be it counted or not. */
  readonly violations: readonly string[];
  /** Logs and history, if they were kept. */
  readonly folder: string | null;
}

const nodeCount = 3;
const callIntervalMs = 5;
/** How often the steady caller is served between two faults, and while a killed leader is away. */
const servedBetween = 60;
const crowdThinkMs = 125;
const crowdFirstDecisions = 20;
/** Nobody waits longer for what must come. */
const patienceMs = 30_000;

/** Runs once, from empty disks to the verdict. @param tell Told of every trial as it ends. @throws {Error} when the cluster does not come back from a fault. */
export async function runFailover(
  options: FailoverOptions,
  say: (line: string) => void,
  tell: (trial: Trial) => void,
): Promise<FailoverRun> {
  const folder = await mkdtemp(join(tmpdir(), "quorumguard-failover-"));
  const wiretap = createWiretap(join(folder, "entries.bin"));
  const kinds = Array.from({ length: nodeCount }, () => "command" as const);
  const cluster = await createNemesisCluster({
    folder,
    kinds,
    wiretap,
    instruments: leaderFaults[options.fault].instruments,
  });
  let clients: ClientProcesses | null = null;
  const killAll = () => {
    clients?.killAll();
    cluster.killAll();
  };
  process.once("exit", killAll);
  try {
    await Promise.all(cluster.nodeIds.map((nodeId) => cluster.start(nodeId)));
    await served(cluster);
    const log = createAnswerLog();
    clients = startLoad(options, folder, cluster, log);
    await Promise.all([clients.more(crowdFirstDecisions, patienceMs), log.more(servedBetween, patienceMs)]);
    const trials: Trial[] = [];
    while (trials.length < options.trials) {
      const trial = await runTrial(options, cluster, log, trials.length);
      trials.push(trial);
      tell(trial);
    }
    const violations = [...(await clients.stop())];
    const settled = await settle(cluster, clients);
    violations.push(...(await agree(cluster)), ...(await stopNodes(cluster)));
    violations.push(...cluster.violations, ...wiretap.violations);
    await writeHistory(folder, clients, cluster, wiretap, settled);
    return conclude(options, folder, trials, violations);
  } catch (error) {
    say(`the run was given up; logs and history: ${folder}`);
    throw error;
  } finally {
    process.off("exit", killAll);
    killAll();
    wiretap.close();
  }
}

/** A caller on a schedule, alone in its process, and two processes of callers that keep keys at their limits. */
function startLoad(options: FailoverOptions, folder: string, cluster: NemesisCluster, log: AnswerLog): ClientProcesses {
  const history = join(folder, "history");
  mkdirSync(history);
  const run: ClientsOfRun = { folder: history, endpoints: cluster.endpoints, seed: 1, startUs: hostClockUs() };
  const guard = options.defaults ? {} : ({ onUnavailable: "throw", timeoutMs: 3_000 } as const);
  return startClients(
    [
      planSteadyClient(run, "steady", callIntervalMs, guard),
      ...["crowd-1", "crowd-2"].map((name) => planCrowd(run, name, crowdThinkMs, guard)),
    ],
    { onSteady: log.heard },
  );
}

/** Begins when all has been well for a while, and ends when it is again. */
async function runTrial(
  options: FailoverOptions,
  cluster: NemesisCluster,
  log: AnswerLog,
  trial: number,
): Promise<Trial> {
  const leaderBefore = await knownLeader(cluster);
  const faultUs = hostClockUs();
  await leaderFaults[options.fault].act({
    cluster,
    trial,
    leader: leaderBefore,
    served: () => log.more(servedBetween, patienceMs),
  });
  await wellAgain(cluster, patienceMs);
  const leaderAfter = await knownLeader(cluster);
  await log.more(servedBetween, patienceMs);
  const gap = trialGap(log.answers, { faultUs, endUs: hostClockUs() });
  log.forgetBefore(faultUs);
  return { trial: trial + 1, ...gap, leaderBefore, leaderAfter };
}

/** Waits until all nodes say the same of who leads. */
async function knownLeader(cluster: NemesisCluster): Promise<number> {
  const { nodeId } = await until("no leader that all nodes know of", patienceMs, async () =>
    agreedLeader(await Promise.all(cluster.nodeIds.map(cluster.status))),
  );
  return nodeId;
}

async function conclude(
  options: FailoverOptions,
  folder: string,
  trials: readonly Trial[],
  problems: readonly string[],
): Promise<FailoverRun> {
  const judged = await judgeRun(folder);
  const violations = [...new Set([...problems, ...judged.violations])];
  const run = { trials, judged, violations, folder: null };
  const kept = options.keep || !isFlawless(resultOf(options, run), run);
  return { ...run, ...(await closeFolder(folder, kept, violations)) };
}
