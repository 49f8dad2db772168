import { auditAll, auditSteps, stepViolations } from "./check/audit-all.ts";
import { createSessionTap } from "./check/client-tap.ts";
import { type Configuration, type Configurations, createConfigurations, membersOf } from "./check/configuration.ts";
import { checkDurable } from "./check/durable-quorum.ts";
import { checkLiveness } from "./check/liveness.ts";
import { createNodeWatch, type NodeWatch } from "./check/node-watch.ts";
import { createRareStates, type RareState, type RareStates } from "./check/rare-states.ts";
import { createRarities, type Rarities } from "./check/rarities.ts";
import { watchCluster } from "./check/watch-cluster.ts";
import { createWiretap, type Wiretap } from "./check/wiretap.ts";
import { createClientHost } from "./cluster/client-host.ts";
import { planLeases, startLeaseCallers } from "./cluster/lease-workload.ts";
import { type ClusterPlan, createNodeHost, type NodeHost, type NodeMachine } from "./cluster/node-host.ts";
import { createOperator } from "./cluster/operator.ts";
import { planOutages, startOutageCallers } from "./cluster/outage-workload.ts";
import { planCluster } from "./cluster/plan-cluster.ts";
import { startVerbCallers } from "./cluster/verb-callers.ts";
import { planScarcity, planVerbs } from "./cluster/verb-workload.ts";
import { planWaits, startWaitCallers } from "./cluster/wait-workload.ts";
import { planWorkload } from "./cluster/workload.ts";
import { type CountedFault, calmNetwork, type FaultPlan, planFaults } from "./faults/fault-plan.ts";
import { createNemesis, type Nemesis } from "./faults/nemesis.ts";
import { createClientNetwork, endpointOf } from "./network/client-network.ts";
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
  readonly rareStates: Readonly<Partial<Record<RareState, number>>>;
  /** Faults of the nemesis, and when the last of them could have come: what a shorter run of the seed is cut from. */
  readonly strikes: number;
  readonly faultsUntilUs: number;
  readonly commits: number;
  readonly leaderChanges: number;
  readonly calls: number;
  readonly allowed: number;
  readonly denied: number;
  readonly failed: number;
  readonly events: number;
  readonly virtualMs: number;
}

/** How a seed is run: whole, or cut short to find what a failure needs. */
export interface RunOptions extends TraceOptions {
  /** Only so many faults are committed. Default: as many as there is time for. */
  readonly maxFaults?: number | undefined;
  /** Everything is mended at this virtual time at the latest. Default: when the seed says so. */
  readonly untilUs?: number | undefined;
  /** So many clients that lease what they ask for, in place of the few that the seed draws. Default: as the seed says. */
  readonly clients?: number | undefined;
  /** A run that handles so many events without an end has a violation named `limit`. Default: far more than a sound one needs. */
  readonly mostEvents?: number | undefined;
}

const second = 1_000_000;

/** Five times what the longest of 200 sound seeds needs; the phases of a run add up to less than so much virtual time. */
const usualMostEvents = 250_000;
/** Of a crowd, the same by 20 seeds of 64 clients. */
const crowdedMostEvents = 5_000_000;
const mostUs = 60 * second;

/** Runs one seed: a safety phase full of faults, then a liveness phase without, then the audits. */
export async function runSeed(seed: number, options: RunOptions = {}): Promise<SeedResult> {
  const trace = createTrace(options);
  const random = createRandom(seed);
  const world = createWorld(random.fork("world"), trace);
  const unseal = sealGlobals(world, random.fork("sealed"), () => 1_767_225_600_000 + world.nowUs / 1000);
  const rejections: unknown[] = [];
  const onRejection = (reason: unknown) => rejections.push(reason);
  process.on("unhandledRejection", onRejection);
  try {
    return await simulate(seed, world, random, rejections, options);
  } finally {
    process.off("unhandledRejection", onRejection);
    unseal();
  }
}

