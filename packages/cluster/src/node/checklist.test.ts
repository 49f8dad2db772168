import { Outcome } from "@quorumguard/limiter";
import type { NodeId } from "@quorumguard/raft";
import { afterEach, describe, expect, test } from "vitest";
import type { Clock } from "./clock.ts";
import { createSystemClock } from "./system-clock.ts";
import { batchOf, firstAttempt, submit, TestCluster, until } from "./test-cluster.fixture.ts";

let cluster: TestCluster | null = null;
afterEach(async () => {
  await cluster?.close();
  cluster = null;
});

/** A clock that can have slept: both its times are later by `sleptMs`. */
class SleepyClock implements Clock {
  readonly #clock = createSystemClock();
  sleptMs = 0;
  monotonicMs = (): number => this.#clock.monotonicMs() + this.sleptMs;
  wallMs = (): number => this.#clock.wallMs() + this.sleptMs;
  setTimer = (callback: () => void, delayMs: number): (() => void) => this.#clock.setTimer(callback, delayMs);
  endOfTurn = (callback: () => void): void => this.#clock.endOfTurn(callback);
}

/** Three nodes, each with a clock that can have slept. */
async function sleepyCluster(): Promise<{ readonly running: TestCluster; readonly clocks: Map<NodeId, SleepyClock> }> {
  const running = await TestCluster.create(3);
  cluster = running;
  const clocks = new Map([1, 2, 3].map((id) => [id, new SleepyClock()]));
  await Promise.all([...clocks].map(([id, clock]) => running.start(id, { clock })));
  return { running, clocks };
}

const othersThan = (running: TestCluster, nodeId: NodeId): NodeId[] =>
  [...running.nodes.keys()].filter((id) => id !== nodeId);

