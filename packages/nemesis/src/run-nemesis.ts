import { mkdirSync } from "node:fs";
import { mkdtemp } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type ClientProcesses, startClients } from "./clients/client-processes.ts";
import { planNemesisClients } from "./clients/plan-clients.ts";
import { diskFaults } from "./faults/disk-faults.ts";
import type { FaultScene } from "./faults/fault.ts";
import { runNemesis } from "./faults/nemesis.ts";
import { networkFaults } from "./faults/network-faults.ts";
import { processFaults } from "./faults/process-faults.ts";
import { hostClockUs } from "./host-clock.ts";
import { judgeRun } from "./judge/judge-run.ts";
import type { NemesisOptions } from "./nemesis-options.ts";
import { createWiretap, type Wiretap } from "./network/wiretap.ts";
import { createNemesisCluster, type NemesisCluster } from "./nodes/nemesis-cluster.ts";
import type { NodeKind } from "./nodes/node-plan.ts";
import { createRandom, type Random } from "./random.ts";
import { agree, closeFolder, served, settle, stopNodes, writeHistory } from "./run-ends.ts";

/** What one run came to: the line of `--json`. */
export interface NemesisResult {
  readonly seconds: number;
  readonly seed: number;
  readonly nodes: number;
  readonly calls: number;
  readonly allowed: number;
  readonly denied: number;
  readonly failed: number;
  /** Of these, those that processes answered by themselves: by a lease, or by a denial that they remembered. */
  readonly leased: number;
  readonly remembered: number;
  readonly faults: Readonly<Record<string, number>>;
  /** Kinds of faults that this machine does not let us do, and why. */
  readonly skipped: Readonly<Record<string, string>>;
  readonly leaderChanges: number;
  readonly snapshots: number;
  readonly entries: number;
  readonly overAdmitted: number;
  readonly chargedTwice: number;
  readonly acknowledgedLost: number;
  readonly degraded: number;
  readonly history: "accepted" | "rejected";
  readonly violations: readonly string[];
  /** Logs and history, if they were kept. */
  readonly folder: string | null;
}

/** Every kind of fault that can be drawn. */
export const allFaults = [...processFaults, ...networkFaults, ...diskFaults];

/** After the last fault, so many elections may still pass until every client was served again... */
const mostElections = 12;
/** ...each of them so often. */
const servedDecisions = 60;
/** Beyond this nobody waits for events that do not come. Milliseconds. */
const patienceMs = 60_000;

/** Runs once, from empty disks to the verdict. @param say Told of every fault as it happens. */
export async function runOnce(options: NemesisOptions, say: (line: string) => void): Promise<NemesisResult> {
  const random = createRandom(options.seed);
  const draw = random.fork("cluster");
  const count = options.nodes ?? (draw.chance(0.2) ? 5 : 3);
  const kinds = drawKinds(draw, count);
  const folder = await mkdtemp(join(tmpdir(), "quorumguard-nemesis-"));
  const wiretap = createWiretap(join(folder, "entries.bin"));
  const cluster = await createNemesisCluster({
    folder,
    kinds,
    wiretap,
    instruments: ["clientLinks", "clock", "flushes"],
  });
  let clients: ClientProcesses | null = null;
  const killAll = () => {
    clients?.killAll();
    cluster.killAll();
  };
  process.once("exit", killAll);
  try {
    say(`seed ${options.seed}: nodes ${kinds.join(", ")}; folder ${folder}`);
    await Promise.all(cluster.nodeIds.map((nodeId) => cluster.start(nodeId)));
    await served(cluster);
    mkdirSync(join(folder, "history"));
    const { endpoints } = cluster;
    const ofRun = { folder: join(folder, "history"), endpoints, seed: options.seed, startUs: hostClockUs() };
    clients = startClients(planNemesisClients(ofRun, random.fork("clients")));
    await clients.more(20, patienceMs);
    const harmed = await harm(options, cluster, clients, say);
    const violations = [...harmed.problems];
    violations.push(...(await recover(cluster, clients, wiretap, say)));
    violations.push(...(await clients.stop()));
    const settled = await settle(cluster, clients);
    violations.push(...(await agree(cluster)), ...cluster.violations, ...wiretap.violations);
    violations.push(...(await stopNodes(cluster)));
    say("judging");
    return await conclude({ options, folder, count, cluster, clients, wiretap, harmed, settled, violations });
  } finally {
    process.off("exit", killAll);
    killAll();
    wiretap.close();
  }
}

