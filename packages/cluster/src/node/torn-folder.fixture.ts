import { cp, open, readdir, rename, rm } from "node:fs/promises";
import { basename, join } from "node:path";
import type { NodeId } from "@quorumguard/raft";
import { lockFileName } from "../storage/folder-lock.ts";
import type { TestCluster } from "./test-cluster.fixture.ts";

/** Bytes of a segment's header; what follows is frames. */
const headerBytes = 512;

/** Stops the nodes as a power failure would: their disks are as of one moment of work. */
export async function losePower(cluster: TestCluster, nodeIds: readonly NodeId[]): Promise<void> {
  const folders = nodeIds.map((id) => cluster.folderOf(id));
  await Promise.all(folders.map(copyAtWork));
  await Promise.all(nodeIds.map((id) => cluster.stop(id)));
  cluster.losesNotes = false;
  for (const folder of folders) {
    await rm(folder, { recursive: true, force: true });
    await rename(imageOf(folder), folder);
  }
}

const imageOf = (folder: string): string => `${folder}-image`;

const copyAtWork = (folder: string): Promise<void> => copyTo(folder, imageOf(folder));

async function copyTo(folder: string, image: string): Promise<void> {
  // What says how far the log is durable comes before the log: the copy takes time, and must not know of what it lacks.
  await cp(join(folder, "meta"), join(image, "meta"));
  // The lock and its socket belong to the process, not to the disk.
  const filter = (path: string): boolean => !basename(path).startsWith(lockFileName) && basename(path) !== "meta";
  await cp(folder, image, { recursive: true, filter });
}

/** A copy of a node's folder as it is now. Returns what puts it in the folder's place, once the node is down. */
export async function keepCopy(cluster: TestCluster, nodeId: NodeId): Promise<() => Promise<void>> {
  const folder = cluster.folderOf(nodeId);
  const kept = `${folder}-kept`;
  await copyTo(folder, kept);
  return async () => {
    await rm(folder, { recursive: true, force: true });
    await copyTo(kept, folder);
  };
}

/** As {@link losePower}, and the ends of the last frames were not written. */
export async function tearLastFrames(cluster: TestCluster, ...nodeIds: readonly NodeId[]): Promise<void> {
  await losePower(cluster, nodeIds);
  for (const id of nodeIds) {
    await changeSegments(cluster, id, (bytes) => {
      const end = bytes.findLastIndex((byte) => byte !== 0);
      // A segment that holds no frame yet is only its header.
      if (end >= headerBytes) bytes[end]! ^= 0xff;
    });
  }
}

/** As {@link losePower}, and the last frame of one node's log is gone without a trace. */
export async function loseLastFrame(cluster: TestCluster, nodeId: NodeId): Promise<void> {
  await losePower(cluster, [nodeId]);
  await changeSegments(cluster, nodeId, (bytes, position, count) => {
    const start = bytes.lastIndexOf("QGfr");
    if (position === count - 1 && start >= headerBytes) bytes.fill(0, start);
  });
}

/** Changes the segments of a node that is down, oldest first. */
export async function changeSegments(
  cluster: TestCluster,
  nodeId: NodeId,
  change: (bytes: Buffer, position: number, count: number) => void,
): Promise<void> {
  const folder = join(cluster.folderOf(nodeId), "log");
  const names = (await readdir(folder)).filter((name) => name.endsWith(".seg")).sort();
  for (const [position, name] of names.entries()) {
    const file = await open(join(folder, name), "r+");
    try {
      const bytes = Buffer.alloc((await file.stat()).size);
      await file.read(bytes, 0, bytes.length, 0);
      change(bytes, position, names.length);
      await file.write(bytes, 0, bytes.length, 0);
    } finally {
      await file.close();
    }
  }
}
