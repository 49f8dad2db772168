import type { NodeId } from "@quorumguard/raft";
import { afterEach, describe, expect, test } from "vitest";
import type { ClusterNode } from "./node.ts";
import { batchOf, submit, TestCluster, until } from "./test-cluster.fixture.ts";

let cluster: TestCluster;
afterEach(() => cluster.close());

const roles = (node: ClusterNode) => Object.fromEntries(node.members().map(({ nodeId, role }) => [nodeId, role]));
/** Answers of the limiter, as 1 (allowed) and 2 (denied). */
const outcomes = async (node: ClusterNode, key: string, count: number, limit: number) => {
  const { answers, failures } = await submit(node, batchOf(Array.from({ length: count }, () => key), limit));
  expect(failures).toEqual([]);
  return answers.map(({ outcome }) => outcome);
};
const knowsMembers = (node: ClusterNode, ids: readonly NodeId[]) =>
  until(() => (String(node.topology().members.map(({ nodeId }) => nodeId)) === String(ids) ? true : null));

describe("a newcomer", () => {
  test("joins as a learner, catches up by the log, is promoted, and can lead", async () => {
    cluster = await TestCluster.started(3);
    const leader = await cluster.leader();
    expect(await outcomes(leader, "k", 3, 5)).toEqual([1, 1, 1]);
    const four = await cluster.join(4);
    expect(four.status().role).toBe("joining");
    const before = leader.topology().version;
    await cluster.change({ kind: "add", nodeId: 4 });
    await cluster.caughtUp(4);
    expect(roles(leader)).toEqual({ 1: "voter", 2: "voter", 3: "voter", 4: "learner" });
    expect(four.status().role).toBe("learner");
    await expect(leader.transferLeadership(4)).rejects.toThrow("4 is not one of the voters 1, 2, 3");
    await cluster.change({ kind: "promote", nodeId: 4 });
    expect(leader.topology().version).toBeGreaterThan(before);
    for (const node of cluster.nodes.values()) await knowsMembers(node, [1, 2, 3, 4]);
    await leader.transferLeadership(4);
    expect((await cluster.leader()).nodeId).toBe(4);
    expect(await outcomes(four, "k", 3, 5)).toEqual([1, 1, 2]);
  });
});
