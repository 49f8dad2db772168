import { defaultBounds, readEntry } from "@quorumguard/limiter";
import { auditCallers, type TimeBreak } from "./audit/caller-audit.ts";
import { auditLink } from "./audit/link-audit.ts";
import { auditLog } from "./audit/log-audit.ts";
import type { AskedItem } from "./audit/records.ts";
import { createSessionTap } from "./check/client-tap.ts";
import { createNodeWatch } from "./check/node-watch.ts";
import { createWiretap } from "./check/wiretap.ts";
import { type ClientHost, createClientHost } from "./cluster/client-host.ts";
import { type ClusterPlan, createNodeHost, type NodeHost } from "./cluster/node-host.ts";
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

function planCluster(random: Random): ClusterPlan {
  const shortLived = random.chance(0.5);
  const sessionTtlUs = shortLived ? random.pick([700_000, 1_500_000]) : 60 * second;
  return {
    nodes: 3,
    bounds: {
      sessionTtlUs,
      maxKeys: 10_000,
      maxResultsPerSession: random.chance(0.8) ? 4_096 : 64,
    },
    sessionTtlMs: sessionTtlUs / 1000,
    maxWallOffsetMs: random.pick([5, 1_000, 60_000]),
    options: {
      snapshotLogBytes: random.pick([2_048, 8_192, 65_536]),
      trailingEntries: random.pick([0, 5, 50]),
      segmentBytes: 65_536,
    },
    diskSpeed: {
      callUs: 20,
      flushUs: random.pick([150, 400, 2_000]),
      stallChance: random.pick([0, 0.01]),
      stallUs: 30_000,
    },
  };
}

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
  const formed = await world.run(5 * second, () =>
    nodes.machines.some((machine) => machine.running?.node.leads === true),
  );
  if (!formed) violations.push("liveness: three healthy nodes found no leader within 5 s");
  clients.start();
  nemesis.start();
  await world.run(world.nowUs + faultPlan.durationUs);
  nemesis.healAll();
  violations.push(...(await checkLiveness(world, nodes, clients)));
  count("brokenStreams", clientNetwork.brokenStreams);

  const audit = auditLog({
    entries: wiretap.committed(),
    decode: readEntry,
    bounds: defaultBounds,
    acknowledgements: tap.acknowledgements,
  });
  const named = (name: string, found: readonly string[]) => found.map((line) => `${name}: ${line}`);
  violations.push(
    ...named("raft", wiretap.violations),
    ...named("nodes", watch.violations),
    ...named("log audit", audit.violations),
    ...named("caller audit", auditCallers(clients.records, timeBreaks())),
    ...named("link audit", auditLink(clients.records, audit.log, tap.clientOf)),
    ...named("session wire", tap.violations),
    ...named("client", clients.violations),
    ...named("fatal", nodes.fatal),
    ...named(
      "exception",
      world.crashes.map(({ process, error }) => `${process}: ${stackOf(error)}`),
    ),
    ...named("unhandled rejection", rejections.map(stackOf)),
  );
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

const stackOf = (error: unknown) => (error instanceof Error ? (error.stack ?? error.message) : String(error));

/** Observes nodes after each of their events, and notes when a majority may have lost its sense of time. */
function watchCluster(
  world: World,
  nodes: NodeHost,
  watch: ReturnType<typeof createNodeWatch>,
): () => readonly TimeBreak[] {
  const breaks: { fromUs: number; toUs: number }[] = [];
  let wasWhole = false;
  const majority = Math.floor(nodes.machines.length / 2) + 1;
  world.onEvent((process) => {
    let knowing = 0;
    for (const machine of nodes.machines) {
      const running = machine.running;
      if (running === null) continue;
      if (running.process === process) {
        if (!running.knowsTime) running.knowsTime = running.node.topology().leaderId !== 0;
        watch.observe(machine.nodeId, machine.boot, running.node);
      }
      if (running.knowsTime) knowing++;
    }
    const whole = knowing >= majority;
    if (!whole) watch.timeBroke();
    if (whole && !wasWhole && breaks.length > 0) breaks.at(-1)!.toUs = world.nowUs;
    if (!whole && (wasWhole || breaks.length === 0))
      breaks.push({ fromUs: world.nowUs, toUs: Number.POSITIVE_INFINITY });
    wasWhole = whole;
  });
  return () => breaks;
}

/** With nothing broken any more, nodes must agree and calls must succeed, soon. */
async function checkLiveness(world: World, nodes: NodeHost, clients: ClientHost): Promise<string[]> {
  const violations: string[] = [];
  const ready = () =>
    nodes.machines.every((machine) => machine.running?.node.status().ready === true) &&
    nodes.machines.some((machine) => machine.running?.node.leads === true);
  if (!(await world.run(world.nowUs + 6 * second, ready))) {
    const states = nodes.machines.map(
      (machine) => `${machine.name}: ${JSON.stringify(machine.running?.node.status())}`,
    );
    violations.push(`liveness: not every node is ready 6 s after everything was mended; ${states.join("; ")}`);
    return violations;
  }
  clients.stop();
  if (!(await world.run(world.nowUs + 6 * second, () => clients.open === 0)))
    violations.push(`liveness: ${clients.open} calls did not end by their deadline`);
  await world.run(world.nowUs + 1.2 * second);
  violations.push(...(await checkCallsSucceed(world, clients)));
  const settled = () =>
    new Set(nodes.machines.map((machine) => machine.running?.node.status().appliedIndex)).size === 1;
  if (!(await world.run(world.nowUs + 2 * second, settled)))
    violations.push("liveness: nodes do not apply the same entries");
  const hashes = new Set(nodes.machines.map((machine) => machine.running?.node.status().stateHash));
  if (settled() && hashes.size !== 1) violations.push(`state machine safety: ${[...hashes].join(" and ")} in the end`);
  return violations;
}

async function checkCallsSucceed(world: World, clients: ClientHost): Promise<string[]> {
  const violations: string[] = [];
  let left = 0;
  for (const machine of clients.machines)
    for (let at = 0; at < 3; at++) {
      left++;
      const rule = { algorithm: 1, limit: 1_000, windowUs: second, burst: 0, policy: "" } as const;
      const items: AskedItem[] = [{ key: "key-0", rule, cost: 1 }];
      world.schedule(at * 20_000, machine.process, "last call", () => {
        void clients.call(machine, items, 2_000).then((record) => {
          left--;
          if (record.error !== null && record.error !== "session_expired")
            violations.push(
              `liveness: a call of ${machine.name} failed with ${record.error} after everything was mended`,
            );
        });
      });
    }
  if (!(await world.run(world.nowUs + 5 * second, () => left === 0)))
    violations.push(`liveness: ${left} last calls never ended`);
  return violations;
}
