import type { NodeId } from "@quorumguard/raft";
import { afterEach, describe, expect, test } from "vitest";
import type { ClusterNode } from "./node.ts";
import { batchOf, firstAttempt, submit, TestCluster, until } from "./test-cluster.fixture.ts";

let cluster: TestCluster;
afterEach(() => cluster.close());

const roles = (node: ClusterNode) => Object.fromEntries(node.members().map(({ nodeId, role }) => [nodeId, role]));
/** Answers of the limiter, as 1 (allowed) and 2 (denied). */
const outcomes = async (node: ClusterNode, key: string, count: number, limit: number) => {
  const { answers, failures } = await submit(
    node,
    batchOf(
      Array.from({ length: count }, () => key),
      limit,
    ),
  );
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

  test("that comes when the log is gone gets a snapshot, and takes members and addresses from it", async () => {
    cluster = await TestCluster.started(3, { trailingEntries: 0 });
    const leader = await cluster.leader();
    await cluster.grow(4);
    await cluster.change({ kind: "remove", nodeId: 4 });
    await cluster.stop(4);
    expect(await outcomes(leader, "k", 3, 5)).toEqual([1, 1, 1]);
    for (const node of cluster.nodes.values()) await node.takeSnapshot();
    const five = await cluster.grow(5);
    expect(five.status().snapshotIndex).toBeGreaterThan(0);
    await knowsMembers(five, [1, 2, 3, 5]);
    await until(() => (five.topology().version >> 1 === leader.topology().version >> 1 ? true : null));
    // D8: what the snapshot covers is not learned from entries, and still holds after a restart from it alone.
    await five.takeSnapshot();
    await cluster.stop(5);
    const again = await cluster.join(5);
    await knowsMembers(again, [1, 2, 3, 5]);
    await cluster.caughtUp(5);
    await expect(cluster.change({ kind: "add", nodeId: 4 })).rejects.toThrow("ids are not reused; take 6 or larger");
    await leader.transferLeadership(5).catch(() => {});
    expect(await outcomes(await cluster.leader(), "k", 3, 5)).toEqual([1, 1, 2]);
  });

  test("two newcomers are added one after the other, and five decide", async () => {
    cluster = await TestCluster.started(3);
    await cluster.grow(4);
    await cluster.grow(5);
    const leader = await cluster.leader();
    expect(leader.topology().members.map(({ voter }) => voter)).toEqual([true, true, true, true, true]);
    // Two of five may go.
    const [one, two] = [...cluster.nodes.keys()].filter((id) => id !== leader.nodeId);
    await Promise.all([cluster.stop(one!), cluster.stop(two!)]);
    expect(await outcomes(leader, "k", 2, 1)).toEqual([1, 2]);
  });

  test("D6: an empty folder with an id that is or was a member's stays outside, and says what to do", async () => {
    cluster = await TestCluster.started(3);
    await cluster.grow(4);
    await cluster.stop(4);
    await cluster.wipe(4);
    await cluster.join(4);
    const wiped = await until(() => cluster.fatal[0] ?? null);
    expect(wiped.message).toContain("with another disk than this empty folder");
    expect(wiped.message).toContain("quorumguard member remove 4");
    await cluster.stop(4);
    await cluster.change({ kind: "remove", nodeId: 4 });
    await cluster.join(4);
    const removed = await until(() => cluster.fatal[1] ?? null);
    expect(removed.message).toContain("--id 5 or larger");
  });

  test("D7: is not promoted before it has caught up, nor while it is silent", async () => {
    cluster = await TestCluster.started(3);
    const leader = await cluster.leader();
    await cluster.join(4);
    await cluster.change({ kind: "add", nodeId: 4 });
    await cluster.caughtUp(4);
    cluster.network.cut(leader.nodeId, 4);
    for (let i = 0; i < 120; i++) await submit(leader, batchOf([`k${i}`], 1));
    await expect(leader.changeMembers({ kind: "promote", nodeId: 4 })).rejects.toThrow(
      /not been heard of|entries behind/,
    );
    await until(() => ((leader.members()[3]?.heardMsAgo ?? 0) > 400 ? true : null));
    await expect(leader.changeMembers({ kind: "promote", nodeId: 4 })).rejects.toThrow("has not been heard of lately");
    cluster.network.heal(leader.nodeId, 4);
    await cluster.caughtUp(4);
    await cluster.change({ kind: "promote", nodeId: 4 });
  });

  test("that is added and removed before it comes in ends as a removed member does", async () => {
    cluster = await TestCluster.started(3);
    const leader = await cluster.leader();
    const four = await cluster.join(4);
    await until(() => cluster.log.find((line) => line.includes("run: quorumguard member add 4")) ?? null);
    for (const id of [1, 2, 3]) cluster.network.cut(id, 4);
    await leader.changeMembers({ kind: "add", nodeId: 4 });
    await leader.changeMembers({ kind: "remove", nodeId: 4 });
    expect(four.status().role).toBe("joining");
    for (const id of [1, 2, 3]) cluster.network.heal(id, 4);
    await until(() => (cluster.removed.includes(4) ? true : null));
    expect([four.status().role, cluster.fatal]).toEqual(["removed", []]);
  });
});

