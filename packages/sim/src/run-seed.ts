import { auditCallers, auditLink, auditLog, type TimeBreak } from "@quorumguard/audit";
import { defaultBounds, readEntry } from "@quorumguard/limiter";
import { createSessionTap, type SessionTap } from "./check/client-tap.ts";
import { checkLiveness } from "./check/liveness.ts";
import { createNodeWatch, type NodeWatch } from "./check/node-watch.ts";
import { watchCluster } from "./check/watch-cluster.ts";
import { createWiretap, type Wiretap } from "./check/wiretap.ts";
import { type ClientHost, createClientHost } from "./cluster/client-host.ts";
import { createNodeHost, type NodeHost } from "./cluster/node-host.ts";
import { planCluster } from "./cluster/plan-cluster.ts";
import { planWorkload } from "./cluster/workload.ts";
import { calmNetwork, type FaultKind, planFaults } from "./faults/fault-plan.ts";
import { createNemesis } from "./faults/nemesis.ts";
import { createClientNetwork } from "./network/client-network.ts";
import { createLinks } from "./network/links.ts";
import { createPeerNetwork } from "./network/peer-network.ts";
import { FrameKind } from "./production.ts";
import { createRandom, type Random } from "./world/random.ts";
import { sealGlobals } from "./world/seal.ts";
import { createTrace, type TraceOptions } from "./world/trace.ts";
import { createWorld, type World } from "./world/world.ts";

/** What one seed came to. */
export interface SeedResult {
  readonly seed: number;
  /** Empty: every checker and audit was satisfied. Each begins with the name of what found it. */
  readonly violations: readonly string[];
  /** Equal for two runs of a seed, whatever else happens in the process. */
  readonly traceHash: string;
  /** The last lines of what happened. */
  readonly trace: readonly string[];
  readonly faults: Readonly<Record<string, number>>;
  readonly commits: number;
  readonly leaderChanges: number;
  readonly calls: number;
  readonly allowed: number;
  readonly denied: number;
  readonly failed: number;
  readonly events: number;
  readonly virtualMs: number;
}

const second = 1_000_000;

/** Runs one seed: a safety phase full of faults, then a liveness phase without, then the audits. */
export async function runSeed(seed: number, options: TraceOptions = {}): Promise<SeedResult> {
  const trace = createTrace(options);
  const random = createRandom(seed);
  const world = createWorld(random.fork("world"), trace);
  const unseal = sealGlobals(world, random.fork("sealed"), () => 1_767_225_600_000 + world.nowUs / 1000);
  const rejections: unknown[] = [];
  const onRejection = (reason: unknown) => rejections.push(reason);
  process.on("unhandledRejection", onRejection);
  try {
    return await simulate(seed, world, random, rejections);
  } finally {
    process.off("unhandledRejection", onRejection);
    unseal();
  }
}

async function simulate(seed: number, world: World, random: Random, rejections: unknown[]): Promise<SeedResult> {
  const cluster = planCluster(random.fork("cluster plan"));
  const faultPlan = planFaults(random.fork("fault plan"));
  const workload = planWorkload(random.fork("workload plan"));
  world.trace.note(0, `seed ${seed}: ${JSON.stringify({ cluster, faultPlan, workload })}`);

  const faults: Record<string, number> = {};
  const count = (kind: FaultKind | "loss" | "duplicate" | "reorder" | "brokenStreams", times = 1) => {
    faults[kind] = (faults[kind] ?? 0) + times;
  };
  const links = createLinks(calmNetwork);
  const wiretap = createWiretap();
  const tap = createSessionTap((line) => world.trace.event(world.nowUs, line));
  const peers = createPeerNetwork(world, links, random.fork("peer network"), {
    isRaftFrame: (frame) => frame[0] === FrameKind.envelope,
    tap: wiretap.frame,
    count,
  });
  const clientNetwork = createClientNetwork(world, links, random.fork("client network"), tap);
  const nodes = createNodeHost(world, random.fork("nodes"), cluster, peers, clientNetwork);
  const clients = createClientHost(world, random.fork("clients"), workload, cluster.nodes, clientNetwork);
  const watch = createNodeWatch({ nowUs: () => world.nowUs, maxLagPerChangeUs: 150_000 });
  const timeBreaks = watchCluster(world, nodes, watch);
  const nemesis = createNemesis(
    { world, random: random.fork("nemesis"), nodes, clients, peers, clientNetwork, links, count },
    faultPlan,
  );

  for (const machine of nodes.machines) nodes.start(machine);
  const violations: string[] = [];
  const leads = () => nodes.machines.some((machine) => machine.running?.node.leads === true);
  if (!faultPlan.fromTheStart && !(await world.run(5 * second, leads)))
    violations.push("liveness: three healthy nodes found no leader within 5 s");
  clients.start();
  nemesis.start();
  await world.run(world.nowUs + faultPlan.durationUs);
  nemesis.healAll();
  violations.push(...(await checkLiveness(world, nodes, clients)));
  count("brokenStreams", clientNetwork.brokenStreams);
  // What is wrong comes before what did not come about: a lost entry says more than the node that waits for it.
  violations.unshift(...auditAll({ world, nodes, clients, wiretap, tap, watch, timeBreaks: timeBreaks(), rejections }));
  return {
    seed,
    violations: [...new Set(violations)],
    traceHash: world.trace.hash(),
    trace: world.trace.lines(),
    faults,
    commits: watch.commitIndex,
    leaderChanges: watch.leaderChanges,
    calls: clients.records.length,
    allowed: clients.records.filter((record) => record.allowed === true).length,
    denied: clients.records.filter((record) => record.allowed === false).length,
    failed: clients.records.filter((record) => record.allowed === null).length,
    events: world.events,
    virtualMs: world.nowUs / 1000,
  };
}

interface Evidence {
  readonly world: World;
  readonly nodes: NodeHost;
  readonly clients: ClientHost;
  readonly wiretap: Wiretap;
  readonly tap: SessionTap;
  readonly watch: NodeWatch;
  readonly timeBreaks: readonly TimeBreak[];
  readonly rejections: readonly unknown[];
}

/** What checkers found on the way and audits find afterwards, each under its finder's name. */
function auditAll(evidence: Evidence): string[] {
  const { world, nodes, clients, wiretap, tap, watch, timeBreaks, rejections } = evidence;
  const audit = auditLog({
    entries: wiretap.committed(),
    decode: readEntry,
    bounds: defaultBounds,
    acknowledgements: tap.acknowledgements,
  });
  const crashes = world.crashes.map(({ process, error }) => `${process}: ${stackOf(error)}`);
  const found: Readonly<Record<string, readonly string[]>> = {
    raft: wiretap.violations,
    nodes: watch.violations,
    "log audit": audit.violations,
    "caller audit": auditCallers(clients.records, timeBreaks),
    "link audit": auditLink(clients.records, audit.log, tap.clientOf),
    "session wire": tap.violations,
    client: clients.violations,
    fatal: nodes.fatal,
    exception: crashes,
    "unhandled rejection": rejections.map(stackOf),
  };
  return Object.entries(found).flatMap(([name, lines]) => lines.map((line) => `${name}: ${line}`));
}

const stackOf = (error: unknown) => (error instanceof Error ? (error.stack ?? error.message) : String(error));
