import { Outcome } from "@quorumguard/limiter";
import type { NodeId } from "@quorumguard/raft";
import fc from "fast-check";
import { afterEach, describe, expect, test } from "vitest";
import type { NodeOptions } from "./node-options.ts";
import { batchOf, submit, TestCluster, until } from "./test-cluster.fixture.ts";
import { changeSegments, losePower, tearLastFrames } from "./torn-folder.fixture.ts";

let cluster: TestCluster | null = null;
afterEach(async () => {
  await cluster?.close();
  cluster = null;
});

/** A frame begins at every multiple of so many bytes, after a header of the same length. */
const sectorBytes = 512;

/** A cluster that has decided about the keys, one entry each. */
async function having(size: number, keys: readonly string[], options: Partial<NodeOptions> = {}): Promise<TestCluster> {
  const running = await TestCluster.started(size, options);
  for (const key of keys) await submit(await running.leader(), batchOf([key], 1));
  return running;
}

const othersThan = (running: TestCluster, nodeId: NodeId): NodeId[] =>
  [...running.nodes.keys()].filter((id) => id !== nodeId);

/** Stops the nodes and flips a byte of a frame that others follow: `where` is a share of the log. */
async function damage(running: TestCluster, nodeIds: readonly NodeId[], where: number): Promise<void> {
  await losePower(running, nodeIds);
  for (const id of nodeIds) {
    await changeSegments(running, id, (bytes, position, count) => {
      if (position !== Math.floor(where * count)) return;
      const end = bytes.findLastIndex((byte) => byte !== 0);
      const frames = Math.floor(end / sectorBytes);
      const within = where * count - position;
      // Not the last frame: that one might be torn.
      bytes[sectorBytes * (1 + Math.floor(within * (frames - 1))) + 20]! ^= 0xff;
    });
  }
}

const lines = (running: TestCluster, nodeId: NodeId, event: string): readonly string[] =>
  running.log.filter((line) => line.startsWith(`${nodeId} ${event}`));

const settled = (running: TestCluster, nodeId: NodeId, times = 1): Promise<true> =>
  until(() => (lines(running, nodeId, "abstention-settled").length >= times ? true : null));

/** Every node knows all that was decided, and they agree. */
async function expectAll(running: TestCluster, keys: readonly string[]): Promise<void> {
  const leader = await running.leader();
  const { answers } = await submit(leader, batchOf(keys, 1));
  expect(new Set(answers.map((answer) => answer.outcome))).toEqual(new Set([Outcome.limited]));
  const { appliedIndex } = leader.status();
  await until(() =>
    [...running.nodes.values()].every((node) => node.status().appliedIndex === appliedIndex) ? true : null,
  );
  for (const node of running.nodes.values()) {
    expect(node.status()).toMatchObject({ stateHash: leader.status().stateHash, abstaining: false });
  }
  expect(running.fatal).toEqual([]);
}

