import { Outcome } from "@quorumguard/limiter";
import type { NodeId } from "@quorumguard/raft";
import { afterEach, describe, expect, test } from "vitest";
import type { ClusterNode } from "./node.ts";
import { batchOf, submit, TestCluster, until } from "./test-cluster.fixture.ts";
import { loseLastFrame, tearLastFrames } from "./torn-folder.fixture.ts";

let cluster: TestCluster | null = null;
afterEach(async () => {
  await cluster?.close();
  cluster = null;
});

const said = (running: TestCluster, nodeId: NodeId, event: string): boolean =>
  running.log.some((line) => line.startsWith(`${nodeId} ${event}`));

const saying = (running: TestCluster, nodeId: NodeId, event: string): Promise<true> =>
  until(() => (said(running, nodeId, event) ? true : null));

/** What was acknowledged is still counted, and the nodes agree on it. */
async function expectSame(running: TestCluster, back: ClusterNode): Promise<void> {
  const leader = await running.leader();
  const { answers } = await submit(leader, batchOf(["a", "b"], 1));
  expect(answers.map((answer) => answer.outcome)).toEqual([Outcome.limited, Outcome.allowed]);
  await until(() => (back.status().appliedIndex === leader.status().appliedIndex ? true : null));
  expect(back.status()).toMatchObject({ abstaining: false, stateHash: leader.status().stateHash });
  expect(running.fatal).toEqual([]);
}