/** Draws all that a seed decides beforehand. What came later draws from forks of its own, so that faults stay the same. */
function plan(seed: number, random: Random, clients: number | undefined) {
  const planned = planCluster(random.fork("cluster plan"));
  const faultPlan = planFaults(random.fork("fault plan"));
  const workload = planWorkload(random.fork("workload plan"));
  const more = createRandom(seed).fork("more");
  const scarcity = planScarcity(more.fork("scarcity plan"));
  const cluster = { ...planned, bounds: { ...planned.bounds, ...scarcity.bounds } };
  const leases = planLeases(more.fork("leases plan"), clients !== undefined);
  const waits = planWaits(more.fork("waits plan"));
  // Every one of their calls has a key of its own.
  const outages =
    scarcity.bounds.maxKeys === undefined && !scarcity.quotas ? planOutages(more.fork("outages plan")) : null;
  return {
    ...{ cluster, faultPlan, more, leases, waits, outages, verbs: planVerbs(more.fork("verbs plan"), scarcity) },
    workload: { ...workload, leases: leases !== null, ...(clients === undefined ? {} : crowd(clients)) },
  };
}

/** Many clients, each of which asks little but for what it leases. */
const crowd = (clients: number) => ({ clients, callersPerClient: 1, thinkUs: 15_000 * clients });

/** The parts of one run, wired together; nothing runs yet. */
function assemble(seed: number, world: World, random: Random, clientCount: number | undefined) {
  const { cluster, faultPlan, workload, verbs, leases, waits, outages, more } = plan(seed, random, clientCount);
  const note = (line: string) => world.trace.note(world.nowUs, line);
  note(`seed ${seed}: ${JSON.stringify({ cluster, faultPlan, workload, verbs, leases, waits, outages })}`);

  const faults: Record<string, number> = {};
  const count = (kind: CountedFault, times = 1) => {
    faults[kind] = (faults[kind] ?? 0) + times;
  };
  const rare = createRareStates(note);
  const links = createLinks(calmNetwork);
  const configurations = createConfigurations(Array.from({ length: cluster.nodes }, (_, at) => at + 1));
  const rarities = createRarities(
    world,
    rare,
    () => nodes,
    configurations,
    () => watch,
  );
  const wiretap = listenFor(rarities, () => watch);
  const tap = createSessionTap(
    (line) => world.trace.event(world.nowUs, line),
    () => world.nowUs,
    () => watch.commitIndex,
  );
  const peers = createPeerNetwork(world, links, random.fork("peer network"), {
    isRaftFrame: (frame) => frame[0] === FrameKind.envelope,
    tap(from, to, frame) {
      wiretap.frame(from, to, frame);
    },
    received(_from, _to, frame) {
      if (frame[0] === FrameKind.requests) rare.hit("callForwarded");
      else rarities.arrived(frame);
    },
    installed: rarities.installed,
    count,
    pieceBytes: cluster.pieceBytes,
    refusedNewer: () => rare.hit("newerVersionRefused"),
    copying: rarities.copying,
  });
  const clientNetwork = createClientNetwork(world, links, random.fork("client network"), tap);
  const nodes: NodeHost = createNodeHost(world, random.fork("nodes"), cluster, peers, clientNetwork, {
    ...rarities,
    durable(machine, entries, previousTerm) {
      rarities.stored(machine, entries);
      if (cluster.nodes === 1) wiretap.sawOwnLog(entries, previousTerm);
    },
  });
  const { sessionTtlMs } = cluster;
  const callers = more.fork("callers");
  const clients = createClientHost(
    world,
    random.fork("clients"),
    workload,
    () => endpointsOf(nodes.machines),
    clientNetwork,
    (machine, host) => {
      const transport = clientNetwork.transport(machine.name, machine.process);
      const own = callers.fork(`${machine.name}/${machine.boot}`);
      if (leases !== null) {
        const thinkUs = leases.thinkUs * (clientCount === undefined ? 1 : 4);
        const leasing = { ...leases, thinkUs };
        startLeaseCallers({ world, machine, workload: leasing, ...host, random: own.fork("leases") });
      }
      // A crowd has one thing to do.
      if (clientCount !== undefined) return;
      if (waits !== null) startWaitCallers({ world, machine, workload: waits, ...host, random: own.fork("waits") });
      if (outages !== null)
        startOutageCallers({ world, machine, workload: outages, ...host, random: own.fork("outages") });
      startVerbCallers({ world, machine, sessionTtlMs, workload: verbs, ...host, transport, random: own });
    },
  );
  const operator = createOperator(world, more.fork("operator"), verbs, nodes);
  const delays = { longestUs: 0 };
  const watch = watchNodes({ world, nodes, rare, rarities, wiretap, configurations, delays }, cluster);
  const violations: string[] = [];
  const victims = {
    ...{ world, random: random.fork("nemesis"), nodes, clients, peers, clientNetwork, links, rare, count },
    ...{ configurations, delays },
  };
  const heard = { wiretap, tap, watch, rare, delays, operator };
  const phases = random.fork("phases");
  return {
    ...{ faultPlan, faults, count, nodes, clients, operator, clientNetwork, waits, sessionTtlMs },
    ...{ victims, violations, heard, configurations, phases },
  };
}