describe("N2: a node whose acknowledged data is damaged", () => {
  test("N2 is refused without repair, and the refusal names the file and the flag", async () => {
    cluster = await having(3, ["a", "b", "c"]);
    const [id] = othersThan(cluster, (await cluster.leader()).nodeId) as [NodeId];
    await damage(cluster, [id], 0.2);
    await expect(cluster.start(id)).rejects.toThrow(/^log\/.*seg at byte \d+: .*--repair/);
    cluster.nodes.delete(id);
  });

  test("N2 (a) started for repair it is brought what it lacks from the log, and counts again", async () => {
    cluster = await having(3, ["a", "b", "c"]);
    const [id, other] = othersThan(cluster, (await cluster.leader()).nodeId) as [NodeId, NodeId];
    const { lastIndex } = cluster.nodes.get(id)!.status();
    await damage(cluster, [id], 0.2);
    const back = await cluster.start(id, { repairDamage: true });
    expect(lines(cluster, id, "damaged-log")).toHaveLength(1);
    await settled(cluster, id);
    expect(back.status().lastIndex).toBeGreaterThanOrEqual(lastIndex);
    await expectAll(cluster, ["a", "b", "c"]);
    await cluster.stop(other);
    await expectAll(cluster, ["a", "b", "c"]);
  });

  test("N2 (a) by a snapshot, if the others' logs no longer reach back to the damage", async () => {
    cluster = await having(3, ["a", "b", "c"], { trailingEntries: 0 });
    const leader = await cluster.leader();
    const [id] = othersThan(cluster, leader.nodeId) as [NodeId];
    await damage(cluster, [id], 0.1);
    for (const node of cluster.nodes.values()) await node.takeSnapshot();
    await submit(await cluster.leader(), batchOf(["d"], 1));
    const back = await cluster.start(id, { repairDamage: true });
    await settled(cluster, id);
    expect(back.status().snapshotIndex).toBeGreaterThan(0);
    await expectAll(cluster, ["a", "b", "c", "d"]);
  });

  test("N2 a damaged leader never leads before it is repaired", async () => {
    cluster = await having(3, ["a", "b", "c"]);
    const { nodeId } = await cluster.leader();
    await damage(cluster, [nodeId], 0.2);
    const back = await cluster.start(nodeId, { repairDamage: true });
    await until(() => {
      if (back.status().abstaining) expect(back.status().role).toBe("follower");
      return lines(cluster!, nodeId, "abstention-settled").length > 0 ? true : null;
    });
    await expectAll(cluster, ["a", "b", "c"]);
  });

  test("N2 with a majority damaged nobody is elected, and the log says so and what to do", async () => {
    cluster = await having(3, ["a", "b", "c"]);
    const leader = await cluster.leader();
    const damaged = othersThan(cluster, leader.nodeId);
    await damage(cluster, damaged, 0.2);
    for (const id of damaged) await cluster.start(id, { repairDamage: true });
    await until(() => (damaged.some((id) => lines(cluster!, id, "majority-damaged").length > 0) ? true : null));
    const [line] = damaged.flatMap((id) => lines(cluster!, id, "majority-damaged"));
    expect(line).toContain(JSON.stringify([...damaged].sort()));
    expect(line).toContain("bring back nodes whose data is sound");
    await until(() => (leader.status().role === "preCandidate" ? true : null));
    for (const id of damaged)
      expect(cluster.nodes.get(id)!.status()).toMatchObject({ abstaining: true, role: "follower" });
    expect([...cluster.nodes.values()].some((node) => node.leads)).toBe(false);
  });

  test("N2 (b) a torn node does not take a damaged one's word for the end of the log", async () => {
    cluster = await having(3, ["a", "b", "c"]);
    const leader = await cluster.leader();
    const [torn, rotten] = othersThan(cluster, leader.nodeId) as [NodeId, NodeId];
    cluster.losesNotes = true;
    await submit(leader, batchOf(["d"], 1));
    await tearLastFrames(cluster, torn);
    await damage(cluster, [rotten], 0.2);
    await cluster.start(rotten, { repairDamage: true });
    await cluster.start(torn);
    await until(() => (leader.status().role === "preCandidate" ? true : null));
    expect(lines(cluster, torn, "abstention-ended")).toEqual([]);
    await until(() => (lines(cluster!, torn, "too-few-may-vote").length > 0 ? true : null));
    expect(lines(cluster, torn, "too-few-may-vote")[0]).toContain(`"mayVote":[${leader.nodeId}]`);
    for (const id of [torn, rotten]) expect(cluster.nodes.get(id)!.status().abstaining).toBe(true);
  });

  test("N2 whatever frames of a minority's logs are damaged, nothing acknowledged is lost and all catch up", async () => {
    const running = await having(5, ["k0"], { segmentBytes: 65_536 });
    cluster = running;
    const keys = ["k0"];
    const returns = new Map<NodeId, number>();
    await fc.assert(
      fc.asyncProperty(
        fc.uniqueArray(fc.integer({ min: 1, max: 5 }), { minLength: 1, maxLength: 2 }),
        fc.double({ min: 0, max: 0.999, noNaN: true }),
        async (ids, where) => {
          keys.push(`k${keys.length}`);
          await submit(await running.leader(), batchOf(keys.slice(-1), 1));
          await damage(running, ids, where);
          keys.push(`k${keys.length}`);
          await submit(await running.leader(), batchOf(keys.slice(-1), 1));
          for (const id of ids) {
            await running.start(id, { repairDamage: true });
            if (lines(running, id, "damaged-log").length > (returns.get(id) ?? 0)) {
              returns.set(id, (returns.get(id) ?? 0) + 1);
              await settled(running, id, returns.get(id));
            }
          }
          await expectAll(running, keys);
        },
      ),
      { numRuns: 6, examples: [[[1, 2], 0.2]] },
    );
    expect([...returns.values()].reduce((sum, count) => sum + count, 0)).toBeGreaterThan(0);
  });
});