describe("N2: a node whose last frame is torn", () => {
  test("N2 is repaired by a leader of a later term than it can have spoken in, elected by the others at once", async () => {
    cluster = await TestCluster.started(3);
    const leader = await cluster.leader();
    const follower = await cluster.follower();
    cluster.losesNotes = true;
    await submit(leader, batchOf(["a"], 1));
    const { term } = leader.status();
    await tearLastFrames(cluster, follower.nodeId);
    const back = await cluster.start(follower.nodeId);
    await saying(cluster, back.nodeId, "abstention-settled");
    const next = await cluster.leader();
    expect(next.status().term).toBeGreaterThan(term + 1);
    expect(said(cluster, leader.nodeId, "deposed-by-return")).toBe(true);
    await expectSame(cluster, back);
  });

  test("N2 the price: one dead and one torn of three wait, until the third has told where its log ends", async () => {
    cluster = await TestCluster.started(3);
    const leader = await cluster.leader();
    const follower = await cluster.follower();
    const third = [...cluster.nodes.keys()].find((id) => id !== leader.nodeId && id !== follower.nodeId)!;
    cluster.losesNotes = true;
    await submit(leader, batchOf(["a"], 1));
    const { lastIndex } = follower.status();
    await tearLastFrames(cluster, follower.nodeId);
    await cluster.stop(third);
    const back = await cluster.start(follower.nodeId);
    await saying(cluster, back.nodeId, "abstaining");
    // The only other node has learnt of the later term, has stood for election at once, and asks again for what it does not get.
    await until(() => {
      const { role, term } = leader.status();
      return role === "preCandidate" && term >= back.status().term ? true : null;
    });
    expect(back.status()).toMatchObject({ abstaining: true, role: "follower" });
    expect(back.status().lastIndex).toBeLessThan(lastIndex);
    await cluster.start(third);
    await saying(cluster, back.nodeId, "abstention-settled");
    await expectSame(cluster, back);
  });

  test("N2 (a) of five with one down it is repaired by the three others, without hearing from the one", async () => {
    cluster = await TestCluster.started(5);
    const leader = await cluster.leader();
    const [torn, down] = [...cluster.nodes.keys()].filter((id) => id !== leader.nodeId) as [NodeId, NodeId];
    await cluster.stop(down);
    cluster.losesNotes = true;
    await submit(await cluster.leader(), batchOf(["a"], 1));
    await tearLastFrames(cluster, torn);
    const back = await cluster.start(torn);
    await saying(cluster, torn, "abstention-settled");
    expect(said(cluster, torn, "abstention-ended")).toBe(false);
    // It counts again: without it there would be no majority.
    const next = await cluster.leader();
    const other = [...cluster.nodes.keys()].find((id) => id !== torn && id !== next.nodeId)!;
    await cluster.stop(other);
    await expectSame(cluster, back);
  });

  test("N2 a leader that crashed and dropped its last frame leads again only after another one repaired it", async () => {
    cluster = await TestCluster.started(3);
    const leader = await cluster.leader();
    cluster.losesNotes = true;
    await submit(leader, batchOf(["a"], 1));
    await tearLastFrames(cluster, leader.nodeId);
    const back = await cluster.start(leader.nodeId);
    await saying(cluster, back.nodeId, "abstention-settled");
    const firstAfter = cluster.log.find((line) => line.startsWith(`${back.nodeId} leader `));
    await expectSame(cluster, back);
    const next = await cluster.leader();
    expect(next.nodeId).not.toBe(back.nodeId);
    expect(firstAfter).toBeDefined();
    await next.transferLeadership(back.nodeId);
    await expect(submit(back, batchOf(["a"], 1))).resolves.toMatchObject({ answers: [{ outcome: Outcome.limited }] });
  });

  test("N2 (b) all of three torn by one power failure return together, since each tells the others where its log ends", async () => {
    cluster = await TestCluster.started(3);
    await cluster.leader();
    cluster.losesNotes = true;
    await submit(await cluster.leader(), batchOf(["a"], 1));
    await submit(await cluster.leader(), batchOf(["c"], 1));
    await tearLastFrames(cluster, 1, 2, 3);
    await Promise.all([1, 2, 3].map((id) => cluster!.start(id)));
    await cluster.leader();
    for (const id of [1, 2, 3]) await saying(cluster, id, "abstention-settled");
    await until(() => ([...cluster!.nodes.values()].every((node) => !node.status().abstaining) ? true : null));
    expect(cluster.fatal).toEqual([]);
  });

  test("N2 abstention outlives restarts until the log has all that it may have lost", async () => {
    cluster = await TestCluster.started(3);
    const leader = await cluster.leader();
    cluster.losesNotes = true;
    await submit(leader, batchOf(["a"], 1));
    const others = [...cluster.nodes.keys()].filter((id) => id !== leader.nodeId) as [NodeId, NodeId];
    await tearLastFrames(cluster, others[0]);
    for (const id of [others[1], leader.nodeId]) await cluster.stop(id);
    for (let restarts = 0; restarts < 2; restarts++) {
      const back = await cluster.start(others[0]);
      expect(back.status().abstaining).toBe(true);
      await cluster.stop(others[0]);
    }
    const back = await cluster.start(others[0]);
    for (const id of [others[1], leader.nodeId]) await cluster.start(id);
    await saying(cluster, others[0], "abstention-settled");
    await expectSame(cluster, back);
    await cluster.stop(others[0]);
    expect((await cluster.start(others[0])).status().abstaining).toBe(false);
  });
});

test("N2 a node whose last frame is gone without a trace stops when its leader counts on it, and abstains from then on", async () => {
  cluster = await TestCluster.started(3);
  const leader = await cluster.leader();
  const follower = await cluster.follower();
  cluster.losesNotes = true;
  await submit(leader, batchOf(["a"], 1));
  await until(() => (follower.status().appliedIndex === leader.status().appliedIndex ? true : null));
  await loseLastFrame(cluster, follower.nodeId);
  await cluster.start(follower.nodeId);
  const { fatal } = cluster;
  await until(() => (fatal.length > 0 ? true : null));
  expect(fatal.map((error) => error.message)).toEqual([expect.stringContaining("without a trace")]);
  fatal.length = 0;
  await cluster.stop(follower.nodeId);
  const back = await cluster.start(follower.nodeId);
  expect(said(cluster, back.nodeId, "abstaining") || said(cluster, back.nodeId, "abstention-ended")).toBe(true);
  await saying(cluster, back.nodeId, "abstention-settled");
  await expectSame(cluster, back);
});
