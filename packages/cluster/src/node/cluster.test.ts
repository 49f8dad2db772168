import { type CallBatch, type OperationResult, Outcome, Verb } from "@quorumguard/limiter";
import { afterEach, describe, expect, test } from "vitest";
import type { ClusterNode, NodeFailure } from "./node.ts";
import { tamperLastEntry } from "./tampered-folder.fixture.ts";
import { batchOf, firstAttempt, register, submit, TestCluster, until } from "./test-cluster.fixture.ts";

let cluster: TestCluster | null = null;
afterEach(async () => {
  await cluster?.close();
  expect(cluster?.fatal ?? []).toEqual([]);
  cluster = null;
});

describe("three nodes", () => {
  test("form, elect a leader and decide calls through the log", async () => {
    cluster = await TestCluster.started(3);
    const leader = await cluster.leader();
    const { answers, failures } = await submit(leader, batchOf(["a", "a", "a", "b"], 2));
    expect(failures).toEqual([]);
    expect(answers.map((answer) => answer.outcome)).toEqual([
      Outcome.allowed,
      Outcome.allowed,
      Outcome.limited,
      Outcome.allowed,
    ]);
    expect(answers[0]!.facts.source).toBe("quorum");
    expect(new Set([...cluster.nodes.values()].map((node) => node.topology().clusterId)).size).toBe(1);
  });

  test("all calls of one turn become one entry", async () => {
    cluster = await TestCluster.started(3);
    const leader = await cluster.leader();
    const results = await Promise.all(Array.from({ length: 50 }, (_, i) => submit(leader, batchOf([`k${i}`], 1))));
    expect(new Set(results.map(({ answers }) => answers[0]!.facts.index)).size).toBe(1);
  });

  test("a follower forwards calls, registrations and peeks, and refuses when told not to", async () => {
    cluster = await TestCluster.started(3);
    const follower = await cluster.follower();
    const { answers } = await submit(follower, batchOf(["a", "a"], 1));
    expect(answers.map((answer) => answer.outcome)).toEqual([Outcome.allowed, Outcome.limited]);
    const session = await register(follower, new Uint8Array(16).fill(7));
    expect(session.index).toBeGreaterThan(0);
    const peeked = await new Promise((resolve) => {
      follower.peek("default", batchOf(["a"], 1).rules[0]!, new TextEncoder().encode("a"), 1, firstAttempt, {
        decided: (_from, _to, results, item) => resolve(results.outcomes[item]),
        failed: (_from, _to, failure) => resolve(failure),
      });
    });
    expect(peeked).toBe(Outcome.limited);
    const { failures } = await submit(follower, batchOf(["a"], 1), { ...firstAttempt, noForward: true });
    const { leaderId } = follower.topology();
    expect(failures).toMatchObject([{ reason: "not-leader", applied: "no", leaderId }]);
  });

  test("a question is answered from the leader's applied state, whoever is asked; every batch is shown to the leader's watch", async () => {
    const watched: string[] = [];
    cluster = await TestCluster.started(3, {
      answer: (question, limiter, stampUs) =>
        new TextEncoder().encode(`${new TextDecoder().decode(question)} ${limiter.stats.keys} ${stampUs > 0}`),
      watch: (_limiter, origin, batch, sink) => {
        watched.push(`${origin.kind} ${batch.items}`);
        return sink;
      },
    });
    const [leader, follower] = [await cluster.leader(), await cluster.follower()];
    await submit(follower, batchOf(["a", "b"], 1));
    expect(watched).toEqual(["anonymous 2"]);
    for (const node of [leader, follower]) {
      const ask = () =>
        new Promise<Uint8Array | NodeFailure>((resolve) => {
          node.ask(new TextEncoder().encode("how many?"), firstAttempt, resolve);
        });
      let answer = await ask();
      // On a busy machine a leader may not have heard from a quorum for a moment, and says so.
      while (!(answer instanceof Uint8Array)) {
        expect(answer).toMatchObject({ reason: "unavailable", applied: "no" });
        answer = await ask();
      }
      expect(new TextDecoder().decode(answer)).toBe("how many? 2 true");
    }
    const refused = await new Promise((resolve) => {
      follower.ask(Uint8Array.of(1), { ...firstAttempt, noForward: true }, resolve);
    });
    expect(refused).toMatchObject({ reason: "not-leader", applied: "no", leaderId: leader.nodeId });
  });

  test("a change of policies goes through a follower, holds on every node, and is refused in the leader's words", async () => {
    cluster = await TestCluster.started(3);
    const [leader, follower] = [await cluster.leader(), await cluster.follower()];
    const policy = { name: "login", algorithm: "fixed-window", limit: 1, windowMs: 60_000 } as const;
    const administer = (expectedVersion: number): Promise<OperationResult | NodeFailure> =>
      new Promise((resolve) => {
        const change = { kind: "putPolicies", policies: [policy] } as const;
        const request = { namespace: "shop", change, expectedVersion, changeId: null, author: "test" };
        follower.operate({ kind: "administer", request }, firstAttempt, resolve);
      });
    expect(await administer(0)).toEqual({
      kind: "administered",
      result: { version: 1, changed: 1, error: null },
    });
    expect(await administer(0)).toMatchObject({
      kind: "administered",
      result: { version: 1, changed: 0, error: { code: "version-mismatch", field: "expectedVersion" } },
    });
    for (const node of [leader, follower]) {
      await until(() => (node.applied()?.policies.version("shop") === 1 ? true : null));
      expect(node.applied()?.policies.document("shop").policies).toEqual([policy]);
    }
  });

  test("D1 a first attempt that is surely denied is answered by the leader, a retry is not", async () => {
    cluster = await TestCluster.started(3);
    const leader = await cluster.leader();
    await submit(leader, batchOf(["a"], 1));
    const denied = await submit(leader, batchOf(["a", "b", "a"], 1), firstAttempt);
    expect(denied.answers.map(({ outcome, facts }) => [outcome, facts.source])).toEqual([
      [Outcome.limited, "leader"],
      [Outcome.allowed, "quorum"],
      [Outcome.limited, "leader"],
    ]);
    const again = await submit(leader, batchOf(["a"], 1));
    expect(again.answers[0]!.facts.source).toBe("quorum");
  });

  test("D1 a copy of a call that was held up until its retry was charged is not denied for that charge", async () => {
    cluster = await TestCluster.started(3);
    const leader = await cluster.leader();
    const nonce = new Uint8Array(16).fill(7);
    const session = await register(leader, nonce);
    const origin = { kind: "session", session, nonce, ackedThrough: 0 } as const;
    const call = (firstNumber: number): CallBatch => ({ ...batchOf(["a"], 1), firstNumber });
    const charged = await submit(leader, call(1), undefined, origin);
    const copy = await submit(leader, call(1), firstAttempt, origin);
    expect(copy.answers).toMatchObject([
      { outcome: Outcome.allowed, facts: { source: "quorum", index: charged.answers[0]!.facts.index } },
    ]);
    const other = await submit(leader, call(2), firstAttempt, origin);
    expect(other.answers).toMatchObject([{ outcome: Outcome.limited, facts: { source: "leader" } }]);
  });

  test("D1 a key that an unapplied entry resets is not denied from applied state, nor one after a reset in its own batch", async () => {
    cluster = await TestCluster.started(3);
    const leader = await cluster.leader();
    const withVerbs = (keys: string[], ...verbs: number[]): CallBatch => ({
      ...batchOf(keys, 1),
      verbs: Uint8Array.from(verbs),
    });
    await submit(leader, batchOf(["a", "b", "c"], 1));
    const reset = submit(leader, withVerbs(["a"], Verb.reset), firstAttempt);
    const after = submit(leader, batchOf(["a", "c"], 1), firstAttempt);
    expect((await reset).answers).toMatchObject([
      { outcome: Outcome.allowed, remaining: 1, facts: { source: "quorum" } },
    ]);
    expect((await after).answers).toMatchObject([
      { outcome: Outcome.allowed, facts: { source: "quorum" } },
      { outcome: Outcome.limited, facts: { source: "leader" } },
    ]);
    const batch = withVerbs(["b", "b", "b", "a"], Verb.take, Verb.reset, Verb.take, Verb.take);
    const { answers } = await submit(leader, batch, firstAttempt);
    expect(answers.map(({ outcome, facts }) => [outcome, facts.source])).toEqual([
      [Outcome.limited, "leader"],
      [Outcome.allowed, "quorum"],
      [Outcome.allowed, "quorum"],
      [Outcome.limited, "leader"],
    ]);
    // Once it is applied, it is applied state that says no.
    const again = await submit(leader, batchOf(["a"], 1), firstAttempt);
    expect(again.answers).toMatchObject([{ outcome: Outcome.limited, facts: { source: "leader" } }]);
  });

  test("survive the stop of the leader, and charge a retried call once", async () => {
    cluster = await TestCluster.started(3);
    const first = await cluster.leader();
    const nonce = new Uint8Array(16).fill(9);
    const session = await register(first, nonce);
    const origin = { kind: "session" as const, session, nonce, ackedThrough: 0 };
    const before = await submit(first, batchOf(["a"], 1, 1), firstAttempt, origin);
    expect(before.answers[0]!.outcome).toBe(Outcome.allowed);
    await cluster.stop(first.nodeId);
    const second = await cluster.leader();
    expect(second.nodeId).not.toBe(first.nodeId);
    const after = await submit(second, batchOf(["a"], 1, 1), { ...firstAttempt, firstAttempt: false }, origin);
    const [told, again] = [before.answers[0]!, after.answers[0]!];
    expect(again).toEqual({ ...told, facts: { ...told.facts, repeated: true } });
    const next = await submit(second, batchOf(["a"], 1, 2), firstAttempt, origin);
    expect(next.answers[0]!.outcome).toBe(Outcome.limited);
  });

  test("a restarted node catches up to the same state", async () => {
    cluster = await TestCluster.started(3);
    const leader = await cluster.leader();
    const follower = await cluster.follower();
    await cluster.stop(follower.nodeId);
    for (let i = 0; i < 20; i++) await submit(leader, batchOf([`k${i}`, `k${i}`], 1));
    const back = await cluster.start(follower.nodeId);
    await until(() => (back.status().appliedIndex === leader.status().appliedIndex ? true : null));
    expect(back.status().stateHash).toBe(leader.status().stateHash);
    await until(() => (back.status().ready ? true : null));
  });

  test("a node that is told to stop while it starts comes to rest, and its folder is free", async () => {
    cluster = await TestCluster.started(1, { snapshotLogBytes: 1_024 });
    await submit(await cluster.leader(), batchOf(["a"], 1));
    await cluster.stop(1);
    const stopped: ClusterNode[] = [];
    for (let turns = 0; turns < 40; turns += 4) {
      const starting = cluster.start(1);
      const node = await until(() => cluster!.nodes.get(1) ?? null);
      for (let turn = 0; turn < turns; turn++) await new Promise(setImmediate);
      await node.stop();
      await starting;
      stopped.push(node);
      cluster.nodes.delete(1);
    }
    await cluster.start(1);
    const denied = await submit(await cluster.leader(), batchOf(["a"], 1));
    expect(denied.answers[0]!.outcome).toBe(Outcome.limited);
    // None of them has gone on as long as it takes to lead.
    expect(stopped.map((node) => node.status().role)).not.toContain("leader");
    expect(cluster.fatal).toEqual([]);
  });

  test("a node that is behind the log gets a snapshot, and then decides the same", async () => {
    cluster = await TestCluster.started(3, { trailingEntries: 0 });
    const leader = await cluster.leader();
    const follower = await cluster.follower();
    await submit(leader, batchOf(["a"], 1));
    await cluster.stop(follower.nodeId);
    for (let i = 0; i < 20; i++) await submit(leader, batchOf([`k${i}`, `k${i}`], 1));
    const { index, bytes } = await leader.takeSnapshot();
    expect(index).toBeGreaterThan(20);
    expect(bytes).toBeGreaterThan(0);
    await submit(leader, batchOf(["b"], 1));
    const back = await cluster.start(follower.nodeId);
    await until(() => (back.status().appliedIndex === leader.status().appliedIndex ? true : null));
    expect(back.status().snapshotIndex).toBe(index);
    expect(back.status().stateHash).toBe(leader.status().stateHash);
  });

  test("everything survives the restart of all nodes", async () => {
    cluster = await TestCluster.started(3);
    const leader = await cluster.leader();
    await submit(leader, batchOf(["a", "b"], 1));
    for (const id of [1, 2, 3]) await cluster.stop(id);
    await Promise.all([1, 2, 3].map((id) => cluster!.start(id)));
    const next = await cluster.leader();
    const { answers } = await submit(next, batchOf(["a", "b", "c"], 1));
    expect(answers.map((answer) => answer.outcome)).toEqual([Outcome.limited, Outcome.limited, Outcome.allowed]);
  });

  test("leadership moves where it is told to, and draining gives it away", async () => {
    cluster = await TestCluster.started(3);
    const leader = await cluster.leader();
    const to = [...cluster.nodes.keys()].find((id) => id !== leader.nodeId)!;
    const moved = await leader.transferLeadership(to);
    expect(moved.leaderId).toBe(to);
    const next = await cluster.leader();
    await next.drain(1_000);
    expect(next.topology().leaderId).not.toBe(next.nodeId);
  });

  test("T3: an idle leader moves time on when something is due, so that what has expired is swept everywhere", async () => {
    cluster = await TestCluster.started(3);
    const leader = await cluster.leader();
    const batch = batchOf(["a", "b"], 1);
    await submit(leader, { ...batch, rules: [{ ...batch.rules[0]!, windowUs: 300_000 }] });
    const nodes = [...cluster.nodes.values()];
    await until(() => (nodes.every((node) => node.status().limiter.keys === 2) ? true : null));
    await until(() => (nodes.every((node) => node.status().limiter.keys === 0) ? true : null));
    // And then it is silent again: an idle cluster writes nothing.
    const { lastIndex, stampUs } = leader.status();
    await until(() => (leader.stampUs() > stampUs + 300_000 ? true : null));
    expect(leader.status().lastIndex).toBe(lastIndex);
  });

  test("bounds that a leader is configured with reach every node through the log", async () => {
    cluster = await TestCluster.started(3, { bounds: { maxKeys: 2 } });
    const leader = await cluster.leader();
    const { answers } = await submit(leader, batchOf(["a", "b", "c"], 1));
    expect(answers.map((answer) => answer.outcome)).toEqual([Outcome.allowed, Outcome.allowed, Outcome.keysFull]);
  });
});

