import type { NodeMachine } from "../cluster/node-host.ts";
import { createDirectedFaults } from "./directed-faults.ts";
import { createDiskFaults } from "./disk-faults.ts";
import { calmNetwork, type FaultKind, type FaultPlan } from "./fault-plan.ts";
import { createFigure8 } from "./figure8.ts";
import { createMemberFaults } from "./member-faults.ts";
import { createNetworkFaults } from "./network-faults.ts";
import { createNodeFaults } from "./node-faults.ts";
import { createToolbox, type Fault, type Victims } from "./toolbox.ts";

/** What breaks things, until it is told to mend them. */
export interface Nemesis {
  /** Faults come from now on. */
  start(): void;
  /**
   * No more faults; everything that is broken is mended, but for machines in `except`, which are dead from now on: they may be
   * brought back with `revive`.
   */
  healAll(except: readonly NodeMachine[]): void;
  revive(machines: readonly NodeMachine[]): void;
  /** Machines whose data is damaged: no start of theirs can succeed. */
  readonly lost: ReadonlySet<NodeMachine>;
  /** Machines whose data was damaged, whether or not anybody knows yet. */
  readonly ruined: ReadonlySet<NodeMachine>;
  /** Whether no change of the membership is under way. */
  readonly isSteady: () => boolean;
  /** Whether some node may need every other one. */
  readonly mayNeedAll: () => boolean;
  /** Faults committed so far. */
  readonly strikes: number;
}

/** Breaks things at random times, each for a random while; at most `maxStrikes` of them. */
export function createNemesis(victims: Victims, plan: FaultPlan, maxStrikes: number): Nemesis {
  const { world, random, nodes, links, count } = victims;
  const toolbox = createToolbox(victims, plan.maxImpaired, plan.badClocks);
  const { note, later, paused } = toolbox;
  const faults: Readonly<Record<FaultKind, Fault>> = {
    ...createNodeFaults(toolbox),
    ...createNetworkFaults(toolbox),
    ...createDiskFaults(toolbox),
    ...createMemberFaults(toolbox),
    ...createDirectedFaults(toolbox),
    figure8: createFigure8(toolbox),
  };
  let strikes = 0;

  function strike(): void {
    if (strikes >= maxStrikes) return;
    const kind = random.pick(plan.kinds);
    const done = faults[kind]();
    if (done !== false) strikes++;
    if (done === true) count(kind);
    later(random.exponential(plan.meanGapUs), "next fault", strike);
  }

  function start(machine: NodeMachine): void {
    machine.diskSpeed = { ...machine.diskSpeed, stallChance: 0, flushUs: 300 };
    machine.awaitDisk = null;
    machine.nextError = null;
    machine.spoilWrite = null;
    if (machine.newer) nodes.crash(machine, "killed");
    machine.newer = false;
    if (!toolbox.lost.has(machine)) nodes.start(machine);
  }

  return {
    lost: toolbox.lost,
    ruined: toolbox.ruined,
    isSteady: toolbox.isSteady,
    mayNeedAll: toolbox.mayNeedAll,
    get strikes() {
      return strikes;
    },
    start() {
      toolbox.going = true;
      links.setConditions(plan.network);
      later(random.exponential(plan.meanGapUs), "first fault", strike);
    },
    healAll(except) {
      note(
        except.length === 0
          ? "everything is mended"
          : `everything is mended but ${except.map((machine) => machine.name).join(", ")}, which is dead`,
      );
      toolbox.going = false;
      links.setConditions(calmNetwork);
      links.healAll();
      for (const process of paused) world.resume(process);
      paused.clear();
      for (const machine of except) nodes.crash(machine, "vanished");
      for (const machine of nodes.machines) if (!except.includes(machine)) start(machine);
    },
    revive(machines) {
      for (const machine of machines) {
        note(`${machine.name} comes back`);
        start(machine);
      }
    },
  };
}
