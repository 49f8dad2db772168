import { appendFile, mkdir, mkdtemp, rename, rm, unlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { encodeFrame, encodeSegmentHeader, segmentSeed } from "../../../packages/cluster/src/storage/log-frame.ts";
import { dataFolderOf, grownBytesBetween, readFileSizes, readLogAfter } from "./node-files.ts";

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "quorumguard-node-files-"));
  await mkdir(join(folder, "log"));
  await mkdir(join(folder, "snapshots"));
});
afterEach(() => rm(folder, { recursive: true }));

const inLog = (name: string) => join(folder, "log", name);

/** A segment as a node makes it: frames of one entry each, with indexes from here on and so many bytes of data, in a file of zeros. */
function segment(number: number, firstIndex: number, frames: number, dataBytes: number): Buffer {
  const segmentId = String(number).padStart(16, "0");
  const place = { segmentId, firstSequence: 1, previousSegmentId: "0".repeat(16), preparedBytes: 64 << 10 };
  const hardState = { term: 1, vote: 1, commit: 0 };
  const entry = { term: 1, type: 0 as const, data: new Uint8Array(dataBytes).fill(7) };
  const written = Array.from({ length: frames }, (_, at) => {
    const entries = [{ ...entry, index: firstIndex + at }];
    return encodeFrame({ hardState, entries, reset: null, abstains: false }, at + 1, segmentSeed(segmentId));
  });
  const used = Buffer.concat([encodeSegmentHeader({ clusterId: "0".repeat(32), nodeId: 1 }, place), ...written]);
  return Buffer.concat([used, Buffer.alloc((64 << 10) - used.length)]);
}

it("counts frames with entries beyond an index, in all segments that have some, and no zeros", async () => {
  await writeFile(inLog("1.seg"), segment(1, 1, 50, 900));
  await writeFile(inLog("2.seg"), segment(2, 51, 10, 900));
  await writeFile(inLog("3.seg"), segment(3, 61, 2, 100));
  await writeFile(inLog("4.seg"), segment(4, 63, 0, 0));
  // 900 bytes of data, their header and the frame's take two sectors.
  expect(await readLogAfter(folder, 53)).toEqual({ bytes: 7 * 1_024 + 2 * 512, entries: 9 });
  expect(await readLogAfter(folder, 48)).toEqual({ bytes: 12 * 1_024 + 2 * 512, entries: 14 });
  expect(await readLogAfter(folder, 62)).toEqual({ bytes: 0, entries: 0 });
});

it("counts what is left where older segments are gone", async () => {
  await writeFile(inLog("2.seg"), segment(2, 51, 10, 900));
  expect(await readLogAfter(folder, 20)).toEqual({ bytes: 10 * 1_024, entries: 10 });
});

it("what files grew by is what is new in them, whatever their names; what is taken away is not taken off", async () => {
  await writeFile(inLog("1.seg"), segment(1, 1, 1, 900));
  await writeFile(inLog("9.spare"), Buffer.alloc(1_000));
  await writeFile(join(folder, "snapshots", "1.snap"), Buffer.alloc(5_000));
  const before = await readFileSizes(folder);
  await appendFile(inLog("9.spare"), Buffer.alloc(500));
  await rename(inLog("9.spare"), inLog("10.spare"));
  await unlink(join(folder, "snapshots", "1.snap"));
  await writeFile(join(folder, "snapshots", "2.snap.part"), Buffer.alloc(70));
  expect(grownBytesBetween(before, await readFileSizes(folder))).toBe(570);
});

it("names the file that is no segment, and the process that is no node", async () => {
  await writeFile(inLog("1.seg"), Buffer.alloc(1_024));
  await expect(readLogAfter(folder, 0)).rejects.toThrow("1.seg: this is not a log segment");
  await expect(dataFolderOf(process.pid)).rejects.toThrow(`process ${process.pid} is no node with a data folder`);
});
