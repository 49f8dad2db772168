import type { NodeMachine } from "../cluster/node-host.ts";
import type { Fault, Toolbox } from "./toolbox.ts";

type NodeFault =
  | "kill"
  | "powerLoss"
  | "powerLossOfAll"
  | "pause"
  | "clockStep"
  | "slowDisk"
  | "snapshot"
  | "transfer"
  | "shutDown";

/** What befalls nodes and their machines. */
export function createNodeFaults(toolbox: Toolbox): Readonly<Record<NodeFault, Fault>> {
  const { world, random, nodes, note, ms, later, victim, impair, impaired, pauseProcess } = toolbox;

  /** Now, or in the middle of the machine's next flush, when the seed says so and there is one soon. */
  function soon(machine: NodeMachine, action: () => void): void {
    if (random.chance(0.4)) {
      action();
      return;
    }
    let done = false;
    const once = () => {
      if (done) return;
      done = true;
      machine.nextFlush = null;
      action();
    };
    machine.nextFlush = () => later(random.below(machine.diskSpeed.flushUs), "power fails in a flush", once);
    later(100_000, "power fails", once);
  }

  function crash(kind: "killed" | "vanished"): boolean {
    const machine = victim();
    if (machine === null) return false;
    impaired.add(machine);
    soon(machine, () => {
      nodes.crash(machine, kind);
      impair(machine, ms(20, 800), `restart ${machine.name}`, () => nodes.start(machine));
    });
    return true;
  }

  function powerLossOfAll(): boolean {
    const first = nodes.machines.find((machine) => machine.running?.node.leads === true) ?? nodes.machines[0]!;
    soon(first, () => {
      for (const machine of nodes.machines) {
        nodes.crash(machine, "vanished");
        impair(machine, ms(20, 300), `restart ${machine.name}`, () => nodes.start(machine));
      }
    });
    return true;
  }

  return {
    kill: () => crash("killed"),
    powerLoss: () => crash("vanished"),
    powerLossOfAll,
    pause() {
      const machine = victim();
      if (machine === null) return false;
      const delayUs = ms(20, 1_000);
      pauseProcess(machine.running!.process, delayUs);
      impair(machine, delayUs, `${machine.name} goes on`, () => {});
      return true;
    },
    clockStep() {
      const machine = random.pick(nodes.machines);
      const deltaMs = random.pick([-3_600_000, -30_000, -700, 700, 30_000, 3_600_000]);
      note(`the wall clock of ${machine.name} steps by ${deltaMs} ms`);
      machine.clock.step(deltaMs);
      return true;
    },
    slowDisk() {
      const machine = random.pick(nodes.machines);
      const before = machine.diskSpeed;
      if (before.stallChance > 0.5) return false;
      note(`the disk of ${machine.name} becomes slow`);
      machine.diskSpeed = { ...before, stallChance: 0.8, stallUs: ms(5, 60) };
      later(ms(100, 800), `${machine.name} disk recovers`, () => {
        machine.diskSpeed = before;
      });
      return true;
    },
    snapshot() {
      const machine = random.pick(nodes.machines);
      if (machine.running === null) return false;
      note(`${machine.name} takes a snapshot`);
      // It may be forming, or installing one: then it says so.
      machine.running.node.takeSnapshot().catch(() => {});
      return true;
    },
    transfer() {
      const leader = nodes.machines.find((machine) => machine.running?.node.leads === true);
      if (leader === undefined) return false;
      note(`${leader.name} hands leadership over`);
      leader.running!.node.transferLeadership(0).catch(() => {});
      return true;
    },
    shutDown() {
      const machine = victim();
      if (machine === null) return false;
      impaired.add(machine);
      // Also if everything is being mended by then: a machine that is down must not be left down.
      void nodes.shutDown(machine).then(() =>
        world.schedule(toolbox.going ? ms(10, 200) : 0, null, `restart ${machine.name}`, () => {
          impaired.delete(machine);
          nodes.start(machine);
        }),
      );
      return true;
    },
  };
}
