import { skipReason } from "@quorumguard/testbed";
import { expect, test } from "vitest";
import type { Guard } from "./index.ts";
import { type ProxiedCluster, startProxiedCluster } from "./proxied-cluster.fixture.ts";

type LoadedGuard = Pick<Guard, "allow" | "close">;

/** Options of guards of which no call may be decided without the cluster; an election may take long on a busy machine. */
export const exact = { onUnavailable: "throw", timeoutMs: 20_000 } as const;

/** Declares a test of a cluster behind a proxy, both ended after it. `flags` go to every node. */
export function testBehindProxy(
  name: string,
  run: (cluster: ProxiedCluster) => Promise<void>,
  flags: readonly string[] = [],
): void {
  // Where everything is demanded, a missing nginx is a failure.
  const options = { skip: skipReason("nginx") !== null && process.env.CI !== "true", timeout: 180_000 };
  test(name, options, async () => {
    const cluster = await startProxiedCluster(flags);
    try {
      await run(cluster);
    } finally {
      await cluster.stop();
    }
  });
}

/** Several guards, so that streams stick to different nodes, the killed one among them. */
export function severalGuards<G extends LoadedGuard>(create: () => G): readonly G[] {
  return Array.from({ length: 4 }, create);
}

/** Nodes are killed under the guards' load, the leader first: no call fails, and none is decided without the cluster. */
export async function expectNoFailure(cluster: ProxiedCluster, guards: readonly LoadedGuard[]): Promise<void> {
  const loads = await cluster.killInTurn(guards);
  expect(loads.flatMap((load) => load.failures.map(String))).toEqual([]);
  expect(loads.map((load) => load.degraded)).toEqual(guards.map(() => 0));
}
