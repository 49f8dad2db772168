import type { NodeKind } from "../nodes/node-plan.ts";
import type { Random } from "../random.ts";
import { type Fault, type FaultScene, fault } from "./fault.ts";

/** A restart may bring back another kind of process on the same disk. */
function nextKind(random: Random, kind: NodeKind): NodeKind {
  return random.chance(0.25) ? random.pick(["command", "small", "forgetful"] as const) : kind;
}

const named = (scene: FaultScene, nodeId: number) =>
  `node ${nodeId}${scene.cluster.leader() === nodeId ? " (leader)" : ""}`;

async function restart({ cluster, random }: FaultScene, victims: readonly number[]): Promise<void> {
  for (const nodeId of victims) {
    if (!cluster.isUp(nodeId)) await cluster.start(nodeId, nextKind(random, cluster.kindOf(nodeId)));
  }
}

/** SIGKILL and restart; over a forgetful disk it is a power failure. */
const kill = fault("kill", { nodes: 1 }, async (scene, [nodeId = 0]) => {
  const { cluster, random } = scene;
  const downMs = Math.round(random.around(700));
  const power = cluster.kindOf(nodeId) === "forgetful";
  scene.happened(power ? "powerLoss" : "kill", `${named(scene, nodeId)} for ${downMs} ms`);
  await cluster.kill([nodeId]);
  await scene.pause(downMs);
  await restart(scene, [nodeId]);
});

/** The whole host is gone: nothing answers, nothing refuses. */
const hostLoss = fault("hostLoss", { nodes: 1, network: true }, async (scene, [nodeId = 0]) => {
  const { cluster, random } = scene;
  const downMs = Math.round(300 + random.around(700));
  scene.happened("hostLoss", `${named(scene, nodeId)} for ${downMs} ms`);
  for (const other of cluster.nodeIds) {
    if (other === nodeId) continue;
    for (const link of [cluster.peerLink(nodeId, other), cluster.peerLink(other, nodeId)])
      link.shape({ kind: "drop" }, { kind: "drop" });
  }
  cluster.clientLink(nodeId).shape({ kind: "drop" }, { kind: "drop" });
  await cluster.kill([nodeId], true);
  await scene.pause(downMs);
  await cluster.healLinks();
  await restart(scene, [nodeId]);
});

/** All at once. The order of their return is drawn. */
const killAll = fault("killAll", { nodes: "all" }, async (scene, victims) => {
  const { cluster, random } = scene;
  const downMs = Math.round(random.around(500));
  const power = victims.every((nodeId) => cluster.kindOf(nodeId) === "forgetful");
  scene.happened(power ? "powerLossAll" : "killAll", `all nodes for ${downMs} ms`);
  await cluster.kill(victims);
  await scene.pause(downMs);
  for (const nodeId of [...victims].sort(() => random.next() - 0.5)) {
    await restart(scene, [nodeId]);
    await scene.pause(random.around(60));
  }
});

/** As a deployment does it: one after another, each asked to go. */
const rollingRestart = fault("rollingRestart", { nodes: "all" }, async (scene, victims) => {
  const { cluster, random } = scene;
  scene.happened("rollingRestart", "one after another");
  for (const nodeId of victims) {
    await cluster.terminate(nodeId);
    await restart(scene, [nodeId]);
    // As an orchestrator does, which goes on when the node is ready.
    await cluster.ready(nodeId, 3_000);
    await scene.pause(random.between(50, 400));
  }
});

/** SIGSTOP and SIGCONT: as a long garbage collection, or a virtual machine that is moved. */
const pause = fault("pause", { nodes: 1 }, async (scene, [nodeId = 0]) => {
  const { cluster, random } = scene;
  const ms = Math.round(10 * 500 ** random.next());
  scene.happened("pause", `${named(scene, nodeId)} for ${ms} ms`);
  cluster.signal(nodeId, "SIGSTOP");
  await scene.pause(ms);
  cluster.signal(nodeId, "SIGCONT");
});

/** Killed while it cannot even notice, and pauses in quick succession, which look like a machine without CPU. */
const stutter = fault("stutter", { nodes: 1 }, async (scene, [nodeId = 0]) => {
  const { cluster, random } = scene;
  const times = random.between(5, 20);
  scene.happened("stutter", `${named(scene, nodeId)}, ${times} pauses`);
  for (let i = 0; i < times; i++) {
    cluster.signal(nodeId, "SIGSTOP");
    await scene.pause(random.between(20, 200));
    cluster.signal(nodeId, "SIGCONT");
    await scene.pause(random.between(1, 60));
  }
});

const clientPause = fault("clientPause", {}, async (scene) => {
  const { clients, random } = scene;
  const at = random.between(0, clients.names.length - 1);
  const ms = random.between(50, 3_000);
  scene.happened("clientPause", `${clients.names[at]} for ${ms} ms`);
  clients.signal(at, "SIGSTOP");
  await scene.pause(ms);
  clients.signal(at, "SIGCONT");
});

/** The wall clock of one node steps, as an administrator or a bad time server steps it. */
const clockStep = fault("clockStep", { nodes: 1 }, async (scene, [nodeId = 0]) => {
  const { cluster, random } = scene;
  const stepMs = random.pick([-1, 1]) * random.pick([200, 5_000, 60_000, 600_000]);
  scene.happened("clockStep", `${named(scene, nodeId)} by ${stepMs} ms`);
  cluster.stepClock(nodeId, stepMs);
  await scene.pause(random.between(500, 4_000));
  cluster.stepClock(nodeId, random.pick([0, 0, Math.round(stepMs / 2)]));
});

/** Everything that signals and clocks can do. */
export const processFaults: readonly Fault[] = [
  kill,
  kill,
  hostLoss,
  killAll,
  rollingRestart,
  pause,
  pause,
  stutter,
  clientPause,
  clockStep,
];
