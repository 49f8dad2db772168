import { skipReason } from "@quorumguard/testbed";
import { afterEach, expect, test } from "vitest";
import { type ProxiedCluster, startProxiedCluster } from "../../sdk-node/src/proxied-cluster.fixture.ts";
import type { SteadyLoad } from "../../sdk-node/src/steady-load.fixture.ts";
import { createGuard } from "./edge.ts";

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

test("through nginx over HTTP: nodes are killed, the leader first, and no call fails", options, async () => {
  cluster = await startProxiedCluster();
  const endpoints = cluster.proxy.httpUrl;
  expectNoFailure(await cluster.killInTurn(Array.from({ length: GUARDS }, () => createGuard({ ...exact, endpoints }))));
});