test("a single node is its own quorum", async () => {
  cluster = await TestCluster.started(1);
  const leader = await cluster.leader();
  const { answers } = await submit(leader, batchOf(["a", "a"], 1));
  expect(answers.map((answer) => answer.outcome)).toEqual([Outcome.allowed, Outcome.limited]);
});

test("N5: a follower whose state differs from the majority's gets theirs, and its log stays", async () => {
  cluster = await TestCluster.started(3);
  const leader = await cluster.leader();
  const follower = await cluster.follower();
  await submit(leader, batchOf(["a"], 10));
  await until(() => (follower.status().appliedIndex === leader.status().appliedIndex ? true : null));
  await cluster.stop(follower.nodeId);
  await tamperLastEntry(cluster.folderOf(follower.nodeId));
  const back = await cluster.start(follower.nodeId);
  const { log } = cluster;
  // Hashes are compared every few entries; who leads may change meanwhile on a busy machine.
  for (let i = 0; !log.some((line) => line.startsWith(`${back.nodeId} resynced`)); i++) {
    await submit(await cluster.leader(), batchOf([`k${i}`], 1));
  }
  const last = await cluster.leader();
  await until(() => (back.status().appliedIndex === last.status().appliedIndex ? true : null));
  expect(log.some((line) => line.includes("state-hash-differs"))).toBe(true);
  expect(back.status().stateHash).toBe(last.status().stateHash);
});