/** The bugs that others had, where a node and not its core could have them. */
describe("among nodes,", () => {
  test("C2: a leader that slept answers nothing from its state before a quorum has answered it anew", async () => {
    const { running, clocks } = await sleepyCluster();
    const leader = await running.leader();
    await submit(leader, batchOf(["a"], 1));
    const ask = async () => (await submit(leader, batchOf(["a"], 1), firstAttempt)).answers[0]!;
    expect(await ask()).toMatchObject({ outcome: Outcome.limited, facts: { source: "leader" } });
    clocks.get(leader.nodeId)!.sleptMs += 1_000;
    // Of this turn: nobody can have said anything since.
    expect(await ask()).toMatchObject({ outcome: Outcome.limited, facts: { source: "quorum" } });
    expect(await ask()).toMatchObject({ outcome: Outcome.limited, facts: { source: "leader" } });
  });

  test("A13: a follower that slept for many elections does not take its own pause for the leader's silence", async () => {
    const { running, clocks } = await sleepyCluster();
    const leader = await running.leader();
    const { term } = leader.status();
    const [id] = othersThan(running, leader.nodeId) as [NodeId];
    const slept = running.nodes.get(id)!;
    for (let pauses = 0; pauses < 5; pauses++) {
      clocks.get(id)!.sleptMs += 5_000;
      await submit(leader, batchOf([`k${pauses}`], 1));
      await until(() => {
        expect(slept.status().role).toBe("follower");
        return slept.status().appliedIndex === leader.status().appliedIndex ? true : null;
      });
    }
    expect([...running.nodes.values()].map((node) => node.status().term)).toEqual([term, term, term]);
  });

  test("C5: what a quorum said counts from when it was asked: a leader cut off denies from its state no longer than that", async () => {
    cluster = await TestCluster.started(3, { electionMs: 600 });
    const leader = await cluster.leader();
    await submit(leader, batchOf(["a"], 1));
    for (const id of othersThan(cluster, leader.nodeId)) cluster.network.cut(leader.nodeId, id);
    const cutMs = performance.now();
    const stepsDown = until(() => (leader.status().role === "leader" ? null : true));
    for (let source = "leader"; source === "leader"; ) {
      const beganMs = performance.now();
      const asked = submit(leader, batchOf(["a"], 1), firstAttempt);
      const result = await Promise.race([asked, stepsDown.then(() => null)]);
      source = result?.answers[0]?.facts.source ?? "none";
      if (source === "leader") expect(beganMs - cutMs).toBeLessThan(600);
      await new Promise((resolve) => setImmediate(resolve));
    }
    await stepsDown;
  });

  test("A12: a node that was cut off for many elections comes back without one", async () => {
    cluster = await TestCluster.started(3);
    const leader = await cluster.leader();
    const { term } = leader.status();
    const [alone, other] = othersThan(cluster, leader.nodeId) as [NodeId, NodeId];
    for (const id of [leader.nodeId, other]) cluster.network.cut(alone, id);
    const cut = cluster.nodes.get(alone)!;
    await until(() => (cut.status().role === "preCandidate" ? true : null));
    // It asks, and asks again, for three times the longest of its timeouts.
    const endMs = performance.now() + 900;
    await until(() => (performance.now() > endMs ? true : null));
    await submit(leader, batchOf(["a"], 1));
    for (const id of [leader.nodeId, other]) cluster.network.heal(alone, id);
    await until(() => (cut.status().appliedIndex === leader.status().appliedIndex ? true : null));
    expect(leader.leads).toBe(true);
    expect([...cluster.nodes.values()].map((node) => node.status().term)).toEqual([term, term, term]);
  });

  test("B15, E2: what waits while leadership moves is answered once: decided, refused unapplied, or unknown", async () => {
    cluster = await TestCluster.started(3);
    const leader = await cluster.leader();
    const [target] = othersThan(cluster, leader.nodeId) as [NodeId];
    const keys = Array.from({ length: 60 }, (_, i) => `k${i}`);
    const pending = keys.map((key) => submit(leader, batchOf([key], 1)));
    const moved = leader.transferLeadership(target);
    const later = keys.map((key) => submit(leader, batchOf([`late-${key}`], 1)));
    expect((await moved).leaderId).toBe(target);
    const all = await Promise.all([...pending, ...later]);
    for (const { answers, failures } of all) {
      expect(answers.length + failures.length).toBe(1);
      for (const failure of failures) expect(["no", "unknown"]).toContain(failure.applied);
    }
    // A key whose call was refused unapplied was not charged; one whose call was allowed was.
    const next = await cluster.leader();
    const { answers } = await submit(next, batchOf(keys, 1));
    for (const [i, result] of all.slice(0, keys.length).entries()) {
      if (result.answers.length > 0) expect(answers[i]!.outcome).toBe(Outcome.limited);
      else if (result.failures[0]!.applied === "no") expect(answers[i]!.outcome).toBe(Outcome.allowed);
    }
  });

  test("E1, E3: a transfer to a node that cannot be reached ends by itself, and its leader decides again", async () => {
    cluster = await TestCluster.started(3);
    const leader = await cluster.leader();
    const [target] = othersThan(cluster, leader.nodeId) as [NodeId];
    for (const id of othersThan(cluster, target)) cluster.network.cut(target, id);
    await expect(leader.transferLeadership(target)).rejects.toThrow(`node ${target} did not take over`);
    const { answers } = await submit(leader, batchOf(["a"], 1));
    expect(answers[0]).toMatchObject({ outcome: Outcome.allowed });
  });

  test("C1, C4: a new leader denies nothing from its state before it has applied an entry of its own term", async () => {
    cluster = await TestCluster.started(3);
    const old = await cluster.leader();
    await submit(old, batchOf(["a"], 1));
    const [target] = othersThan(cluster, old.nodeId) as [NodeId];
    const next = cluster.nodes.get(target)!;
    const moved = old.transferLeadership(target);
    await until(() => (next.status().role === "leader" ? true : null));
    const asked = submit(next, batchOf(["a"], 1), firstAttempt);
    const ledAtOnce = next.leads;
    const [answer] = (await asked).answers;
    expect(answer).toMatchObject({
      outcome: Outcome.limited,
      facts: { source: ledAtOnce ? answer!.facts.source : "quorum" },
    });
    await moved;
  });

  test("G7: a follower with a stalled disk disturbs nobody, and catches up when it flushes again", async () => {
    cluster = await TestCluster.started(3);
    const leader = await cluster.leader();
    const { term } = leader.status();
    const [slow] = othersThan(cluster, leader.nodeId) as [NodeId];
    const resume = cluster.stallFlushes(slow);
    const beganMs = performance.now();
    for (let i = 0; performance.now() - beganMs < 600; i++) {
      const { answers } = await submit(leader, batchOf([`k${i}`], 1));
      expect(answers[0]!.outcome).toBe(Outcome.allowed);
    }
    expect(leader.leads).toBe(true);
    expect(leader.status().term).toBe(term);
    expect(cluster.log.some((line) => line.includes("flush-stalled"))).toBe(false);
    resume();
    await until(() => (cluster!.nodes.get(slow)!.status().appliedIndex === leader.status().appliedIndex ? true : null));
    expect(cluster.fatal).toEqual([]);
  });
});
