import { Outcome } from "@quorumguard/limiter";
import type { NodeId } from "@quorumguard/raft";
import { afterEach, describe, expect, test } from "vitest";
import type { ClusterNode } from "./node.ts";
import { batchOf, submit, TestCluster, until } from "./test-cluster.fixture.ts";
import { keepCopy } from "./torn-folder.fixture.ts";

let cluster: TestCluster;
let foreign: TestCluster | null = null;
afterEach(async () => {
  await cluster.close();
  await foreign?.close();
  foreign = null;
});

const others = (...nodeIds: readonly NodeId[]): NodeId[] => [1, 2, 3].filter((id) => !nodeIds.includes(id));
const said = (text: string): boolean => cluster.log.some((line) => line.includes(text));

const manyKeys = Array.from({ length: 400 }, (_, i) => `a key that fills segments ${i}`);

/** Decides so many calls, one entry each, and waits until all nodes that run have them. */
async function decide(count: number, key: string, wide = false): Promise<ClusterNode> {
  const leader = await cluster.leader();
  for (let i = 0; i < count; i++) await submit(leader, batchOf(wide ? manyKeys : [key], 1_000));
  await until(() => {
    const { appliedIndex } = leader.status();
    return [...cluster.nodes.values()].every((node) => node.status().appliedIndex === appliedIndex) ? true : null;
  });
  return leader;
}

const failure = (): Promise<Error> => until(() => cluster.fatal[0] ?? null);

describe("a node that comes back with an old copy of its folder", () => {
  test("N2 is turned away by the leader that it acknowledged more to, stops, and abstains from then on", async () => {
    cluster = await TestCluster.started(3);
    const leader = await decide(3, "a");
    const [odd] = others(leader.nodeId) as [NodeId];
    const putBack = await keepCopy(cluster, odd);
    await decide(5, "a");
    await cluster.stop(odd);
    await putBack();
    await cluster.start(odd);
    expect((await failure()).message).toMatch(/it had flushed .*an old copy, .* does not vote before the others/);
    expect(said(`${leader.nodeId} hello-refused`)).toBe(true);
    cluster.fatal.length = 0;
    await cluster.stop(odd);
    const back = await cluster.start(odd);
    await until(() => (said(`${odd} abstention-settled`) ? true : null));
    await decide(1, "b");
    expect(back.status().stateHash).toBe((await cluster.leader()).status().stateHash);
    expect(cluster.fatal).toEqual([]);
  });

  test("N2 and led when the copy was made is turned away by a follower of that time, and elects nobody with one that lags", async () => {
    cluster = await TestCluster.started(3);
    const leader = await decide(3, "a");
    const [lagging, alive] = others(leader.nodeId) as [NodeId, NodeId];
    const putBack = await keepCopy(cluster, leader.nodeId);
    await cluster.stop(lagging);
    await submit(leader, batchOf(["k", "k", "k"], 3));
    await until(() => (cluster.nodes.get(alive)!.status().appliedIndex === leader.status().appliedIndex ? true : null));
    // A follower learns with the leader's next tick what that has on its own disk, and shows nobody that it did.
    const saidByMs = performance.now() + 50;
    await until(() => (performance.now() > saidByMs ? true : null));
    await cluster.stop(leader.nodeId);
    await putBack();
    await cluster.start(leader.nodeId);
    expect((await failure()).message).toContain("an old copy");
    cluster.fatal.length = 0;
    await cluster.stop(leader.nodeId);
    await cluster.start(leader.nodeId);
    await cluster.start(lagging);
    const next = await cluster.leader();
    const { answers } = await submit(next, batchOf(["k"], 3));
    expect(answers.map(({ outcome }) => outcome)).toEqual([Outcome.limited]);
  });
});

describe("a node that knows committed entries which a cluster of old copies has lost", () => {
  async function loseAll(options: { readonly compacted: boolean }): Promise<ClusterNode> {
    cluster = await TestCluster.started(3, { trailingEntries: 0, segmentBytes: 65_536 });
    const first = await decide(3, "a");
    const [lagging, odd] = others(first.nodeId) as [NodeId, NodeId];
    await cluster.stop(lagging);
    await cluster.stop(odd);
    const putBack = await keepCopy(cluster, odd);
    await cluster.start(odd);
    await decide(20, "a", true);
    if (options.compacted) await first.takeSnapshot();
    await cluster.stop(odd);
    await cluster.stop(first.nodeId);
    await putBack();
    await Promise.all([lagging, odd].map((id) => cluster.start(id)));
    await decide(3, "b");
    return cluster.start(first.nodeId);
  }

  test.each([
    ["at an entry that both logs hold", false],
    ["although only a snapshot is left of them, beyond the end of the leader's log", true],
  ])("stops and says so, %s", async (_, compacted) => {
    const back = await loseAll({ compacted });
    const { message } = await failure();
    expect(message).toContain(`node ${back.nodeId} holds entries that were committed up to index`);
    expect(message).toContain("the cluster lost entries that it had acknowledged");
    expect(message).toContain(`quorumguard member remove ${back.nodeId}`);
    // Whether or not it was ready for a moment, before the others told it.
    expect(back.status().ready).toBe(false);
    // The others go on, and say it as well where only they could notice.
    await cluster.stop(back.nodeId);
    await decide(1, "c");
    if (compacted) expect(said("acknowledged-entries-lost")).toBe(true);
    expect(cluster.fatal).toHaveLength(1);
  });
});

test("a node with the folder of another cluster stops and says so, and the others say once whom they turn away", async () => {
  cluster = await TestCluster.started(3);
  foreign = await TestCluster.started(3);
  await decide(1, "a");
  await foreign.leader();
  await foreign.stop(2);
  await cluster.stop(2);
  const own = cluster.folderOf.bind(cluster);
  const folder = foreign.folderOf(2);
  cluster.folderOf = (nodeId) => (nodeId === 2 ? folder : own(nodeId));
  await cluster.start(2);
  expect((await failure()).message).toMatch(/the data folder of node 2 belongs to cluster .* its own folder/);
  await cluster.stop(2);
  await cluster.leader();
  for (const id of [1, 3])
    expect(cluster.log.filter((line) => line.startsWith(`${id} hello-refused`)).length).toBeLessThanOrEqual(1);
});
