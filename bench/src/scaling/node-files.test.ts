import { appendFile, mkdir, mkdtemp, rename, rm, unlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { encodeFrame, encodeSegmentHeader, segmentSeed } from "../../../packages/cluster/src/storage/log-frame.ts";
import { dataFolderOf, grownBytesBetween, logBytesBetween, readNodeFiles } from "./node-files.ts";

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "quorumguard-node-files-"));
  await mkdir(join(folder, "log"));
  await mkdir(join(folder, "snapshots"));
});
afterEach(() => rm(folder, { recursive: true }));

const inLog = (name: string) => join(folder, "log", name);

/** A segment as a node makes it: so many frames whose entries have so many bytes, in a file of zeros. */
function segment(number: number, frames: number, dataBytes: number): Buffer {
  const segmentId = String(number).padStart(16, "0");
  const place = { segmentId, firstSequence: 1, previousSegmentId: "0".repeat(16), preparedBytes: 64 << 10 };
  const hardState = { term: 1, vote: 1, commit: 0 };
  const entry = { term: 1, index: 1, type: 0 as const, data: new Uint8Array(dataBytes).fill(7) };
  const written = Array.from({ length: frames }, (_, at) =>
    encodeFrame({ hardState, entries: [entry], reset: null, abstains: false }, at + 1, segmentSeed(segmentId)),
  );
  const used = Buffer.concat([encodeSegmentHeader({ clusterId: "0".repeat(32), nodeId: 1 }, place), ...written]);
  return Buffer.concat([used, Buffer.alloc((64 << 10) - used.length)]);
}

it("counts the frames that were written, in the segment that was the last and in those after it, and no zeros", async () => {
  await writeFile(inLog("1.seg"), segment(1, 50, 900));
  await writeFile(inLog("2.seg"), segment(2, 3, 900));
  const before = await readNodeFiles(folder, null);
  expect(logBytesBetween(before, await readNodeFiles(folder, before))).toBe(0);
  // 900 bytes of data, their header and the frame's take two sectors.
  await writeFile(inLog("2.seg"), segment(2, 10, 900));
  await writeFile(inLog("3.seg"), segment(3, 2, 100));
  const after = await readNodeFiles(folder, before);
  expect(logBytesBetween(before, after)).toBe(7 * 1_024 + 2 * 512);
  expect(grownBytesBetween(before, after)).toBe(64 << 10);
});

it("does not know it where the segment that was the last is gone", async () => {
  await writeFile(inLog("1.seg"), segment(1, 3, 900));
  const before = await readNodeFiles(folder, null);
  await unlink(inLog("1.seg"));
  await writeFile(inLog("2.seg"), segment(2, 1, 900));
  expect(logBytesBetween(before, await readNodeFiles(folder, before))).toBeNull();
});

it("what files grew by is what is new in them, whatever their names; what is taken away is not taken off", async () => {
  await writeFile(inLog("1.seg"), segment(1, 1, 900));
  await writeFile(inLog("9.spare"), Buffer.alloc(1_000));
  await writeFile(join(folder, "snapshots", "1.snap"), Buffer.alloc(5_000));
  const before = await readNodeFiles(folder, null);
  await appendFile(inLog("9.spare"), Buffer.alloc(500));
  await rename(inLog("9.spare"), inLog("10.spare"));
  await unlink(join(folder, "snapshots", "1.snap"));
  await writeFile(join(folder, "snapshots", "2.snap.part"), Buffer.alloc(70));
  expect(grownBytesBetween(before, await readNodeFiles(folder, before))).toBe(570);
});

it("names the file that is no segment, and the process that is no node", async () => {
  await writeFile(inLog("1.seg"), Buffer.alloc(1_024));
  await expect(readNodeFiles(folder, null)).rejects.toThrow("1.seg: this is not a log segment");
  await expect(dataFolderOf(process.pid)).rejects.toThrow(`process ${process.pid} is no node with a data folder`);
});
