import type { LocalCluster, LocalStatus } from "@quorumguard/testbed";
import { dataFolderOf, type FileSizes, type LogPart, readFileSizes, readLogAfter } from "../systems/node-files.ts";
import { readMetrics } from "../systems/read-metric.ts";
import { type NodeUsage, readNodeUsage } from "./node-usage.ts";

/** What nodes had used and done at one moment. */
export interface ClusterState {
  readonly leader: NodeState;
  readonly followers: readonly NodeState[];
  /** The index of the log's last entry. */
  readonly entries: number;
  /** Frames of calls that came to the leader. */
  readonly frames: number;
  readonly flushUs: number;
  readonly liveKeys: number;
}

/** What one node had used and written. */
export interface NodeState extends NodeUsage {
  readonly sizes: FileSizes;
  /** What is left of what its log got since the load began. */
  readonly log: LogPart;
}

/** As a load begins. Pages of metrics take milliseconds of a node's time, and files are read at leisure: the processors are looked at last. */
export async function stateBefore(cluster: LocalCluster, leader: LocalStatus): Promise<ClusterState> {
  const pids = pidsOf(cluster, leader);
  const counted = await countedBy(cluster, leader);
  const sizes = await Promise.all(pids.map(async (pid) => readFileSizes(await dataFolderOf(pid))));
  const usage = await Promise.all(pids.map(readNodeUsage));
  const nodes = usage.map((one, at) => ({ ...one, sizes: sizes[at]!, log: { bytes: 0, entries: 0 } }));
  return { ...counted, leader: nodes[0]!, followers: nodes.slice(1) };
}

/** When it is over: first here. */
export async function stateAfter(
  cluster: LocalCluster,
  leader: LocalStatus,
  before: ClusterState,
): Promise<ClusterState> {
  const pids = pidsOf(cluster, leader);
  const usage = await Promise.all(pids.map(readNodeUsage));
  const folders = await Promise.all(pids.map(dataFolderOf));
  const sizes = await Promise.all(folders.map(readFileSizes));
  const logs = await Promise.all(folders.map((folder) => readLogAfter(folder, before.entries)));
  const nodes = usage.map((one, at) => ({ ...one, sizes: sizes[at]!, log: logs[at]! }));
  return { ...(await countedBy(cluster, leader)), leader: nodes[0]!, followers: nodes.slice(1) };
}

/** The leader's process first. */
function pidsOf(cluster: LocalCluster, leader: LocalStatus): readonly number[] {
  const followers = cluster.nodes.filter(({ nodeId }) => nodeId !== leader.nodeId);
  return [leader, ...followers].map(({ nodeId }) => cluster.pid(nodeId)!);
}

async function countedBy(cluster: LocalCluster, { nodeId }: LocalStatus) {
  const [entries, frames, flushSeconds, liveKeys] = await readMetrics(cluster.nodes[nodeId - 1]!.metricsUrl, [
    "quorumguard_raft_last_index",
    "quorumguard_frames_total",
    "quorumguard_flush_duration_seconds_sum",
    "quorumguard_keys",
  ]);
  return { entries: entries!, frames: frames!, flushUs: flushSeconds! * 1e6, liveKeys: liveKeys! };
}
