import { costsAt, crowdingOf, type Measured, processorUs, type ScalingModel, type Situation } from "./cost-model.ts";

/** What runs out, and at how many decisions a second it does. */
export interface Limit {
  readonly what: string;
  readonly decisionsPerSecond: number;
}

/** Where one leader ends. */
export interface Capacity extends Omit<Situation, "callsPerFrame" | "crowding" | "otherClients"> {
  /** What runs out first is the first one. */
  readonly limits: readonly Limit[];
  /** Client processes that it takes to ask for so much; on one machine, how many the cores leave room for. */
  readonly clientProcesses: number;
}

/** A network that most machines have, in bytes a second. */
const gigabit = 125_000_000;

/** Every node and every client process with a machine, or cores, of its own. */
export function onMachinesOfTheirOwn(model: ScalingModel, situation: Situation): Capacity {
  const costs = costsAt(model, situation);
  const { nodes } = situation;
  return capacityOf(situation, costs.clientUs, [
    // The event loop of a node is one thread, however many cores there are.
    { what: "the leader's main thread", decisionsPerSecond: 1e6 / costs.leaderThreadUs },
    ...(nodes > 1 ? [{ what: "a follower's main thread", decisionsPerSecond: 1e6 / costs.followerThreadUs }] : []),
    { what: "the leader's network, at 1 Gbit/s", decisionsPerSecond: gigabit / costs.leaderSentBytes },
  ]);
}

/** Nodes and one client process on one machine with so many cores. */
export function onOneMachine(model: ScalingModel, situation: Situation, cores: number): Capacity {
  const crowded = { ...situation, crowding: crowdingOf(situation.nodes + 1, cores) };
  const costs = costsAt(model, crowded);
  const own = onMachinesOfTheirOwn(model, crowded).limits.filter(({ what }) => !what.includes("network"));
  return capacityOf(situation, costs.clientUs, [
    { what: "the machine's cores", decisionsPerSecond: (cores * 1e6) / processorUs(situation, costs) },
    ...own,
  ]);
}

/** How fast a configuration was, and how full its entries were. */
export interface MeasuredRate {
  readonly decisionsPerSecond: number;
  readonly callsPerEntry: number;
}

/** What one client process came to that had as many calls in flight as a situation has in an entry, all else alike. Null: none was measured. */
export function measuredLike(
  measured: readonly Measured[],
  { nodes, callsPerEntry: inFlight, keyBytes, keys, newKeys }: Situation,
): MeasuredRate | null {
  const alike = { nodes, inFlight, processes: 1, keyBytes, keys, otherNode: false };
  const found = measured.find(({ configuration }) =>
    Object.entries(alike).every(([name, value]) => configuration[name as keyof typeof alike] === value),
  );
  if (found === undefined || newKeys > 0) return null;
  const { decisionsPerSecond, callsPerEntry } = found.costs;
  return { decisionsPerSecond: Math.round(decisionsPerSecond), callsPerEntry };
}

function capacityOf(
  { callsPerFrame: _, crowding: __, otherClients: ___, ...situation }: Situation,
  clientUs: number,
  limits: readonly Limit[],
): Capacity {
  const sorted = limits
    .map(({ what, decisionsPerSecond }) => ({ what, decisionsPerSecond: Math.round(decisionsPerSecond) }))
    .toSorted((one, other) => one.decisionsPerSecond - other.decisionsPerSecond);
  const clientProcesses = Math.ceil((sorted[0]!.decisionsPerSecond * clientUs) / 1e6);
  return { ...situation, limits: sorted, clientProcesses };
}