describe("a member", () => {
  test("that follows is removed, hears of it, and takes no part any more", async () => {
    cluster = await TestCluster.started(3);
    const follower = await cluster.follower();
    await cluster.change({ kind: "remove", nodeId: follower.nodeId });
    await until(() => (cluster.removed.includes(follower.nodeId) ? true : null));
    expect(follower.status().role).toBe("removed");
    expect(follower.topology().leaderId).toBe(0);
    const { failures } = await submit(follower, batchOf(["k"], 1));
    expect(failures).toMatchObject([{ reason: "unavailable", applied: "no" }]);
    expect(failures[0]?.message).toContain("was removed from the cluster");
    const leader = await cluster.leader();
    expect(leader.topology().members).toHaveLength(2);
    expect(await outcomes(leader, "k", 2, 1)).toEqual([1, 2]);
    expect(cluster.fatal).toEqual([]);
  });

  test("D5: that leads hands over before it is removed, and its successor removes it", async () => {
    cluster = await TestCluster.started(3);
    const leader = await cluster.leader();
    await expect(leader.changeMembers({ kind: "remove", nodeId: leader.nodeId })).rejects.toMatchObject({
      reason: "not-leader",
      message: expect.stringContaining("handed leadership to node"),
    });
    expect(leader.leads).toBe(false);
    await cluster.change({ kind: "remove", nodeId: leader.nodeId });
    await until(() => (cluster.removed.includes(leader.nodeId) ? true : null));
    const next = await cluster.leader();
    expect(next.topology().members.map(({ nodeId }) => nodeId)).not.toContain(leader.nodeId);
    expect(await outcomes(next, "k", 2, 1)).toEqual([1, 2]);
  });

  test("D5: that leads when its removal is applied is named to no client any more", async () => {
    cluster = await TestCluster.started(3);
    const old = await cluster.leader();
    const [removed, witness] = [...cluster.nodes.values()].filter((node) => node !== old) as [ClusterNode, ClusterNode];
    // The removal is in the log of the member that it is about when that one becomes leader, and nothing is handed over.
    cluster.network.cut(old.nodeId, witness.nodeId);
    const resume = cluster.stallFlushes(old.nodeId);
    const change = old.changeMembers({ kind: "remove", nodeId: removed.nodeId }).catch(() => null);
    await until(() => (witness.topology().leaderId === removed.nodeId ? true : null));
    const told: number[][] = [];
    const end = witness.onTopology(({ leaderId, members }) => {
      if (leaderId !== 0) told.push([leaderId, ...members.map(({ nodeId }) => nodeId)]);
    });
    await knowsMembers(witness, [old.nodeId, witness.nodeId].sort());
    const { failures } = await submit(witness, batchOf(["k"], 1), { ...firstAttempt, noForward: true });
    expect([failures[0]!.leaderId, witness.topology().leaderId]).not.toContain(removed.nodeId);
    cluster.network.heal(old.nodeId, witness.nodeId);
    resume();
    await change;
    await until(() => (cluster.removed.includes(removed.nodeId) ? true : null));
    await cluster.leader();
    end();
    expect(told.filter(([leaderId, ...members]) => !members.includes(leaderId!))).toEqual([]);
  });

  test("that was down while it was removed is told when it comes back, and stops for good", async () => {
    cluster = await TestCluster.started(3);
    const { nodeId } = await cluster.follower();
    await cluster.stop(nodeId);
    await cluster.change({ kind: "remove", nodeId });
    const back = await cluster.start(nodeId);
    await until(() => (cluster.removed.includes(nodeId) ? true : null));
    expect(back.status().role).toBe("removed");
    await cluster.stop(nodeId);
    // A node whose own log holds its removal needs nobody to tell it.
    const other = [1, 2, 3].find((id) => id !== nodeId && id !== cluster.nodes.get(id)!.topology().leaderId)!;
    const gone = cluster.nodes.get(other)!;
    await cluster.change({ kind: "remove", nodeId: other });
    await until(() => (cluster.removed.includes(other) ? true : null));
    expect(gone.members().map((view) => view.nodeId)).not.toContain(other);
    await cluster.stop(other);
    await cluster.start(other);
    await until(() => (String(cluster.removed) === String([nodeId, other, other]) ? true : null));
    expect((await cluster.leader()).topology().members).toHaveLength(1);
    expect(cluster.fatal).toEqual([]);
  });

  test("that is dead is replaced by a learner in one joint step", async () => {
    cluster = await TestCluster.started(3);
    const leader = await cluster.leader();
    const dead = (await cluster.follower()).nodeId;
    await cluster.join(4);
    await cluster.change({ kind: "add", nodeId: 4 });
    await cluster.caughtUp(4);
    await cluster.stop(dead);
    await cluster.change({ kind: "replace", nodeId: dead, by: 4 });
    const left = [1, 2, 3, 4].filter((id) => id !== dead);
    expect(leader.members().map(({ nodeId, role }) => [nodeId, role])).toEqual(left.map((id) => [id, "voter"]));
    // Another one may go now, which a cluster of three with one dead could not have afforded.
    await cluster.stop(left.find((id) => id !== 4 && id !== leader.nodeId)!);
    expect(await outcomes(await cluster.leader(), "k", 2, 1)).toEqual([1, 2]);
  });
});

