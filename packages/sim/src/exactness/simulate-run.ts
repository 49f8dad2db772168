import { auditLog, type CommittedCall } from "@quorumguard/audit";
import {
  algorithmNames,
  cellOf,
  collectCell,
  gapAroundMs,
  keyOf,
  measureCell,
  planArrivals,
  type RunPlan,
  type RunResult,
  ruleOf,
} from "@quorumguard/exactness";
import { defaultBounds, type Rule, readEntry } from "@quorumguard/limiter";
import type { NodeMachine } from "../cluster/node-host.ts";
import { createRandom, type Random } from "../world/random.ts";
import { sealGlobals } from "../world/seal.ts";
import { createTrace } from "../world/trace.ts";
import { createWorld, type World } from "../world/world.ts";
import { createSimulatedCluster, type SimulatedCluster } from "./simulated-cluster.ts";

const second = 1_000_000;
/** Of a call: the SDK's default. */
const timeoutMs = 1_000;
/** The sliding-window log merges admissions beyond so many; what it then says is not the naive model's number. */
const mostExact = 256;

/** For tests of the audit itself: clients that ask for another limit than the one that they are judged by. */
interface Planted {
  readonly asked?: (rule: Rule) => Rule;
}

/** Runs one cluster on virtual time, its clients being the SDK's core: production code from the node's driver down. */
export async function simulateRun(plan: RunPlan, { asked = (rule) => rule }: Planted = {}): Promise<RunResult> {
  const realMs = performance.now.bind(performance);
  const beganMs = realMs();
  const random = createRandom(plan.seed);
  const world = createWorld(random.fork("world"), createTrace());
  const unseal = sealGlobals(world, random.fork("sealed"), () => 1_767_225_600_000 + world.nowUs / 1000);
  const rejections: unknown[] = [];
  const onRejection = (reason: unknown) => rejections.push(reason);
  process.on("unhandledRejection", onRejection);
  try {
    const cluster = createSimulatedCluster(world, random, plan);
    const ran = await drive(plan, world, random, cluster, asked);
    unseal();
    return conclude({ plan, world, cluster, ...ran, rejections }, () => (realMs() - beganMs) / 1_000);
  } finally {
    process.off("unhandledRejection", onRejection);
    unseal();
  }
}

interface Kill {
  readonly how: "killed" | "vanished";
  readonly atUs: number;
}

interface Ran {
  readonly kill: Kill | null;
  readonly problems: readonly string[];
}

const leaderOf = ({ nodes }: SimulatedCluster): NodeMachine | undefined =>
  nodes.machines.find((machine) => machine.running?.node.leads === true);

/** A cluster forms, all clients connect, their calls arrive, the leader dies if it shall, and every call ends. */
async function drive(
  plan: RunPlan,
  world: World,
  random: Random,
  cluster: SimulatedCluster,
  asked: (rule: Rule) => Rule,
): Promise<Ran> {
  const { nodes, clients } = cluster;
  const problems: string[] = [];
  for (const machine of nodes.machines) nodes.start(machine);
  if (!(await world.run(10 * second, () => leaderOf(cluster) !== undefined))) problems.push("no leader within 10 s");
  let ready = 0;
  for (const { guard, process } of clients.machines)
    world.schedule(0, process, "connect", () => void guard.ready().then(() => ready++));
  if (!(await world.run(world.nowUs + 10 * second, () => ready === plan.clients)))
    problems.push(`${plan.clients - ready} clients did not connect within 10 s`);
  const startUs = world.nowUs;
  // Windows in stamps begin anywhere, and stamps run at 0.99 to 1.01 of real time.
  const durationUs = Math.ceil((plan.windows + 1) * plan.windowMs * 1_000 * 1.02);
  for (const machine of clients.machines) {
    for (const algorithm of algorithmNames) {
      const rule = ruleOf(plan, algorithm);
      const perSecond = (plan.load * rule.limit * 1_000) / plan.windowMs / plan.clients;
      const draw = random.fork(`${machine.name}/${algorithm}`);
      const items = [{ key: keyOf(algorithm), rule: asked(rule), cost: 1 }];
      for (const { atUs, count } of planArrivals(draw.float, perSecond, durationUs))
        world.schedule(atUs, machine.process, "arrivals", () => {
          for (let at = 0; at < count; at++) void clients.call(machine, items, timeoutMs);
        });
    }
  }
  const kill = plan.leaderKilled ? scheduleKill(world, random.fork("kill"), cluster, startUs, durationUs) : null;
  await world.run(startUs + durationUs);
  if (!(await world.run(world.nowUs + 5 * second, () => clients.open === 0)))
    problems.push(`${clients.open} calls had no end 5 s after the last arrival`);
  if (!(await world.run(world.nowUs + 10 * second, () => leaderOf(cluster) !== undefined)))
    problems.push("no leader in the end");
  const leader = leaderOf(cluster)?.running?.node.status();
  if (leader !== undefined) cluster.wiretap.sawCommit(leader.term, leader.commitIndex);
  return { kill: kill?.() ?? null, problems };
}

