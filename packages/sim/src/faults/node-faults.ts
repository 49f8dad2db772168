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
  | "shutDown"
  | "longPause"
  | "stalledDisk"
  | "clockDrift"
  | "rollingRestart"
  | "newerVersion";

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
      action();
    };
    machine.awaitDisk = (operation) => {
      if (operation !== "flush") return false;
      later(random.below(machine.diskSpeed.flushUs), "power fails in a flush", once);
      return true;
    };
    later(100_000, "power fails", once);
  }

  function pauseFor(delayUs: number): boolean {
    const machine = victim();
    if (machine === null) return false;
    pauseProcess(machine.running!.process, delayUs);
    impair(machine, delayUs, `${machine.name} goes on`, () => {});
    return true;
  }

  /** The disk has other manners for a while: whoever is down, or writes nothing, does not notice. */
  function changeDisk(kind: "stalledDisk" | "slowDisk", stallUs: number, delayUs: number): boolean | "waits" {
    const [what, stallChance] = kind === "stalledDisk" ? ["stalls", 1] : ["becomes slow", 0.8];
    const machine = random.pick(nodes.machines);
    const before = machine.diskSpeed;
    if (before.stallChance > 0.5) return false;
    note(`the disk of ${machine.name} ${what}`);
    let isNoticed = false;
    const stalled = () => {
      if (!isNoticed) toolbox.count(kind);
      isNoticed = true;
    };
    machine.diskSpeed = { ...before, stallChance, stallUs, stalled };
    later(delayUs, `${machine.name} disk recovers`, () => {
      machine.diskSpeed = before;
    });
    return "waits";
  }

  /** One node after the other is told to stop and started again, as a deployment does. */
  async function rollingRestart(machines: readonly NodeMachine[]): Promise<void> {
    let restarts = 0;
    for (const machine of machines) {
      if (!toolbox.going) return;
      if (machine.running === null || impaired.has(machine)) continue;
      if (restarts++ === 0) toolbox.count("rollingRestart");
      impaired.add(machine);
      await nodes.shutDown(machine);
      await world.sleep(ms(5, 50), null, "deploy");
      impaired.delete(machine);
      nodes.start(machine);
      for (let waits = 0; waits < 20 && toolbox.going && machine.running?.node.status().ready !== true; waits++)
        await world.sleep(50_000, null, "wait for a ready node");
    }
  }

  function newerVersion(): boolean {
    const machine = victim();
    if (machine === null) return false;
    impaired.add(machine);
    note(`${machine.name} is upgraded to a release that the others do not know`);
    nodes.crash(machine, "killed");
    machine.newer = true;
    nodes.start(machine);
    impair(machine, ms(150, 700), `${machine.name} is rolled back`, () => {
      nodes.crash(machine, "killed");
      machine.newer = false;
      nodes.start(machine);
    });
    return true;
  }

  function crash(kind: "killed" | "vanished"): boolean | "waits" {
    const machine = victim();
    if (machine === null) return false;
    impaired.add(machine);
    soon(machine, () => {
      if (machine.running !== null) toolbox.count(kind === "killed" ? "kill" : "powerLoss");
      nodes.crash(machine, kind);
      impair(machine, ms(20, 800), `restart ${machine.name}`, () => nodes.start(machine));
    });
    return "waits";
  }

  function powerLossOfAll(): "waits" {
    const first = nodes.machines.find((machine) => machine.running?.node.leads === true) ?? nodes.machines[0]!;
    soon(first, () => {
      if (nodes.machines.some(({ running }) => running !== null)) toolbox.count("powerLossOfAll");
      for (const machine of nodes.machines) {
        nodes.crash(machine, "vanished");
        impair(machine, ms(20, 300), `restart ${machine.name}`, () => nodes.start(machine));
      }
    });
    return "waits";
  }

  return {
    kill: () => crash("killed"),
    powerLoss: () => crash("vanished"),
    powerLossOfAll,
    pause: () => pauseFor(ms(20, 1_000)),
    longPause: () => pauseFor(ms(1_000, 3_500)),
    stalledDisk: () => changeDisk("stalledDisk", ms(300, 1_500), ms(300, 1_200)),
    slowDisk: () => changeDisk("slowDisk", ms(5, 60), ms(100, 800)),
    newerVersion,
    rollingRestart() {
      if (nodes.machines.length === 1) return false;
      note("a rolling restart begins");
      void rollingRestart(nodes.machines);
      return "waits";
    },
    clockDrift() {
      const machine = random.pick(nodes.machines);
      // Crystals are off by less than 100 parts per million; a wall clock may be led astray by far more.
      const monotonic = toolbox.badClocks ? 0.05 : 0.000_1;
      const rate = 1 + (random.float() * 2 - 1) * monotonic;
      const wallRate = 1 + (random.float() * 2 - 1) * 0.05;
      note(`the clocks of ${machine.name} run at ${rate.toFixed(5)} and ${wallRate.toFixed(3)} of true time`);
      machine.clock.setRates(rate, wallRate);
      return true;
    },
    clockStep() {
      const machine = random.pick(nodes.machines);
      const deltaMs = random.pick([-3_600_000, -30_000, -700, 700, 30_000, 3_600_000]);
      note(`the wall clock of ${machine.name} steps by ${deltaMs} ms`);
      machine.clock.step(deltaMs);
      return true;
    },
    snapshot() {
      const machine = random.pick(nodes.machines);
      if (machine.running === null) return false;
      note(`${machine.name} takes a snapshot`);
      const { node } = machine.running;
      const { snapshotIndex } = node.status();
      // It may be forming, or installing one, and says so; or the one that it has is as new as can be.
      node.takeSnapshot().then(
        ({ index }) => index > snapshotIndex && toolbox.count("snapshot"),
        () => {},
      );
      return "waits";
    },
    transfer() {
      const leader = nodes.machines.find((machine) => machine.running?.node.leads === true);
      if (leader === undefined) return false;
      note(`${leader.name} hands leadership over`);
      // There may be nobody to take it, or nobody does.
      leader.running!.node.transferLeadership(0).then(
        () => toolbox.count("transfer"),
        () => {},
      );
      return "waits";
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
