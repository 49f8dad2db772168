import { afterEach, expect, test } from "vitest";
import { batchOf, submit, TestCluster } from "./test-cluster.fixture.ts";

let cluster: TestCluster;
afterEach(async () => {
  await cluster.close();
});

test("D7: a learner that answers and lags is not promoted before it has caught up", async () => {
  cluster = await TestCluster.started(3);
  const leader = await cluster.leader();
  await cluster.join(4);
  await cluster.change({ kind: "add", nodeId: 4 });
  await cluster.caughtUp(4);
  // It goes on to answer heartbeats, and acknowledges nothing.
  const goOn = cluster.stallFlushes(4);
  for (let i = 0; i < 120; i++) await submit(leader, batchOf([`k${i}`], 1));
  await expect(cluster.change({ kind: "promote", nodeId: 4 })).rejects.toThrow("entries behind");
  goOn();
  await cluster.caughtUp(4);
  const members = await cluster.change({ kind: "promote", nodeId: 4 });
  expect(members.filter(({ role }) => role === "voter").map(({ nodeId }) => nodeId)).toEqual([1, 2, 3, 4]);
});
