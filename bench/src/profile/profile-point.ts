import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { type LocalCluster, startLocalCluster } from "@quorumguard/testbed";
import { openClientProcesses } from "../decisions/client-processes.ts";
import type { Contender } from "../decisions/contenders.ts";
import type { Point } from "../decisions/points.ts";
import { scratchFolder } from "../scratch-folder.ts";
import { leaderFirst } from "../systems/quorumguard.ts";
import type { CpuProfile } from "./self-times.ts";
import type { ProfiledProcess } from "./shares.ts";
import { between, readThreadTimes, type ThreadTimes } from "./thread-times.ts";

/** What was seen of one point's processes while they were under its load. */
export interface ProfiledPoint {
  readonly decisions: number;
  readonly seconds: number;
  /** When the load began and ended, by the clock that profiles have. */
  readonly fromUs: number;
  readonly toUs: number;
  readonly leader: ProfiledProcess;
  /** One of them. */
  readonly follower: ProfiledProcess;
  readonly client: ProfiledProcess;
}

const nowUs = () => Number(process.hrtime.bigint() / 1_000n);

/** How long. */
interface Times {
  readonly warmUpMs: number;
  readonly sampleMs: number;
}

/** Three nodes and a client process of their own, all with V8's profiler on, under the load of a point. */
export async function profilePoint(point: Point, contender: Contender, times: Times): Promise<ProfiledPoint> {
  const folder = await scratchFolder("profile");
  const flags = process.env.NODE_OPTIONS;
  process.env.NODE_OPTIONS = `${flags ?? ""} --cpu-prof --cpu-prof-dir=${folder.path}`;
  try {
    const cluster = await startLocalCluster({ nodes: 3 });
    const seen = await underLoad(cluster, point, contender, times).finally(() => cluster.stop());
    // Each process writes its profile when it ends.
    const profiles = await readProfiles(folder.path);
    const processOf = ({ pid, times }: Measured): ProfiledProcess => {
      const profile = profiles.get(pid);
      if (profile === undefined) throw new Error(`${point.name}: process ${pid} left no profile`);
      return { profile, times };
    };
    const [leader, follower, client] = [seen.leader, seen.follower, seen.client].map(processOf);
    return { ...seen, leader: leader!, follower: follower!, client: client! };
  } finally {
    if (flags === undefined) delete process.env.NODE_OPTIONS;
    else process.env.NODE_OPTIONS = flags;
    folder.remove();
  }
}

/** What one process used. */
interface Measured {
  readonly pid: number;
  readonly times: ThreadTimes;
}

/** A stretch of load, and what the processes used meanwhile. */
async function underLoad(
  cluster: LocalCluster,
  point: Point,
  contender: Contender,
  { warmUpMs, sampleMs }: Times,
): Promise<Omit<ProfiledPoint, "leader" | "follower" | "client"> & Record<"leader" | "follower" | "client", Measured>> {
  const place = { endpoints: await leaderFirst(cluster), rule: point.rule };
  const clients = await openClientProcesses(1, { client: contender.client, place });
  try {
    const load = { inFlight: point.inFlight, keys: point.keys, seed: 1 };
    const warm = { ...load, inFlight: Math.max(64, point.inFlight), durationMs: warmUpMs, sample: "warm" };
    await clients.run(warm, async () => {});
    const leader = await cluster.waitForLeader();
    const follower = cluster.nodes.find(({ nodeId }) => nodeId !== leader.nodeId)!;
    const pids = [cluster.pid(leader.nodeId)!, cluster.pid(follower.nodeId)!, clients.pids[0]!] as const;
    let before: readonly ThreadTimes[] = [];
    let fromUs = 0;
    const [report] = await clients.run({ ...load, durationMs: sampleMs, sample: "profiled" }, async () => {
      before = await Promise.all(pids.map(readThreadTimes));
      fromUs = nowUs();
    });
    const toUs = nowUs();
    const after = await Promise.all(pids.map(readThreadTimes));
    const still = await cluster.waitForLeader();
    if (still.term !== leader.term) throw new Error(`${point.name}: the leader changed meanwhile; run it again`);
    const { outcomes, seconds, firstFailure } = report!;
    if (outcomes.failed + outcomes.degraded > 0)
      throw new Error(`${point.name}: calls failed, the first with ${firstFailure}`);
    const used = pids.map((pid, at) => ({ pid, times: between(before[at]!, after[at]!) }));
    return {
      ...{ decisions: outcomes.allowed + outcomes.denied, seconds, fromUs, toUs },
      ...{ leader: used[0]!, follower: used[1]!, client: used[2]! },
    };
  } finally {
    await clients.stop();
  }
}

/** The profiles of main threads, by process: it is in the file's name. */
async function readProfiles(folder: string): Promise<ReadonlyMap<number, CpuProfile>> {
  const profiles = new Map<number, CpuProfile>();
  for (const name of await readdir(folder)) {
    const [, , , pid, thread] = name.split(".");
    if (Number(thread) !== 0) continue;
    profiles.set(Number(pid), JSON.parse(await readFile(join(folder, name), "utf8")) as CpuProfile);
  }
  return profiles;
}
