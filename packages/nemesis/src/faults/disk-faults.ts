import { spawnSync } from "node:child_process";
import { damageFolder } from "./damage-folder.ts";
import { type Fault, type FaultScene, fault } from "./fault.ts";

/** A node whose disk refuses every write has written after so long under load, and stopped. */
const patienceMs = 6_000;
/** One whose disk is full has used up what was allotted before. */
const fullPatienceMs = 15_000;
/** The others must have made up for a node's damage after so long, on a machine with other things to do. */
const repairMs = 15_000;

/** Waits until the node ends by itself, or until patience does. True: it ended, since a write was refused. */
async function endsBySelf(scene: FaultScene, nodeId: number, patienceMs: number): Promise<boolean> {
  const ended = scene.cluster.mayEnd(nodeId).then(() => true);
  return Promise.race([ended, scene.pause(patienceMs).then(() => !scene.cluster.isUp(nodeId))]);
}

function prlimit(pid: number, bytes: string): string | null {
  const { status, stderr, error } = spawnSync("prlimit", ["--pid", String(pid), `--fsize=${bytes}:`]);
  return error !== undefined ? error.message : status === 0 ? null : String(stderr).trim();
}

/** From one moment to the next the system refuses every write (RLIMIT_FSIZE): the node must stop, and comes back whole. */
const diskError = fault(
  "diskError",
  { nodes: 1 },
  async (scene, [nodeId = 0]) => {
    const { cluster } = scene;
    const pid = cluster.pid(nodeId);
    if (pid === null) return;
    const ended = endsBySelf(scene, nodeId, patienceMs);
    const problem = prlimit(pid, "1");
    if (problem !== null) throw new Error(`prlimit: ${problem}`);
    // Without a write nothing was refused, and there was no fault.
    if (await ended) scene.happened("diskError", `node ${nodeId}: every write fails; it stopped`);
    await cluster.bury(nodeId);
    await cluster.start(nodeId);
  },
  () => prlimit(process.pid, "unlimited"),
);

/** Not a byte more fits. What was allotted before can still be written: the node stops when it needs more. */
const diskFull = fault(
  "diskFull",
  { nodes: "all" },
  async (scene) => {
    const { cluster } = scene;
    const small = cluster.smallDisk;
    if (typeof small === "string") return;
    const { nodeId, disk } = small;
    // Small segments, or it would write for minutes into what it has.
    if (cluster.kindOf(nodeId) === "command") {
      await cluster.terminate(nodeId);
      await cluster.start(nodeId, "small");
      await scene.pause(500);
    }
    const ended = endsBySelf(scene, nodeId, fullPatienceMs);
    await disk.fill();
    const stopped = await ended;
    if (stopped) scene.happened("diskFull", `node ${nodeId}: no space left; it stopped`);
    if (stopped && scene.random.chance(0.5)) {
      // A restart without room fails as well, or finds that it needs none.
      await cluster.start(nodeId);
      await Promise.race([cluster.mayEnd(nodeId), cluster.ready(nodeId, 2_000)]);
    }
    await disk.empty();
    if (!stopped) return;
    await cluster.bury(nodeId);
    await cluster.start(nodeId);
  },
  ({ cluster }) => (typeof cluster.smallDisk === "string" ? cluster.smallDisk : null),
);

/** While a node is away its disk forgets or garbles something: it refuses to start, or makes up for it, and never votes with it. */
const damage = fault("damage", { nodes: "all", network: true }, async (scene, victims) => {
  const { cluster, random } = scene;
  const nodeId = random.pick(victims);
  // Of one node only, and while all the others are whole: what a majority has lost is lost.
  if (!(await cluster.caughtUp(5_000))) return;
  await cluster.kill([nodeId]);
  const what = await damageFolder(cluster.dataFolder(nodeId), random);
  if (what === null) {
    await cluster.start(nodeId);
    return;
  }
  await cluster.start(nodeId);
  const started = cluster.caughtUp(repairMs);
  const end = await Promise.race([cluster.mayEnd(nodeId), started]);
  const refused = typeof end === "object";
  if (refused) {
    if (!end.tail.includes("--repair")) throw new Error(`node ${nodeId}, ${what}, ended without advice: ${end.tail}`);
    await cluster.bury(nodeId);
    await cluster.startForRepair(nodeId);
  }
  scene.happened("damage", `node ${nodeId}, ${what}: it ${refused ? "refused, and is repaired" : "started"}`);
  if (end === true || (await cluster.caughtUp(repairMs))) return;
  throw new Error(`node ${nodeId}, ${what}, was not whole again within ${repairMs} ms`);
});

/** Everything that real disks do here. */
export const diskFaults: readonly Fault[] = [diskError, diskFull, damage];
