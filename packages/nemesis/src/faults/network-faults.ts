import type { DirectionMode } from "../network/direction.ts";
import { passing } from "../network/direction.ts";
import { type Fault, type FaultScene, fault } from "./fault.ts";

const lossy: readonly DirectionMode[] = [{ kind: "drop" }, { kind: "hold" }];

/**
 * Nothing that `from` sends reaches `to`, on whichever connection: what it dialled, and its answers on what it was
 * dialled on.
 */
function blocked(scene: FaultScene, from: number, to: number, blocks: ReadonlySet<string>, mode: DirectionMode): void {
  const is = (a: number, b: number) => (blocks.has(`${a}>${b}`) ? mode : passing);
  scene.cluster.peerLink(from, to).shape(is(from, to), is(to, from));
}

/** Applies a set of blocked directions, `1>2` and so on, for a while. */
async function partition(scene: FaultScene, kind: string, what: string, blocks: ReadonlySet<string>): Promise<void> {
  const { cluster, random } = scene;
  const mode = random.pick(lossy);
  const ms = Math.round(200 + random.around(1_200));
  scene.happened(kind, `${what}, ${mode.kind}, ${ms} ms`);
  for (const from of cluster.nodeIds)
    for (const to of cluster.nodeIds) if (from !== to) blocked(scene, from, to, blocks, mode);
  await scene.pause(ms);
  await cluster.healLinks();
}

function blocksBetween(some: readonly number[], others: readonly number[]): Set<string> {
  return new Set(some.flatMap((a) => others.flatMap((b) => [`${a}>${b}`, `${b}>${a}`])));
}

const shuffled = (scene: FaultScene) => [...scene.cluster.nodeIds].sort(() => scene.random.next() - 0.5);

const leaderAlone = fault("leaderAlone", { network: true }, (scene) => {
  const leader = scene.cluster.leader();
  const others = scene.cluster.nodeIds.filter((nodeId) => nodeId !== leader);
  return partition(scene, "leaderAlone", `node ${leader}`, blocksBetween([leader], others));
});

const minority = fault("minority", { network: true }, (scene) => {
  const nodes = shuffled(scene);
  const few = nodes.splice(0, Math.floor((nodes.length - 1) / 2));
  return partition(scene, "minority", `nodes ${few} without ${nodes}`, blocksBetween(few, nodes));
});

/** No quorum anywhere. */
const shattered = fault("shattered", { network: true }, (scene) => {
  const blocks = scene.cluster.nodeIds.map((nodeId) =>
    blocksBetween(
      [nodeId],
      scene.cluster.nodeIds.filter((other) => other !== nodeId),
    ),
  );
  return partition(scene, "shattered", "every node alone", new Set(blocks.flatMap((each) => [...each])));
});

/** One direction only: a leader whom nobody hears, or who hears nobody, or a single mute link. */
const asymmetric = fault("asymmetric", { network: true }, (scene) => {
  const { cluster, random } = scene;
  const one = random.chance(0.6) ? cluster.leader() : random.pick(cluster.nodeIds);
  const others = cluster.nodeIds.filter((nodeId) => nodeId !== one);
  const some = random.chance(0.5) ? others : [random.pick(others)];
  const deaf = random.chance(0.5);
  const blocks = some.map((other) => (deaf ? `${other}>${one}` : `${one}>${other}`));
  return partition(scene, "asymmetric", blocks.join(" "), new Set(blocks));
});

/** Every node reaches only its two neighbours; of three nodes, two cannot reach each other. */
const ring = fault("ring", { network: true }, (scene) => {
  const nodes = shuffled(scene);
  const count = nodes.length;
  const blocks = nodes.flatMap((a, at) =>
    nodes.flatMap((b, other) => {
      const apart = Math.abs(at - other);
      const neighbours = count === 3 ? apart === 1 : apart === 1 || apart === count - 1;
      return a === b || neighbours ? [] : [`${a}>${b}`];
    }),
  );
  return partition(scene, "ring", `order ${nodes}`, new Set(blocks));
});

const slowLinks = fault("slowLinks", { network: true }, async (scene) => {
  const { cluster, random } = scene;
  const ms = Math.round(500 + random.around(1_200));
  const slowest = random.pick([10, 40, 120, 250]);
  scene.happened("slowLinks", `up to ${slowest} ms, ${ms} ms long`);
  const mode = (): DirectionMode => ({ kind: "delay", ms: random.between(0, slowest) });
  for (const from of cluster.nodeIds)
    for (const to of cluster.nodeIds) if (from !== to) cluster.peerLink(from, to).shape(mode(), mode());
  await scene.pause(ms);
  await cluster.healLinks();
});

const cutPeers = fault("cutPeers", {}, async (scene) => {
  const { cluster, random } = scene;
  const times = random.between(1, 4);
  scene.happened("cutPeers", `${times} times`);
  for (let i = 0; i < times; i++) {
    const one = random.pick(cluster.nodeIds);
    for (const other of cluster.nodeIds) {
      if (other === one) continue;
      cluster.peerLink(one, other).cut();
      if (random.chance(0.5)) cluster.peerLink(other, one).cut();
    }
    await scene.pause(random.around(150));
  }
});

/** Everybody is told that a living node is dead: connections end and are refused. Elections may begin, and must be safe. */
const falseDeath = fault("falseDeath", { nodes: 1, network: true }, async (scene, [nodeId = 0]) => {
  const { cluster, random } = scene;
  const ms = Math.round(100 + random.around(400));
  scene.happened("falseDeath", `node ${nodeId} refuses, ${ms} ms`);
  for (const other of cluster.nodeIds) {
    if (other === nodeId) continue;
    cluster.peerLink(other, nodeId).refuse();
    cluster.peerLink(other, nodeId).cut();
  }
  await scene.pause(ms);
  await cluster.healLinks();
});

/** Clients lose nodes: answers are held, lost with the connection, or late. */
const clientLinks = fault("clientLinks", { network: true }, async (scene) => {
  const { cluster, random } = scene;
  const ms = Math.round(100 + random.around(900));
  const nodes = random.chance(0.5)
    ? [cluster.leader()]
    : shuffled(scene).slice(0, random.between(1, cluster.nodeIds.length));
  const modes: readonly DirectionMode[] = [...lossy, { kind: "delay", ms: random.between(5, 400) }];
  const [forward, backward] = [random.pick([passing, ...modes]), random.pick(modes)];
  scene.happened("clientLinks", `nodes ${nodes}: ${forward.kind} and ${backward.kind}, ${ms} ms`);
  for (const nodeId of nodes) cluster.clientLink(nodeId).shape(forward, backward);
  await scene.pause(ms);
  await cluster.healLinks();
});

const cutClients = fault("cutClients", {}, async (scene) => {
  const { cluster, random } = scene;
  const times = random.between(1, 6);
  scene.happened("cutClients", `${times} times`);
  for (let i = 0; i < times; i++) {
    cluster.clientLink(random.chance(0.6) ? cluster.leader() : random.pick(cluster.nodeIds)).cut();
    await scene.pause(random.around(150));
  }
});

/** Everything that links can do. */
export const networkFaults: readonly Fault[] = [
  leaderAlone,
  minority,
  shattered,
  asymmetric,
  ring,
  slowLinks,
  cutPeers,
  falseDeath,
  clientLinks,
  cutClients,
];
