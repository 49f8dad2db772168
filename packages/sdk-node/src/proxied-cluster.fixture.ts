import { type LocalCluster, startLocalCluster } from "@quorumguard/testbed";
import { type GrpcProxy, startGrpcProxy } from "./grpc-proxy.fixture.ts";
import type { Guard } from "./index.ts";
import { type SteadyLoad, startSteadyLoad } from "./steady-load.fixture.ts";

/** Three real nodes behind a real nginx. */
export interface ProxiedCluster {
  readonly proxy: GrpcProxy;
  /**
   * Kills the leader under load, then two other nodes, each time until every guard's load went on, and brings each back.
   * Resolves with the loads, ended, and closes the guards.
   */
  killInTurn(guards: readonly Pick<Guard, "allow" | "close">[]): Promise<readonly SteadyLoad[]>;
  stop(): Promise<void>;
}

/** So long a cluster of a machine that has much else to do may take to be whole again, in milliseconds. */
const patienceMs = 60_000;

/** Starts both; `flags` go to every node. */
export async function startProxiedCluster(flags: readonly string[] = []): Promise<ProxiedCluster> {
  const cluster = await startLocalCluster({ arguments: flags });
  const http = cluster.nodes.map(({ httpUrl }) => httpUrl.slice("http://".length));
  const proxy = await startGrpcProxy(cluster.endpoints, http).catch(async (error: unknown) => {
    await cluster.stop();
    throw error;
  });
  return {
    proxy,
    killInTurn: (guards) => killInTurn(cluster, guards),
    async stop() {
      await proxy.stop();
      await cluster.stop();
    },
  };
}

async function killInTurn(
  cluster: LocalCluster,
  guards: readonly Pick<Guard, "allow" | "close">[],
): Promise<readonly SteadyLoad[]> {
  const loads = guards.map((guard) => startSteadyLoad(guard));
  const more = (calls: number) => Promise.all(loads.map((load) => load.more(calls)));
  await more(100);
  for (let round = 0; round < 3; round++) {
    const { nodeId } = await cluster.waitForLeader(patienceMs);
    const victim = round === 0 ? nodeId : ((nodeId + round - 1) % 3) + 1;
    await cluster.kill(victim);
    await more(200);
    await cluster.restart(victim);
    await cluster.waitUntilCaughtUp(patienceMs);
  }
  await Promise.all(loads.map((load) => load.end()));
  await Promise.all(guards.map((guard) => guard.close()));
  return loads;
}
