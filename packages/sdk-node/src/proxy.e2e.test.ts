import { expect } from "vitest";
import { createGuard } from "./index.ts";
import { exact, expectNoFailure, severalGuards, testBehindProxy } from "./proxy-test.fixture.ts";

testBehindProxy(
  "routing forward through nginx's grpc_pass: nodes are killed, the leader first, and no call fails",
  async (cluster) => {
    const endpoints = cluster.proxy.grpcEndpoint;
    const guards = severalGuards(() => createGuard({ ...exact, endpoints, routing: "forward" }));
    await expectNoFailure(cluster, guards);
  },
);

testBehindProxy(
  "members at addresses that lead nowhere from here: the proxy forwards, and no call fails",
  async (cluster) => {
    const endpoints = cluster.proxy.grpcEndpoint;
    const guards = severalGuards(() => createGuard({ ...exact, endpoints }));
    // Long before its deadline, so that the first call of a process is not degraded for want of a route.
    const startMs = performance.now();
    await guards[0]!.allow("first", 5, "1m");
    expect(performance.now() - startMs).toBeLessThan(exact.timeoutMs / 2);
    await expectNoFailure(cluster, guards);
  },
  ["--advertise-grpc", "127.0.0.1:1"],
);
