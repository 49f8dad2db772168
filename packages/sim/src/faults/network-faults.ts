import type { CutMode } from "../network/links.ts";
import type { Fault, Toolbox } from "./toolbox.ts";

type NetworkFault =
  | "clog"
  | "asymmetricPartition"
  | "uniformPartition"
  | "cut"
  | "isolate"
  | "breakPeers"
  | "breakStreams"
  | "cutClient"
  | "pauseClient"
  | "restartClient";

/** What befalls connections, and the clients at their other end. */
export function createNetworkFaults(toolbox: Toolbox): Readonly<Record<NetworkFault, Fault>> {
  const { random, nodes, clients, peers, clientNetwork, links } = toolbox;
  const { note, ms, later, victim, impair, pauseProcess } = toolbox;
  const cutMode = (): CutMode => (random.chance(0.5) ? "hold" : "lose");

  function cutFor(from: string, to: string, mode: CutMode, delayUs: number): void {
    note(`${from} > ${to} ${mode === "hold" ? "holds" : "loses"} everything for ${delayUs / 1000} ms`);
    if (mode === "hold") toolbox.delays.longestUs = Math.max(toolbox.delays.longestUs, delayUs);
    links.cut(from, to, mode);
    later(delayUs, `heal ${from} > ${to}`, () => links.heal(from, to));
  }

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

  /** Every node falls on one side or the other; nothing passes from the first side to the second, or neither way. */
  function partition(bothWays: boolean): boolean {
    const sides = nodes.machines.map(() => random.chance(0.5));
    const delayUs = ms(150, 1_500);
    const mode = cutMode();
    let cuts = 0;
    for (const [at, from] of nodes.machines.entries())
      for (const [other, to] of nodes.machines.entries()) {
        if (sides[at] === sides[other] || (!bothWays && sides[at] === true)) continue;
        cutFor(from.name, to.name, mode, delayUs);
        cuts++;
      }
    return cuts > 0;
  }

  return {
    asymmetricPartition: () => partition(false),
    uniformPartition: () => partition(true),
    clog() {
      const machine = random.pick(nodes.machines);
      const others = nodes.machines.filter((other) => other !== machine && random.chance(0.6));
      const outward = random.chance(0.5);
      const delayUs = ms(200, 2_500);
      for (const other of others)
        if (outward) cutFor(machine.name, other.name, "hold", delayUs);
        else cutFor(other.name, machine.name, "hold", delayUs);
      return others.length > 0;
    },
    isolate,
    cutClient,
    cut() {
      const [one, other] = [random.pick(nodes.machines), random.pick(nodes.machines)];
      if (one === other) return false;
      cutFor(one.name, other.name, cutMode(), ms(50, 800));
      return true;
    },
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
  };
}
