import { Outcome } from "@quorumguard/limiter";
import { afterEach, describe, expect, test } from "vitest";
import { batchOf, firstAttempt, submit, TestCluster, until } from "./test-cluster.fixture.ts";

let cluster: TestCluster | null = null;
afterEach(async () => {
  await cluster?.close();
  cluster = null;
});

/** Whoever stands by succession did not wait for this; two that collide then wait for half of it. */
const electionMs = 20_000;

/** Node 1 leads, and the others are too patient to stand unless its death is proven. */
async function impatientLeader(): Promise<TestCluster> {
  const running = await TestCluster.create(3, { heartbeatMs: 30 });
  cluster = running;
  await Promise.all([running.start(1), running.start(2, { electionMs }), running.start(3, { electionMs })]);
  expect((await running.leader()).nodeId).toBe(1);
  return running;
}

describe("a leader that is gone", () => {
  test("N4: is replaced at once when its death is proven, without an election timeout", async () => {
    const running = await impatientLeader();
    await running.stop(1);
    await running.leader();
    expect(running.log.some((line) => line.includes("leader-proven-dead"))).toBe(true);
    expect(running.log.some((line) => line.includes("succession-stands"))).toBe(true);
  });

  test("N4: a new process in its place proves its death as well", async () => {
    const running = await impatientLeader();
    // Its end goes unnoticed: the network was cut before, and a new process answers when it heals.
    for (const id of [2, 3]) running.network.cut(1, id);
    await running.stop(1);
    await running.start(1, { electionMs });
    for (const id of [2, 3]) running.network.heal(1, id);
    await until(() => ([...running.nodes.values()].some((node) => node.leads) ? true : null));
    expect(running.log.some((line) => line.includes("succession-stands"))).toBe(true);
  });

  test("does not decide without a quorum: its calls end as unknown or not leader, and the others go on", async () => {
    cluster = await TestCluster.started(3);
    const old = await cluster.leader();
    await submit(old, batchOf(["used"], 1));
    for (const id of [1, 2, 3]) if (id !== old.nodeId) cluster.network.cut(old.nodeId, id);
    const pending = submit(old, batchOf(["a"], 1));
    const others = [...cluster.nodes.values()].filter((node) => node !== old);
    const next = await until(() => others.find((node) => node.leads) ?? null);
    const { answers } = await submit(next, batchOf(["a", "used"], 1));
    expect(answers.map((answer) => answer.outcome)).toEqual([Outcome.allowed, Outcome.limited]);
    const { failures } = await pending;
    expect(failures).toMatchObject([{ applied: "unknown" }]);
    expect(old.leads).toBe(false);
    const late = await submit(old, batchOf(["used"], 1), firstAttempt);
    expect(late.failures).toMatchObject([{ reason: "not-leader", applied: "no" }]);
    for (const id of [1, 2, 3]) if (id !== old.nodeId) cluster.network.heal(old.nodeId, id);
    await until(() => (old.status().appliedIndex === next.status().appliedIndex ? true : null));
    expect(old.status().stateHash).toBe(next.status().stateHash);
    expect(cluster.fatal).toEqual([]);
  });

  test("two of three that restart while the third is down go on where they were", async () => {
    cluster = await TestCluster.started(3);
    const leader = await cluster.leader();
    await submit(leader, batchOf(["a"], 1));
    for (const id of [1, 2, 3]) await cluster.stop(id);
    await cluster.start(1);
    await cluster.start(2);
    const next = await cluster.leader();
    const { answers } = await submit(next, batchOf(["a"], 1));
    expect(answers[0]!.outcome).toBe(Outcome.limited);
  });
});

describe("G7: a stalled disk", () => {
  test("makes its leader hand over while followers acknowledge what it cannot flush", async () => {
    cluster = await TestCluster.started(3);
    const leader = await cluster.leader();
    const resume = cluster.stallFlushes(leader.nodeId);
    const pending = submit(leader, batchOf(["a"], 1));
    const others = [...cluster.nodes.values()].filter((node) => node !== leader);
    const next = await until(() => others.find((node) => node.leads) ?? null);
    expect(cluster.log.some((line) => line.startsWith(`${leader.nodeId} flush-stalled`))).toBe(true);
    resume();
    // The followers had it, so it counts; but its leader could not apply what it had not flushed.
    expect((await pending).failures).toMatchObject([{ applied: "unknown" }]);
    const again = await submit(next, batchOf(["a"], 1));
    expect(again.answers[0]!.outcome).toBe(Outcome.limited);
    await until(() => (leader.status().appliedIndex === next.status().appliedIndex ? true : null));
  });

  test("of a lone node makes it hand over to nobody, and it says nothing of it", async () => {
    cluster = await TestCluster.started(1);
    const leader = await cluster.leader();
    const resume = cluster.stallFlushes(leader.nodeId);
    const pending = submit(leader, batchOf(["a"], 1));
    const untilMs = performance.now() + 1_000;
    await until(() => (performance.now() > untilMs ? true : null));
    expect(cluster.log.filter((line) => line.includes("flush-stalled"))).toEqual([]);
    resume();
    const { answers, failures } = await pending;
    expect([answers.length, failures.length]).toEqual([1, 0]);
  });

  test("of all nodes makes nobody abdicate: no follower has what the leader lacks", async () => {
    cluster = await TestCluster.started(3, { electionMs: 600 });
    const leader = await cluster.leader();
    const resume = [1, 2, 3].map((id) => cluster!.stallFlushes(id));
    const pending = submit(leader, batchOf(["a"], 1));
    const untilMs = performance.now() + 1_000;
    await until(() => (performance.now() > untilMs ? true : null));
    expect(cluster.log.some((line) => line.includes("flush-stalled"))).toBe(false);
    for (const go of resume) go();
    const { answers, failures } = await pending;
    expect([answers.length, failures.length]).toEqual([1, 0]);
    expect(leader.leads).toBe(true);
  });
});

describe("an empty disk", () => {
  test("N3: beside a formed cluster stops its node with the reason, and changes nothing", async () => {
    cluster = await TestCluster.started(3);
    const leader = await cluster.leader();
    const follower = await cluster.follower();
    await submit(leader, batchOf(["a"], 1));
    await cluster.stop(follower.nodeId);
    await cluster.wipe(follower.nodeId);
    await cluster.start(follower.nodeId);
    const { fatal } = cluster;
    await until(() => (fatal.length > 0 ? true : null));
    expect(fatal[0]!.message).toContain("is empty, but cluster");
    const { answers } = await submit(leader, batchOf(["a"], 1));
    expect(answers[0]!.outcome).toBe(Outcome.limited);
  });
});
