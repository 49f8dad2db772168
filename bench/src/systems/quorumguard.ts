import { createGuard } from "@quorumguard/sdk-node";
import { startLocalCluster } from "@quorumguard/testbed";
import type { System } from "../system.ts";

/** Three real nodes, flushed on a majority, and one SDK client in this process. */
export async function startQuorumGuard(): Promise<System> {
  const cluster = await startLocalCluster({ nodes: 3 });
  const guard = createGuard({ endpoints: cluster.endpoints, onUnavailable: "throw", timeoutMs: 10_000 });
  await guard.ready({ timeoutMs: 10_000 });
  return {
    name: "quorumguard",
    allow: async (key) => {
      const decision = await guard.allow(key, 100, "1m", { algorithm: "token-bucket" });
      if (decision.degraded) throw new Error(`a degraded decision (${decision.source}) in a benchmark`);
      return decision.allowed;
    },
    flushes: () => Promise.all(cluster.nodes.map((node) => readCounter(node.metricsUrl, "quorumguard_flushes_total"))),
    stop: async () => {
      await guard.close();
      await cluster.stop();
    },
  };
}

async function readCounter(url: string, name: string): Promise<number> {
  const text = await (await fetch(url)).text();
  const line = text.split("\n").find((candidate) => candidate.startsWith(`${name} `));
  if (line === undefined) throw new Error(`${url} has no metric ${name}`);
  return Number(line.slice(name.length + 1));
}
