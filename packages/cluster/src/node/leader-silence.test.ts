import type { NodeId } from "@quorumguard/raft";
import { afterEach, describe, expect, test } from "vitest";
import { batchOf, submit, TestCluster, until } from "./test-cluster.fixture.ts";
import { tearLastFrames } from "./torn-folder.fixture.ts";

let cluster: TestCluster;
afterEach(() => cluster.close());

const others = (nodeId: NodeId): NodeId[] => [...cluster.nodes.keys()].filter((id) => id !== nodeId);

describe("a node that never stands for election", () => {
  test("forgets a leader that steps down for want of a quorum, and learns of the next one", async () => {
    cluster = await TestCluster.started(2);
    const learner = await cluster.join(3);
    await cluster.change({ kind: "add", nodeId: 3 });
    await cluster.caughtUp(3);
    const leader = await cluster.leader();
    const { term } = leader.topology();
    const [follower] = others(leader.nodeId);
    await cluster.stop(follower!);
    await until(() => (leader.topology().leaderId === 0 ? true : null));
    await until(() => (learner.topology().leaderId === 0 ? true : null));
    // It neither campaigns nor enters another term for it.
    expect(learner.status()).toMatchObject({ role: "learner", term });
    await cluster.start(follower!);
    const next = await cluster.leader();
    expect(learner.topology().leaderId).toBe(next.nodeId);
  });

  test("keeps a leader that has nothing to say but heartbeats", async () => {
    cluster = await TestCluster.started(1);
    const learner = await cluster.join(2);
    await cluster.change({ kind: "add", nodeId: 2 });
    await cluster.caughtUp(2);
    let changes = 0;
    learner.onTopology(() => changes++);
    const leader = await cluster.leader();
    const sinceMs = performance.now();
    await until(() => (performance.now() - sinceMs > 1_000 ? true : null));
    expect([learner.topology().leaderId, changes]).toEqual([leader.nodeId, 0]);
  });

  test("a voter that abstains forgets a leader that is cut off from it", async () => {
    cluster = await TestCluster.started(3);
    const leader = await cluster.leader();
    const [torn, third] = others(leader.nodeId);
    cluster.losesNotes = true;
    await submit(leader, batchOf(["a"], 1));
    await tearLastFrames(cluster, torn!);
    // With the third one away nobody can be elected in the term that it comes back in, and it goes on abstaining.
    await cluster.stop(third!);
    const back = await cluster.start(torn!);
    await until(() => (leader.topology().leaderId === 0 ? true : null));
    await until(() => (back.topology().leaderId === 0 ? true : null));
    expect(back.status().abstaining).toBe(true);
  });
});
