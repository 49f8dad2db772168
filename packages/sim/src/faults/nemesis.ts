import { calmNetwork, type FaultKind, type FaultPlan } from "./fault-plan.ts";
import { createNetworkFaults } from "./network-faults.ts";
import { createNodeFaults } from "./node-faults.ts";
import { createToolbox, type Fault, type Victims } from "./toolbox.ts";

/** What breaks things, until it is told to mend them. */
export interface Nemesis {
  /** Faults come from now on. */
  start(): void;
  /** No more faults; everything that is broken is mended. */
  healAll(): void;
}

/** Breaks things at random times, each for a random while. */
export function createNemesis(victims: Victims, plan: FaultPlan): Nemesis {
  const { world, random, nodes, links, count } = victims;
  const toolbox = createToolbox(victims, plan.maxImpaired);
  const { note, later, paused } = toolbox;
  const faults: Readonly<Record<FaultKind, Fault>> = { ...createNodeFaults(toolbox), ...createNetworkFaults(toolbox) };

  function strike(): void {
    const kind = random.pick(plan.kinds);
    if (faults[kind]()) count(kind);
    later(random.exponential(plan.meanGapUs), "next fault", strike);
  }

  return {
    start() {
      toolbox.going = true;
      links.setConditions(plan.network);
      later(random.exponential(plan.meanGapUs), "first fault", strike);
    },
    healAll() {
      note("everything is mended");
      toolbox.going = false;
      links.setConditions(calmNetwork);
      links.healAll();
      for (const process of paused) world.resume(process);
      paused.clear();
      for (const machine of nodes.machines) {
        machine.diskSpeed = { ...machine.diskSpeed, stallChance: 0, flushUs: 300 };
        nodes.start(machine);
      }
    },
  };
}