test("N5: a leader whose own state differs from the majority's hands over, and then gets theirs", async () => {
  cluster = await TestCluster.started(3);
  const leader = await cluster.leader();
  const { nodeId } = await cluster.follower();
  await submit(leader, batchOf(["a"], 10));
  await until(() => (cluster!.nodes.get(nodeId)!.status().appliedIndex === leader.status().appliedIndex ? true : null));
  await cluster.stop(nodeId);
  await tamperLastEntry(cluster.folderOf(nodeId));
  const odd = await cluster.start(nodeId);
  await until(() => (odd.status().ready ? true : null));
  await (await cluster.leader()).transferLeadership(nodeId);
  const { log } = cluster;
  const differs = `${nodeId} state-hash-differs`;
  const resynced = `${nodeId} resynced`;
  for (let i = 0; !log.some((line) => line.startsWith(resynced)); i++) {
    await submit(await cluster.leader(), batchOf([`k${i}`], 1));
  }
  // It was the leader itself that noticed, and it was a follower when it got the image.
  expect(log.find((line) => line.startsWith(differs))).toContain(`"odd":[${nodeId}]`);
  expect(log.findIndex((line) => line.startsWith(differs))).toBeLessThan(
    log.findIndex((line) => line.startsWith(`${nodeId} state-replaced-by-leader`)),
  );
  const last = await cluster.leader();
  await until(() => (odd.status().appliedIndex === last.status().appliedIndex ? true : null));
  expect(odd.status().stateHash).toBe(last.status().stateHash);
  expect(cluster.fatal).toEqual([]);
});

test("a node that was ready is not any more once it is told to stop", async () => {
  cluster = await TestCluster.started(3);
  const leader = await cluster.leader();
  await until(() => (leader.status().ready ? true : null));
  const stopped = leader.stop();
  expect(leader.status().ready).toBe(false);
  await stopped;
  expect(leader.status().ready).toBe(false);
});
