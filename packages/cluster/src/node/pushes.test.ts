import { type OperationResult, Outcome, readAdminRequest, Verb } from "@quorumguard/limiter";
import { afterEach, expect, test } from "vitest";
import type { Forgotten } from "./namespace-watch.ts";
import type { ClusterNode, NodeFailure } from "./node.ts";
import { batchOf, firstAttempt, register, retry, submit, TestCluster, until } from "./test-cluster.fixture.ts";

let cluster: TestCluster | null = null;
afterEach(async () => {
  await cluster?.close();
  expect(cluster?.fatal ?? []).toEqual([]);
  cluster = null;
});

/** What a node's listeners in the namespace of the calls are told. */
function listen(node: ClusterNode, namespace = "default"): Forgotten[] {
  const told: Forgotten[] = [];
  node.namespaces.listen(namespace, { forget: (what) => void told.push(what), clients: () => {} });
  return told;
}

const resetOf = (key: string) => ({ ...batchOf([key], 1), verbs: Uint8Array.of(Verb.reset) });

test("every node tells its own listeners of a reset, and the leader does so before it answers for it", async () => {
  cluster = await TestCluster.started(3);
  const leader = await cluster.leader();
  const told = new Map([...cluster.nodes.values()].map((node) => [node, listen(node)]));
  const elsewhere = listen(leader, "elsewhere");
  const ofLeader = told.get(leader)!;
  let toldBefore = -1;
  const { index } = await new Promise<{ readonly index: number }>((resolve, reject) => {
    leader.submit({ kind: "anonymous", namespace: "default" }, resetOf("a"), retry, {
      decided(_from, _to, _results, _item, facts) {
        toldBefore = ofLeader.length;
        resolve(facts);
      },
      failed: (_from, _to, failure) => reject(new Error(failure.message)),
    });
  });
  expect(toldBefore).toBe(1);
  for (const [node, forgotten] of told) {
    const [what] = await until(() => (forgotten.length > 0 ? forgotten : null));
    expect(what, `node ${node.nodeId}`).toMatchObject({ index, keys: [{ key: new TextEncoder().encode("a") }] });
  }
  expect(elsewhere).toEqual([]);
});

test("D2 a denial says as of which index it is, from the leader's state as from an entry, also through a follower", async () => {
  cluster = await TestCluster.started(3);
  const [leader, follower] = [await cluster.leader(), await cluster.follower()];
  await submit(leader, batchOf(["a"], 1));
  for (const node of [leader, follower]) {
    const forgotten = listen(node);
    const [byEntry] = (await submit(node, batchOf(["a"], 1), retry)).answers;
    expect(byEntry!.facts).toMatchObject({ source: "quorum", asOfIndex: byEntry!.facts.index });
    const [byState] = (await submit(node, batchOf(["a"], 1), firstAttempt)).answers;
    expect(byState).toMatchObject({ outcome: Outcome.limited, facts: { source: "leader", index: 0 } });
    const { asOfIndex } = byState!.facts;
    // Its state has that entry whole: a reset in it would be known.
    expect(asOfIndex).toBeGreaterThan(byEntry!.facts.index);
    await submit(node, resetOf("a"));
    const [what] = await until(() => (forgotten.length > 0 ? forgotten : null));
    expect(what!.index).toBeGreaterThanOrEqual(asOfIndex);
    await submit(node, batchOf(["a"], 1));
    const [after] = (await submit(node, batchOf(["a"], 1), firstAttempt)).answers;
    expect(after!.facts.asOfIndex).toBeGreaterThan(what!.index);
  }
});

test("every node tells of a change of policies, with the version that they have then", async () => {
  cluster = await TestCluster.started(3);
  const leader = await cluster.leader();
  const told = [...cluster.nodes.values()].map((node) => listen(node));
  const policy = { name: "login", algorithm: "fixed-window", limit: 1, windowMs: 60_000 };
  const request = readAdminRequest({ namespace: "default", change: { kind: "putPolicies", policies: [policy] } });
  const result = await new Promise<OperationResult | NodeFailure>((resolve) => {
    leader.operate({ kind: "administer", request }, firstAttempt, resolve);
  });
  expect(result).toMatchObject({ kind: "administered", result: { version: 1, error: null } });
  for (const forgotten of told) {
    expect(await until(() => (forgotten.length > 0 ? forgotten : null))).toMatchObject([
      { policyVersion: 1, keys: null },
    ]);
  }
});

test("U1 every node tells how many share the limits of a namespace", async () => {
  cluster = await TestCluster.started(3);
  const counts = [...cluster.nodes.values()].map((node) => {
    const told: number[] = [];
    node.namespaces.listen("default", { forget: () => {}, clients: (count) => void told.push(count) });
    return told;
  });
  const follower = await cluster.follower();
  await Promise.all([1, 2].map((nonce) => register(follower, new Uint8Array(16).fill(nonce))));
  for (const told of counts) await until(() => (told.at(-1) === 2 ? true : null));
  expect(follower.applied()?.countSessions("default")).toBe(2);
  expect(follower.applied()?.countSessions("elsewhere")).toBe(0);
});

test("a node that gets over what it missed by a snapshot tells its listeners to forget everything", async () => {
  cluster = await TestCluster.started(3, { trailingEntries: 0 });
  const leader = await cluster.leader();
  const follower = await cluster.follower();
  await cluster.stop(follower.nodeId);
  await submit(leader, batchOf(["a"], 1));
  await submit(leader, resetOf("a"));
  const { index } = await leader.takeSnapshot();
  await submit(leader, batchOf(["b"], 1));
  const starting = cluster.start(follower.nodeId);
  const back = await until(() => cluster!.nodes.get(follower.nodeId) ?? null);
  const forgotten = listen(back);
  await starting;
  await until(() => (back.status().appliedIndex === leader.status().appliedIndex ? true : null));
  expect(back.status().snapshotIndex).toBe(index);
  expect(forgotten.at(-1)).toMatchObject({ keys: null });
  expect(forgotten.at(-1)!.index).toBeLessThanOrEqual(index);
});