type Parts = ReturnType<typeof assemble>;

const listenFor = (rarities: Rarities, watch: () => NodeWatch): Wiretap =>
  createWiretap((message, frame) => {
    rarities.heard(message, frame);
    watch().heard(message);
  });

const endpointsOf = (machines: readonly NodeMachine[]) => machines.map(({ nodeId }) => endpointOf(nodeId));

interface Watched {
  readonly world: World;
  readonly nodes: NodeHost;
  readonly rare: RareStates;
  readonly rarities: Rarities;
  readonly wiretap: Wiretap;
  readonly configurations: Configurations;
  readonly delays: { readonly longestUs: number };
}

function watchNodes(watched: Watched, cluster: ClusterPlan): NodeWatch {
  const { world, nodes, rare, rarities, wiretap, configurations } = watched;
  const machineOf = (nodeId: number) => nodes.everyMachine.find((machine) => machine.nodeId === nodeId)!;
  return createNodeWatch({
    nowUs: () => world.nowUs,
    // A statement that waited in a clog or for a paused process is old when it is heard, and may be all that is known.
    maxLagPerChangeUs: () => 90_000 + 2_000 * (cluster.options.heartbeatMs ?? 30) + watched.delays.longestUs,
    led: (nodeId, term) => rarities.led(machineOf(nodeId), term),
    committed({ nodeId, term, index, before, appliedBefore, applied }) {
      wiretap.sawCommit(term, index);
      wiretap.changesBetween(before + 1, index, configurations.committed);
      const leader = machineOf(nodeId);
      // What it had not applied before may have changed by whom it counts; what it committed now had not yet.
      const counted = configurations.between(appliedBefore, Math.max(appliedBefore, before));
      const jointly = counted.every(({ outgoing }) => outgoing.length > 0);
      rarities.committed(leader, leader.tap.has(index, term), jointly);
      return checkDurable(nodes.everyMachine, leader, term, index, configurations.between(appliedBefore, applied));
    },
    steppedDown(nodeId) {
      // Whoever is removed gives up as well.
      if (membersOf(configurations.latest).has(nodeId)) rare.hit("leaderSteppedDownByCheckQuorum");
    },
    mayForget: (nodeId) => machineOf(nodeId).mayForget,
    slewed: () => rare.hit("stampSlewed"),
  });
}

