import { skipReason } from "@quorumguard/testbed";
import { afterEach, expect, test } from "vitest";
import { createGuard } from "./index.ts";
import { type ProxiedCluster, startProxiedCluster } from "./proxied-cluster.fixture.ts";
import type { SteadyLoad } from "./steady-load.fixture.ts";

const exact = { onUnavailable: "throw", timeoutMs: 3_000 } as const;
// Several guards, so that streams stick to different nodes, the killed one among them.
const GUARDS = 4;

let cluster: ProxiedCluster | undefined;
afterEach(async () => {
  await cluster?.stop();
  cluster = undefined;
});

function expectNoFailure(loads: readonly SteadyLoad[]): void {
  expect(loads.flatMap((load) => load.failures.map(String))).toEqual([]);
  expect(loads.map((load) => load.degraded)).toEqual(Array(GUARDS).fill(0));
}

// Where everything is demanded, a missing nginx is a failure.
const options = { skip: skipReason("nginx") !== null && process.env.CI !== "true", timeout: 60_000 };

test(
  "routing forward through nginx's grpc_pass: nodes are killed, the leader first, and no call fails",
  options,
  async () => {
    cluster = await startProxiedCluster();
    const endpoints = cluster.proxy.grpcEndpoint;
    const guards = Array.from({ length: GUARDS }, () => createGuard({ ...exact, endpoints, routing: "forward" }));
    expectNoFailure(await cluster.killInTurn(guards));
  },
);

test("members at addresses that lead nowhere from here: the proxy forwards, and no call fails", options, async () => {
  cluster = await startProxiedCluster(["--advertise-grpc", "127.0.0.1:1"]);
  const endpoints = cluster.proxy.grpcEndpoint;
  const guards = Array.from({ length: GUARDS }, () => createGuard({ ...exact, endpoints }));
  // Within the default deadline, so that the first call of a process is not degraded for want of a route.
  const startMs = performance.now();
  await guards[0]!.allow("first", 5, "1m");
  expect(performance.now() - startMs).toBeLessThan(1_000);
  expectNoFailure(await cluster.killInTurn(guards));
});
