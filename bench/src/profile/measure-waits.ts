import { type LocalCluster, startLocalCluster } from "@quorumguard/testbed";
import { quorumGuard } from "../decisions/contenders.ts";
import type { Point } from "../decisions/points.ts";
import { dataFolderOf, readLogAfter } from "../systems/node-files.ts";
import { leaderFirst } from "../systems/quorumguard.ts";
import { readMetrics } from "../systems/read-metric.ts";
import { bareFlushes, bareTrips } from "./bare.ts";
import { observeLoad, type ProfileTimes } from "./observe-load.ts";
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
  point: Point,
  times: ProfileTimes,
): Promise<Pick<Waits, "frameBytes" | "call" | "flushMeanMs">> {
  const { before, after, report } = await observeLoad(
    point,
    quorumGuard,
    await leaderFirst(cluster),
    times,
    async () => ({
      reign: async () => (await cluster.waitForLeader()).term,
      read: () => readFlushes(cluster),
    }),
  );
  const means = after.map((one, at) => meanMs(before[at]!, one));
  const leader = await cluster.waitForLeader();
  const at = leader.nodeId - 1;
  const log = await readLogAfter(await dataFolderOf(cluster.pid(leader.nodeId)!), before[at]!.lastIndex);
  return {
    frameBytes: Math.round(log.bytes / log.entries),
    call: spreadOf(report.latenciesMs),
    flushMeanMs: { leader: means[at]!, follower: spreadOf(means.toSpliced(at, 1)).meanMs },
  };
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
