import type { ClientHost } from "../cluster/client-host.ts";
import type { NodeHost, NodeMachine } from "../cluster/node-host.ts";
import type { ClientNetwork } from "../network/client-network.ts";
import type { CutMode, Links } from "../network/links.ts";
import type { PeerNetwork } from "../network/peer-network.ts";
import type { Process } from "../world/process.ts";
import type { Random } from "../world/random.ts";
import type { World } from "../world/world.ts";
import { calmNetwork, type FaultKind, type FaultPlan } from "./fault-plan.ts";

/** What the nemesis may lay hands on. */
export interface Victims {
  readonly world: World;
  readonly random: Random;
  readonly nodes: NodeHost;
  readonly clients: ClientHost;
  readonly peers: PeerNetwork;
  readonly clientNetwork: ClientNetwork;
  readonly links: Links;
  readonly count: (kind: FaultKind) => void;
}

/** What breaks things, until it is told to mend them. */
export interface Nemesis {
  /** Faults come from now on. */
  start(): void;
  /** No more faults; everything that is broken is mended. */
  healAll(): void;
}

/** Breaks things at random times, each for a random while. */
export function createNemesis(victims: Victims, plan: FaultPlan): Nemesis {
  const { world, random, nodes, clients, peers, clientNetwork, links, count } = victims;
  const paused = new Set<Process>();
  const impaired = new Set<NodeMachine>();
  let going = false;

  const note = (line: string) => world.trace.note(world.nowUs, `fault: ${line}`);
  const ms = (from: number, to: number) => random.between(from, to) * 1000;
  const later = (delayUs: number, label: string, action: () => void) =>
    world.schedule(delayUs, null, label, () => {
      if (going) action();
    });

  /** A node that nothing is wrong with, if one more may suffer. */
  function victim(): NodeMachine | null {
    if (impaired.size >= plan.maxImpaired) return null;
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

  function pauseProcess(process: Process, delayUs: number): void {
    note(`${process.name} pauses for ${delayUs / 1000} ms`);
    world.pause(process);
    paused.add(process);
    world.schedule(delayUs, null, `resume ${process.name}`, () => {
      if (paused.delete(process)) world.resume(process);
    });
  }

  function cutFor(from: string, to: string, mode: CutMode, delayUs: number): void {
    note(`${from} > ${to} ${mode === "hold" ? "holds" : "loses"} everything for ${delayUs / 1000} ms`);
    links.cut(from, to, mode);
    later(delayUs, `heal ${from} > ${to}`, () => links.heal(from, to));
  }

  const cutMode = (): CutMode => (random.chance(0.5) ? "hold" : "lose");

  function isolate(): boolean {
    const machine = victim();
    if (machine === null) return false;
    const delayUs = ms(100, 1_200);
    const mode = cutMode();
    const directions = random.pick(["both", "in", "out"]);
    for (const other of nodes.machines) {
      if (other === machine) continue;
      if (directions !== "in") cutFor(machine.name, other.name, mode, delayUs);
      if (directions !== "out") cutFor(other.name, machine.name, mode, delayUs);
    }
    impair(machine, delayUs, `${machine.name} is back`, () => {});
    return true;
  }

  function cutClient(): boolean {
    const client = random.pick(clients.machines);
    const targets = random.chance(0.4) ? nodes.machines : [random.pick(nodes.machines)];
    const delayUs = ms(100, 1_500);
    const mode = cutMode();
    for (const machine of targets) {
      if (random.chance(0.8)) cutFor(machine.name, client.name, mode, delayUs);
      if (random.chance(0.8)) cutFor(client.name, machine.name, mode, delayUs);
    }
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

  const faults: Readonly<Record<FaultKind, () => boolean>> = {
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
    cut() {
      const [one, other] = [random.pick(nodes.machines), random.pick(nodes.machines)];
      if (one === other) return false;
      cutFor(one.name, other.name, cutMode(), ms(50, 800));
      return true;
    },
    isolate,
    breakPeers() {
      const [one, other] = [random.pick(nodes.machines), random.pick(nodes.machines)];
      if (one === other) return false;
      note(`the connection of ${one.name} and ${other.name} breaks`);
      peers.breakConnection(one.nodeId, other.nodeId);
      return true;
    },
    breakStreams() {
      const client = random.pick(clients.machines);
      note(`all streams of ${client.name} break`);
      clientNetwork.breakStreams(client.name);
      return true;
    },
    cutClient,
    pauseClient() {
      const { process } = random.pick(clients.machines);
      if (process.paused || !process.alive) return false;
      pauseProcess(process, random.chance(0.3) ? ms(1_000, 2_500) : ms(20, 600));
      return true;
    },
    restartClient() {
      clients.restart(random.pick(clients.machines));
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
        world.schedule(going ? ms(10, 200) : 0, null, `restart ${machine.name}`, () => {
          impaired.delete(machine);
          nodes.start(machine);
        }),
      );
      return true;
    },
  };

  function strike(): void {
    const kind = random.pick(plan.kinds);
    if (faults[kind]()) count(kind);
    later(random.exponential(plan.meanGapUs), "next fault", strike);
  }

  return {
    start() {
      going = true;
      links.setConditions(plan.network);
      later(random.exponential(plan.meanGapUs), "first fault", strike);
    },
    healAll() {
      note("everything is mended");
      going = false;
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