/** The leader dies in the middle of the run, its process or its whole machine, and comes back a little later. */
function scheduleKill(
  world: World,
  random: Random,
  cluster: SimulatedCluster,
  startUs: number,
  durationUs: number,
): () => Kill | null {
  const how = random.pick(["killed", "vanished"] as const);
  let kill: Kill | null = null;
  const strike = (): void => {
    const leader = leaderOf(cluster);
    if (leader === undefined) {
      world.schedule(1_000, null, "wait for a leader to kill", strike);
      return;
    }
    kill = { how, atUs: world.nowUs };
    cluster.nodes.crash(leader, how);
    // A lone node is all there is: its supervisor starts it again at once.
    const pauseUs = cluster.nodes.machines.length === 1 ? 100_000 : second;
    world.schedule(pauseUs, null, `restart ${leader.name}`, () => cluster.nodes.start(leader));
  };
  const atUs = startUs + durationUs * (0.35 + 0.3 * random.float());
  world.schedule(atUs - world.nowUs, null, "kill the leader", strike);
  return () => kill;
}

interface Conclusion extends Ran {
  readonly plan: RunPlan;
  readonly world: World;
  readonly cluster: SimulatedCluster;
  readonly rejections: readonly unknown[];
}

function conclude(ran: Conclusion, seconds: () => number): RunResult {
  const { plan, world, cluster, kill, rejections } = ran;
  const { clients, tap, wiretap, nodes } = cluster;
  const exact = new Set(algorithmNames.filter((name) => ruleOf(plan, name).limit <= mostExact).map(keyOf));
  const audit = auditLog({
    entries: wiretap.committed(),
    decode: readEntry,
    bounds: defaultBounds,
    acknowledgements: tap.acknowledgements.filter(({ asked }) => exact.has(asked[0]!.key)),
  });
  const places = new Map<string, CommittedCall>(audit.log.executed.map((call) => [call.callId, call]));
  const heard = { wire: tap.calls(), records: clients.records, placeOf: (callId: string) => places.get(callId) };
  const cells = algorithmNames.map((algorithm) => {
    const measured = measureCell(collectCell(keyOf(algorithm), ruleOf(plan, algorithm), heard));
    return cellOf(plan, algorithm, measured);
  });
  const violations = [
    ...ran.problems,
    ...audit.violations,
    ...wiretap.violations,
    ...tap.violations,
    ...clients.violations,
    ...nodes.fatal,
    ...world.crashes.map(({ process, error }) => `${process}: ${String(error)}`),
    ...rejections.map((reason) => `unhandled rejection: ${String(reason)}`),
  ];
  return {
    plan,
    cells,
    kill: kill === null ? null : { how: kill.how, gapMs: gapAroundMs(kill.atUs, clients.records) },
    degraded: clients.records.filter(({ degraded }) => degraded).length,
    violations: [...new Set(violations)].slice(0, 20),
    seconds: seconds(),
  };
}