/** All of one kind, so that all lose power at once or all are what users run, or any mixture. */
function drawKinds(draw: Random, count: number): readonly NodeKind[] {
  const all = draw.pick(["command", "forgetful", null, null] as const);
  return Array.from({ length: count }, () => all ?? draw.pick(["command", "small", "forgetful"] as const));
}

interface Harm {
  readonly faults: Record<string, number>;
  readonly skipped: Record<string, string>;
  readonly problems: readonly string[];
}

async function harm(
  options: NemesisOptions,
  cluster: NemesisCluster,
  clients: ClientProcesses,
  say: (line: string) => void,
): Promise<Harm> {
  const faults: Record<string, number> = {};
  const startMs = performance.now();
  let end = () => {};
  const over = new Promise<void>((resolve) => {
    end = resolve;
  });
  const timer = setTimeout(end, options.seconds * 1_000);
  const scene: FaultScene = {
    cluster,
    clients,
    random: createRandom(options.seed).fork("faults"),
    happened(kind, what) {
      faults[kind] = (faults[kind] ?? 0) + 1;
      say(`${((performance.now() - startMs) / 1_000).toFixed(1).padStart(7)} s  ${kind.padEnd(14)} ${what}`);
    },
    pause: (ms) => Promise.race([new Promise<void>((resolve) => setTimeout(resolve, ms)), over]),
  };
  const chosen = allFaults.filter(({ kind }) => options.only === null || options.only.includes(kind));
  const { skipped, problems } = await runNemesis(scene, chosen, over);
  // Without faults to draw, the load alone is the run.
  await over;
  clearTimeout(timer);
  for (const [kind, reason] of skipped) say(`skipped ${kind}: ${reason}`);
  return { faults, skipped: Object.fromEntries(skipped), problems };
}

/** Nothing is broken any more: every client must be served again, within a bounded number of elections. */
async function recover(
  cluster: NemesisCluster,
  clients: ClientProcesses,
  wiretap: Wiretap,
  say: (line: string) => void,
): Promise<readonly string[]> {
  say("all faults are over");
  await cluster.healLinks();
  for (const nodeId of cluster.nodeIds) if (!cluster.isUp(nodeId)) await cluster.start(nodeId);
  const before = wiretap.leaders.size;
  const problem = await clients.more(servedDecisions, patienceMs).then(
    () => null,
    (error: Error) => `liveness: ${error.message}`,
  );
  const elections = wiretap.leaders.size - before;
  const late =
    elections <= mostElections
      ? null
      : `liveness: ${elections} elections after the last fault, at most ${mostElections} may be needed`;
  return [problem, late].filter((one) => one !== null);
}

interface Conclusion {
  readonly options: NemesisOptions;
  readonly folder: string;
  readonly count: number;
  readonly cluster: NemesisCluster;
  readonly clients: ClientProcesses;
  readonly wiretap: Wiretap;
  readonly harmed: Harm;
  readonly settled: ReadonlyMap<string, number>;
  readonly violations: readonly string[];
}

async function conclude(conclusion: Conclusion): Promise<NemesisResult> {
  const { options, folder, wiretap, clients, harmed, cluster } = conclusion;
  await writeHistory(folder, clients, cluster, wiretap, conclusion.settled);
  const judged = await judgeRun(folder);
  const violations = [...new Set([...conclusion.violations, ...judged.violations])];
  const { overAdmitted, chargedTwice, acknowledgedLost, degraded } = judged;
  const accepted = judged.violations.length === 0 && overAdmitted + chargedTwice + acknowledgedLost === 0;
  const kept = options.keep || !accepted || violations.length > 0;
  const closed = await closeFolder(folder, kept, violations);
  return {
    seconds: options.seconds,
    seed: options.seed,
    nodes: conclusion.count,
    calls: judged.calls,
    allowed: judged.allowed,
    denied: judged.denied,
    failed: judged.failed,
    leased: judged.leased,
    remembered: judged.remembered,
    faults: harmed.faults,
    skipped: harmed.skipped,
    leaderChanges: Math.max(0, wiretap.leaders.size - 1),
    snapshots: wiretap.snapshots,
    entries: judged.entries,
    overAdmitted,
    chargedTwice,
    acknowledgedLost,
    degraded,
    history: accepted ? "accepted" : "rejected",
    ...closed,
  };
}
