import { exact, expectNoFailure, severalGuards, testBehindProxy } from "../../sdk-node/src/proxy-test.fixture.ts";
import { createGuard } from "./edge.ts";

testBehindProxy("through nginx over HTTP: nodes are killed, the leader first, and no call fails", async (cluster) => {
  const endpoints = cluster.proxy.httpUrl;
  const guards = severalGuards(() => createGuard({ ...exact, endpoints }));
  await expectNoFailure(cluster, guards);
});