async function simulate(
  seed: number,
  world: World,
  random: Random,
  rejections: unknown[],
  options: RunOptions,
): Promise<SeedResult> {
  const parts = assemble(seed, world, random, options.clients);
  const { faultPlan, faults, count, nodes, clients, heard, configurations, violations } = parts;
  const { watch, rare } = heard;
  limit(world, parts, options.mostEvents ?? (options.clients === undefined ? usualMostEvents : crowdedMostEvents));
  const timeBreaks = watchCluster(world, nodes, watch, configurations, faultPlan.badClocks);
  const nemesis = createNemesis(parts.victims, faultPlan, options.maxFaults ?? Number.POSITIVE_INFINITY);

  for (const machine of nodes.machines) nodes.start(machine);
  const leads = () => nodes.machines.some((machine) => machine.running?.node.leads === true);
  if (!faultPlan.fromTheStart && !(await world.run(5 * second, leads)) && !world.halted)
    violations.push("liveness: healthy nodes found no leader within 5 s");
  clients.start();
  parts.operator.start();
  nemesis.start();
  const untilUs = Math.min(options.untilUs ?? Number.POSITIVE_INFINITY, world.nowUs + faultPlan.durationUs);
  await world.run(Math.max(world.nowUs, untilUs));
  const faultsUntilUs = Math.min(untilUs, world.nowUs);
  if (!world.halted) await live(parts, world, nemesis);
  count("brokenStreams", parts.clientNetwork.brokenStreams);
  // What is wrong comes before what did not come about: a lost entry says more than the node that waits for it.
  const evidence = {
    world,
    nodes,
    clients,
    sessionTtlMs: parts.sessionTtlMs,
    ...heard,
    timeBreaks: timeBreaks(),
    rejections,
  };
  violations.unshift(...(world.halted ? auditSteps(evidence) : auditAll(evidence)));
  const having = (allowed: boolean | null) => clients.records.filter((record) => record.allowed === allowed).length;
  return {
    seed,
    violations: [...new Set(violations)],
    traceHash: world.trace.hash(),
    trace: world.trace.lines(),
    faults,
    rareStates: rare.counts,
    strikes: nemesis.strikes,
    faultsUntilUs,
    commits: watch.commitIndex,
    leaderChanges: watch.leaderChanges,
    calls: clients.records.length,
    allowed: having(true),
    denied: having(false),
    failed: having(null),
    events: world.events,
    virtualMs: world.nowUs / 1000,
  };
}

/** The faults are over: what is left must serve, and the rest once it is back. */
async function live(
  { nodes, clients, operator, victims, phases, ...parts }: Parts,
  world: World,
  nemesis: Nemesis,
): Promise<void> {
  const { configurations, faultPlan, violations, waits } = parts;
  const members = () => nodes.machines.filter(({ nodeId }) => membersOf(configurations.latest).has(nodeId));
  const dead = stayDead(phases, faultPlan, members(), nemesis, configurations.latest);
  nemesis.healAll(dead);
  const alive = new Set(endpointsOf(nodes.machines.filter((machine) => !dead.includes(machine))));
  // Whoever replaces every node that a client was told of has to tell it of the new ones.
  for (const machine of clients.machines)
    if (!machine.endpoints.some((endpoint) => alive.has(endpoint))) clients.restart(machine);
  operator.stop();
  const wrong = await checkLiveness({ world, machines: members, clients, nemesis, dead, waits });
  // Of a run that was ended nothing can be asked.
  if (!world.halted) violations.push(...wrong);
}

/** Ends the run as soon as a promise is broken, or when it takes far longer than any sound run does. */
function limit(world: World, { heard, violations }: Pick<Parts, "heard" | "violations">, mostEvents: number): void {
  world.haltWhen(() => {
    const [broken] = stepViolations(heard);
    if (broken !== undefined) {
      world.trace.note(world.nowUs, `the run ends: ${broken}`);
      return true;
    }
    if (world.events < mostEvents && world.nowUs < mostUs) return false;
    violations.push(
      `limit: not over after ${world.events} events and ${world.nowUs / 1000} ms, so something goes round`,
    );
    return true;
  });
}

/** Which machines are dead when the faults are over: as many as leave a quorum, those that are damaged beyond help among them. */
function stayDead(
  random: Random,
  plan: FaultPlan,
  machines: readonly NodeMachine[],
  nemesis: Nemesis,
  { voters, outgoing }: Configuration,
): NodeMachine[] {
  if (!plan.deadAtTheEnd || outgoing.length > 0 || !nemesis.isSteady() || nemesis.mayNeedAll()) return [];
  // Whoever has not applied the last change of the membership counts by the one before, in which more may be missing.
  const isUpToDate = ({ running }: NodeMachine) =>
    running === null || running.node.members().length === machines.length;
  if (!machines.every(isUpToDate)) return [];
  const isRuined = (machine: NodeMachine) => nemesis.lost.has(machine) || nemesis.ruined.has(machine);
  const ruined = machines.filter((machine) => isRuined(machine) && voters.includes(machine.nodeId));
  const most = Math.floor((voters.length - 1) / 2) - ruined.length;
  const candidates = machines.filter((machine) => !isRuined(machine));
  const dead = new Set<NodeMachine>();
  for (let at = 0; at < most; at++) dead.add(random.pick(candidates));
  return [...dead];
}
