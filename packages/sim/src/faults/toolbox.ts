import type { Configurations } from "../check/configuration.ts";
import type { RareStates } from "../check/rare-states.ts";
import type { ClientHost } from "../cluster/client-host.ts";
import type { NodeHost, NodeMachine } from "../cluster/node-host.ts";
import type { ClientNetwork } from "../network/client-network.ts";
import type { Links } from "../network/links.ts";
import type { PeerNetwork } from "../network/peer-network.ts";
import type { Process } from "../world/process.ts";
import type { Random } from "../world/random.ts";
import type { World } from "../world/world.ts";
import type { CountedFault } from "./fault-plan.ts";

/** What the nemesis may lay hands on. */
export interface Victims {
  readonly world: World;
  readonly random: Random;
  readonly nodes: NodeHost;
  readonly clients: ClientHost;
  readonly peers: PeerNetwork;
  readonly clientNetwork: ClientNetwork;
  readonly links: Links;
  readonly rare: RareStates;
  readonly configurations: Configurations;
  /** How long what was said may have waited to be heard, at most. */
  readonly delays: { longestUs: number };
  readonly count: (kind: CountedFault) => void;
}

/** Commits one fault, and says whether it could; or lies in wait for its moment, and counts itself if that comes. */
export type Fault = () => boolean | "waits";

/** What all faults share: whom they may strike, for how long, and what is to be mended. */
export interface Toolbox extends Victims {
  /** Whether faults still come; what was to be mended later is mended by then. */
  going: boolean;
  /** Whether monotonic clocks may run worse than SEMANTICS T can bear. */
  readonly badClocks: boolean;
  /** Processes that are paused. */
  readonly paused: Set<Process>;
  /** Machines that something is wrong with. */
  readonly impaired: Set<NodeMachine>;
  /** Machines whose node found its data damaged, and refuses to start on it. */
  readonly lost: Set<NodeMachine>;
  /** Machines that lost acknowledged data, until they are replaced. */
  readonly ruined: Set<NodeMachine>;
  /**
   * Whether one more disk may lose acknowledged data: never more than a minority's at a time, so that it survives elsewhere, and
   * not while the membership moves.
   */
  mayRuin(): boolean;
  /**
   * Whether some node may need every other one: a founder until its cluster has formed (SEMANTICS N3), and one that lost the end of its log,
   * or may yet find that it did (SEMANTICS N2).
   */
  mayNeedAll(): boolean;
  /** An operator is changing the membership. */
  changesMembers: boolean;
  /** For so long a change of the membership may be in some log. */
  unsteadyFor(delayUs: number): void;
  /** No change of the membership is under way or may yet be found in some log. */
  isSteady(): boolean;
  note(line: string): void;
  /** Milliseconds between two bounds, in microseconds. */
  ms(from: number, to: number): number;
  /** After a while, unless everything has been mended by then. */
  later(delayUs: number, label: string, action: () => void): void;
  /** A node that nothing is wrong with, if one more may suffer. */
  victim(): NodeMachine | null;
  impair(machine: NodeMachine, delayUs: number, label: string, mend: () => void): void;
  /** Starts a node that is down after a while; at once if everything is being mended. */
  mend(machine: NodeMachine, delayUs: number): void;
  pauseProcess(process: Process, delayUs: number): void;
}

/**
 * The tools that all faults of one seed share, so that together they never impair more nodes than they may.
 *
 * @param maxImpaired Nodes that may be down, paused or isolated at once.
 */
export function createToolbox(victims: Victims, maxImpaired: number, badClocks: boolean): Toolbox {
  const { world, random, nodes, delays } = victims;
  const paused = new Set<Process>();
  const impaired = new Set<NodeMachine>();
  const lost = new Set<NodeMachine>();
  const ruined = new Set<NodeMachine>();
  const steadyFrom = { us: 0 };

  function mayRuin(): boolean {
    const { voters, outgoing } = victims.configurations.latest;
    if (outgoing.length > 0 || toolbox.changesMembers || world.nowUs < steadyFrom.us) return false;
    // Founders that lose their disk while they found must begin anew, all of them.
    if (mayNeedAll()) return false;
    return ruined.size < Math.floor((voters.length - 1) / 2);
  }

  function mayNeedAll(): boolean {
    const { voters } = victims.configurations.latest;
    const isEmpty = ({ nodeId, tap }: NodeMachine) => voters.includes(nodeId) && tap.lastIndex === 0;
    return nodes.machines.some((machine) => isEmpty(machine) || (mayAbstain(machine) && !ruined.has(machine)));
  }

  /** Abstains, or is down or only just up again after it lost power. */
  function mayAbstain(machine: NodeMachine): boolean {
    const status = machine.running?.node.status();
    if (status?.ready === true && !status.abstaining) machine.mayLack = false;
    return machine.mayLack || status?.abstaining === true;
  }

  const note = (line: string) => world.trace.note(world.nowUs, `fault: ${line}`);
  const ms = (from: number, to: number) => random.between(from, to) * 1000;
  const later = (delayUs: number, label: string, action: () => void): void => {
    world.schedule(delayUs, null, label, () => {
      if (toolbox.going) action();
    });
  };

  /** A node that nothing is wrong with, if one more may suffer. */
  function victim(): NodeMachine | null {
    if (impaired.size >= maxImpaired) return null;
    const healthy = nodes.machines.filter((machine) => machine.running !== null && !impaired.has(machine));
    // Leaders suffer most: half of all faults are theirs.
    const leader = healthy.find((machine) => machine.running!.node.leads);
    if (leader !== undefined && random.chance(0.5)) return leader;
    return healthy.length === 0 ? null : random.pick(healthy);
  }

  function impair(machine: NodeMachine, delayUs: number, label: string, mend: () => void): void {
    impaired.add(machine);
    later(delayUs, label, () => {
      impaired.delete(machine);
      mend();
    });
  }

  function mend(machine: NodeMachine, delayUs: number): void {
    impaired.add(machine);
    world.schedule(toolbox.going ? delayUs : 0, null, `restart ${machine.name}`, () => {
      impaired.delete(machine);
      if (!lost.has(machine)) nodes.start(machine);
    });
  }

  function pauseProcess(process: Process, delayUs: number): void {
    note(`${process.name} pauses for ${delayUs / 1000} ms`);
    delays.longestUs = Math.max(delays.longestUs, delayUs);
    world.pause(process);
    paused.add(process);
    world.schedule(delayUs, null, `resume ${process.name}`, () => {
      if (paused.delete(process)) world.resume(process);
    });
  }

  const toolbox: Toolbox = {
    ...victims,
    going: false,
    badClocks,
    paused,
    impaired,
    lost,
    ruined,
    mayRuin,
    mayNeedAll,
    changesMembers: false,
    isSteady: () => !toolbox.changesMembers && world.nowUs >= steadyFrom.us,
    unsteadyFor(delayUs) {
      steadyFrom.us = world.nowUs + delayUs;
    },
    note,
    ms,
    later,
    victim,
    impair,
    mend,
    pauseProcess,
  };
  return toolbox;
}
