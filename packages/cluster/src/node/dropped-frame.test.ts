import { cp, open, readdir, rm } from "node:fs/promises";
import { basename, join } from "node:path";
import { Outcome } from "@quorumguard/limiter";
import { afterEach, describe, expect, test } from "vitest";
import { lockFileName } from "../storage/folder-lock.ts";
import { batchOf, submit, TestCluster, until } from "./test-cluster.fixture.ts";

let cluster: TestCluster | null = null;
afterEach(async () => {
  await cluster?.close();
  cluster = null;
});

describe("N2: a node whose last frame is torn", () => {
  test("does not speak before every other voter has told it where it stands, and then catches up", async () => {
    cluster = await TestCluster.started(3);
    const leader = await cluster.leader();
    const follower = await cluster.follower();
    const third = [...cluster.nodes.keys()].find((id) => id !== leader.nodeId && id !== follower.nodeId)!;
    await submit(leader, batchOf(["a"], 1));
    const { lastIndex } = follower.status();
    await tearLastFrame(cluster, follower.nodeId);
    await cluster.stop(third);
    const back = await cluster.start(follower.nodeId);
    const { log } = cluster;
    await until(() => (log.some((line) => line.startsWith(`${back.nodeId} abstaining`)) ? true : null));
    expect(back.status()).toMatchObject({ abstaining: true, role: "forming" });
    expect(back.status().lastIndex).toBeLessThan(lastIndex);
    await cluster.start(third);
    await until(() => (log.some((line) => line.startsWith(`${back.nodeId} abstention-ended`)) ? true : null));
    const next = await cluster.leader();
    const { answers } = await submit(next, batchOf(["a", "b"], 1));
    expect(answers.map((answer) => answer.outcome)).toEqual([Outcome.limited, Outcome.allowed]);
    await until(() => (back.status().appliedIndex === next.status().appliedIndex ? true : null));
    expect(back.status()).toMatchObject({ abstaining: false, stateHash: next.status().stateHash });
    expect(cluster.fatal).toEqual([]);
  });
});

/** Stops the node as a power failure would: the disk as of a moment of work, and the end of its last frame not written. */
async function tearLastFrame(running: TestCluster, nodeId: number): Promise<void> {
  const folder = running.folderOf(nodeId);
  const image = `${folder}-image`;
  // The lock and its socket belong to the process, not to the disk.
  const filter = (path: string): boolean => !basename(path).startsWith(lockFileName);
  await cp(folder, image, { recursive: true, filter });
  await running.stop(nodeId);
  await rm(folder, { recursive: true, force: true });
  await cp(image, folder, { recursive: true });
  for (const name of await readdir(join(folder, "log"))) {
    const file = await open(join(folder, "log", name), "r+");
    try {
      const { size } = await file.stat();
      const bytes = Buffer.alloc(size);
      await file.read(bytes, 0, size, 0);
      let end = size;
      while (end > 0 && bytes[end - 1] === 0) end--;
      // A segment that holds no frame yet is only its header, one sector.
      if (end > 512) await file.write(Buffer.of(bytes[end - 1]! ^ 0xff), 0, 1, end - 1);
    } finally {
      await file.close();
    }
  }
}