describe("a change of the members", () => {
  test("is refused when it makes no sense, with what to do instead", async () => {
    cluster = await TestCluster.started(3);
    const leader = await cluster.leader();
    const refused = async (change: Parameters<ClusterNode["changeMembers"]>[0], reason: string | RegExp) => {
      await expect(leader.changeMembers(change)).rejects.toMatchObject({ reason: "refused" });
      await expect(leader.changeMembers(change)).rejects.toThrow(reason);
    };
    await refused({ kind: "add", nodeId: 2 }, "node 2 is a member already");
    await refused({ kind: "add", nodeId: 9 }, "node 9 has not asked this node to join");
    await refused({ kind: "promote", nodeId: 2 }, "node 2 is a voter already");
    await refused({ kind: "promote", nodeId: 9 }, "add it as a learner first");
    await refused({ kind: "remove", nodeId: 9 }, "node 9 is not a member");
    await refused({ kind: "replace", nodeId: 9, by: 2 }, "node 9 is not a voter");
    await expect(leader.changeMembers({ kind: "remove", nodeId: 0 })).rejects.toThrow("nodeId");
    const follower = await cluster.follower();
    await expect(follower.changeMembers({ kind: "remove", nodeId: 1 })).rejects.toMatchObject({
      reason: "not-leader",
      leaderId: leader.nodeId,
    });
    const [dead, alive] = [1, 2, 3].filter((id) => id !== leader.nodeId);
    await cluster.stop(dead!);
    await until(() => ((leader.members().find(({ nodeId }) => nodeId === dead)?.heardMsAgo ?? 0) > 350 ? true : null));
    await refused({ kind: "remove", nodeId: alive! }, `${dead} do not answer, and the others are no quorum`);
    await cluster.change({ kind: "remove", nodeId: dead! });
    await cluster.change({ kind: "remove", nodeId: alive! });
    await refused({ kind: "remove", nodeId: leader.nodeId }, "is the last voter");
  });

  test("D2: has to be over before the next one", async () => {
    cluster = await TestCluster.started(3);
    const leader = await cluster.leader();
    await cluster.join(4);
    const first = leader.changeMembers({ kind: "add", nodeId: 4 });
    await expect(leader.changeMembers({ kind: "add", nodeId: 5 })).rejects.toThrow("another change of the members");
    await first;
  });

  test("outlives the restart of all nodes, whatever lists they are started with", async () => {
    cluster = await TestCluster.started(3);
    await cluster.grow(4);
    const gone = (await cluster.follower()).nodeId;
    await cluster.change({ kind: "remove", nodeId: gone });
    const left = [1, 2, 3, 4].filter((id) => id !== gone);
    await Promise.all([1, 2, 3, 4].map((id) => cluster.stop(id)));
    await Promise.all(left.map((id) => (id === 4 ? cluster.join(4) : cluster.start(id))));
    const leader = await cluster.leader();
    await knowsMembers(leader, left);
    expect(leader.topology().members.every(({ voter }) => voter)).toBe(true);
    expect(await outcomes(leader, "k", 2, 1)).toEqual([1, 2]);
  });

  test("D4: in two steps goes on under the next leader, if the first dies between them", async () => {
    cluster = await TestCluster.started(3);
    const leader = await cluster.leader();
    const [replaced, other] = [1, 2, 3].filter((id) => id !== leader.nodeId) as [number, number];
    await cluster.join(4);
    await cluster.change({ kind: "add", nodeId: 4 });
    await cluster.caughtUp(4);
    const lost = leader.changeMembers({ kind: "replace", nodeId: replaced, by: 4 }).catch((error: unknown) => error);
    // The leader is gone as soon as anybody has entered the joint configuration.
    const isJoint = (node: ClusterNode) => node.topology().members.filter(({ voter }) => voter).length === 4;
    await until(() => ([...cluster.nodes.values()].some(isJoint) ? true : null));
    await cluster.stop(leader.nodeId);
    await until(() => {
      const survivor = cluster.nodes.get(other)!;
      const ids = survivor.topology().members.map(({ nodeId }) => nodeId);
      return survivor.topology().leaderId !== 0 && !ids.includes(replaced) && ids.includes(4) ? true : null;
    });
    await lost;
    expect(await outcomes(await cluster.leader(), "k", 2, 1)).toEqual([1, 2]);
  });

  test("under load loses and repeats nothing", async () => {
    cluster = await TestCluster.started(3);
    let allowed = 0;
    let unknown = 0;
    let calls = 0;
    let done = false;
    await cluster.leader();
    const load = (async () => {
      while (!done) {
        await new Promise((resolve) => setImmediate(resolve));
        const node = [...cluster.nodes.values()].find((one) => one.status().role !== "joining" && one.nodeId < 3)!;
        const { answers, failures } = await submit(node, batchOf(["k", "k", "k"], 100_000));
        calls += 3;
        allowed += answers.filter(({ outcome }) => outcome === 1).length;
        unknown += failures.filter((failure) => failure.applied === "unknown").length;
      }
    })();
    await cluster.grow(4);
    await cluster.grow(5);
    await cluster.change({ kind: "remove", nodeId: 3 });
    await until(() => (calls > 300 ? true : null));
    done = true;
    await load;
    const { answers } = await submit(await cluster.leader(), batchOf(["k"], 100_000));
    const taken = 100_000 - answers[0]!.remaining - 1;
    expect(taken).toBeGreaterThanOrEqual(allowed);
    expect(taken).toBeLessThanOrEqual(allowed + 3 * unknown);
    const hashes = await until(() => {
      const states = [...cluster.nodes.values()].map((node) => node.status()).filter(({ role }) => role !== "removed");
      return new Set(states.map(({ appliedIndex }) => appliedIndex)).size === 1 ? states : null;
    });
    expect(new Set(hashes.map(({ stateHash }) => stateHash)).size).toBe(1);
  });
});
