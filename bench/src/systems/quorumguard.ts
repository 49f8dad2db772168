import { type LocalCluster, startLocalCluster } from "@quorumguard/testbed";
import type { System } from "../system.ts";
import { readMetric } from "./read-metric.ts";

/** Three real nodes with default options: every entry is flushed on a majority before it is answered. */
export async function startQuorumGuard(): Promise<System> {
  const cluster = await startLocalCluster({ nodes: 3 });
  const runs = () => cluster.nodes.filter((node) => cluster.pid(node.nodeId) !== null);
  let killed: number | null = null;
  return {
    configuration: { version: "this repository", processes: 3, flags: "none: the defaults" },
    endpoints: () => leaderFirst(cluster),
    pids: () => runs().map((node) => cluster.pid(node.nodeId)!),
    flushes: () => Promise.all(runs().map((node) => readMetric(node.metricsUrl, "quorumguard_flushes_total"))),
    leader: {
      async kill() {
        killed = (await cluster.waitForLeader()).nodeId;
        await cluster.kill(killed);
      },
      async restore() {
        if (killed !== null) await cluster.restart(killed);
        killed = null;
        await cluster.waitUntilCaughtUp();
      },
    },
    stop: async () => void (await cluster.stop()),
  };
}

/** The nodes' gRPC endpoints, beginning with the leader's: clients need not look for it. */
export async function leaderFirst(cluster: LocalCluster): Promise<readonly string[]> {
  const { nodeId } = await cluster.waitForLeader();
  const leader = cluster.nodes[nodeId - 1]!.grpcEndpoint;
  return [leader, ...cluster.endpoints.filter((endpoint) => endpoint !== leader)];
}
