import { type LocalCluster, startLocalCluster } from "@quorumguard/testbed";
import { openClientProcesses } from "../decisions/client-processes.ts";
import { quorumGuard } from "../decisions/contenders.ts";
import type { Point } from "../decisions/points.ts";
import { dataFolderOf, readLogAfter } from "../scaling/node-files.ts";
import { leaderFirst } from "../systems/quorumguard.ts";
import { readMetrics } from "../systems/read-metric.ts";
import { bareFlushes, bareTrips } from "./bare.ts";
import type { ProfileTimes } from "./profile-point.ts";
import { spreadOf, type Waits } from "./waits.ts";

/** Bare messages and bare flushes. */
const bareTimes = 2_000;

/** Calls one after the other, without a profiler; and once the cluster is gone, what they are made of by itself. */
export async function measureWaits(point: Point, times: ProfileTimes): Promise<Waits> {
  const cluster = await startLocalCluster({ nodes: 3 });
  const called = await callAlone(cluster, point, times).finally(() => cluster.stop());
  const bareTrip = spreadOf(await bareTrips(called.frameBytes, bareTimes));
  return { ...called, bareTrip, bareFlush: spreadOf(await bareFlushes(called.frameBytes, bareTimes)) };
}

async function callAlone(
  cluster: LocalCluster,
  { name, keys, rule, inFlight }: Point,
  { warmUpMs, sampleMs }: ProfileTimes,
): Promise<Pick<Waits, "frameBytes" | "call" | "flushMeanMs">> {
  const place = { endpoints: await leaderFirst(cluster), rule };
  const clients = await openClientProcesses(1, { client: quorumGuard.client, place });
  try {
    const load = { keys, seed: 1 };
    const warm = { ...load, inFlight: 64, durationMs: warmUpMs, sample: "warm" };
    await clients.run(warm, async () => {});
    const leader = await cluster.waitForLeader();
    let before: readonly NodeFlushes[] = [];
    const alone = { ...load, inFlight, durationMs: sampleMs, sample: "alone" };
    const [report] = await clients.run(alone, async () => {
      before = await readFlushes(cluster);
    });
    const after = await readFlushes(cluster);
    if ((await cluster.waitForLeader()).term !== leader.term)
      throw new Error(`${name}: the leader changed meanwhile; run it again`);
    const { outcomes, latenciesMs, firstFailure } = report!;
    if (outcomes.failed + outcomes.degraded > 0)
      throw new Error(`${name}: calls failed, the first with ${firstFailure}`);
    const means = after.map((one, at) => meanMs(before[at]!, one));
    const at = leader.nodeId - 1;
    const folder = await dataFolderOf(cluster.pid(leader.nodeId)!);
    const log = await readLogAfter(folder, before[at]!.lastIndex);
    return {
      frameBytes: Math.round(log.bytes / log.entries),
      call: spreadOf(latenciesMs),
      flushMeanMs: { leader: means[at]!, follower: spreadOf(means.toSpliced(at, 1)).meanMs },
    };
  } finally {
    await clients.stop();
  }
}

/** What one node has flushed so far. */
interface NodeFlushes {
  readonly seconds: number;
  readonly count: number;
  readonly lastIndex: number;
}

/** In the order of the nodes' numbers. */
function readFlushes({ nodes }: LocalCluster): Promise<readonly NodeFlushes[]> {
  return Promise.all(
    nodes.map(async ({ metricsUrl }) => {
      const flushes = "quorumguard_flush_duration_seconds";
      const names = [`${flushes}_sum`, `${flushes}_count`, "quorumguard_raft_last_index"];
      const [seconds, count, lastIndex] = await readMetrics(metricsUrl, names);
      return { seconds: seconds!, count: count!, lastIndex: lastIndex! };
    }),
  );
}

function meanMs(before: NodeFlushes, after: NodeFlushes): number {
  return ((after.seconds - before.seconds) / (after.count - before.count)) * 1_000;
}
