import type { Entry } from "@quorumguard/raft";
import { describe, expect, test } from "vitest";
import { createInode } from "../disk/inode.ts";
import { encodeFrame, encodeSegmentHeader, segmentSeed } from "../production.ts";
import { createRandom } from "../world/random.ts";
import { createDiskTap } from "./disk-tap.ts";

const segmentId = "00000000000000a1";
const identity = { clusterId: "0123456789abcdef0123456789abcdef", nodeId: 1 };

function segment() {
  const replaced: string[] = [];
  const durable: number[] = [];
  const tap = createDiskTap({
    replaced: (...what) => replaced.push(what.join("/")),
    durable: (entries, previousTerm) => durable.push(previousTerm, ...entries.map(({ index }) => index)),
  });
  const inode = createInode();
  const place = { segmentId, firstSequence: 1, previousSegmentId: "0000000000000000", preparedBytes: 8192 };
  inode.write(0, encodeSegmentHeader(identity, place));
  let at = 512;
  let sequence = 1;
  const flush = () => {
    const ticket = inode.beginFlush();
    const done = tap.flushing(inode);
    inode.finishFlush(ticket);
    done();
  };
  const writeWith = (spoils: boolean, entries: [index: number, term: number][]) => {
    const hardState = { term: 9, vote: 0, commit: 0 };
    const list = entries.map(([index, term]): Entry => ({ index, term, type: 0, data: Uint8Array.of(index) }));
    const frame = { hardState, entries: list, reset: null, abstains: false };
    const bytes = encodeFrame(frame, sequence++, segmentSeed(segmentId));
    const put = Uint8Array.from(bytes);
    if (spoils) put[40]! ^= 1;
    inode.write(at, put);
    tap.wrote(inode, at, bytes, put);
    at += bytes.length;
  };
  const write = (...entries: [index: number, term: number][]) => writeWith(false, entries);
  const spoil = (...entries: [index: number, term: number][]) => writeWith(true, entries);
  return { tap, inode, replaced, durable, flush, write, spoil };
}

describe("a tap on a disk", () => {
  test("an entry counts once its frame is flushed, and not before", () => {
    const { tap, write, flush, durable } = segment();
    write([1, 1], [2, 1]);
    expect([tap.has(2, 1), tap.pending]).toEqual([false, 1]);
    flush();
    expect([tap.has(1, 1), tap.has(2, 1), tap.has(2, 2), tap.pending]).toEqual([true, true, false, 0]);
    expect([tap.lastIndex, tap.lastTerm]).toEqual([2, 1]);
    expect(durable).toEqual([0, 1, 2]);
  });

  test("what replaces the end of a log takes what stood there with it", () => {
    const { tap, write, flush, replaced } = segment();
    write([1, 1], [2, 1], [3, 1]);
    flush();
    write([2, 4]);
    flush();
    expect([tap.has(1, 1), tap.has(2, 1), tap.has(2, 4), tap.has(3, 1), tap.lastIndex]).toEqual([
      true,
      false,
      true,
      false,
      2,
    ]);
    expect(replaced).toEqual(["2/1/4"]);
  });

  test("what a bad disk put in the place of a frame counts, since the node has acknowledged it, until that is gone", () => {
    const { tap, inode, flush, spoil } = segment();
    spoil([1, 1]);
    flush();
    spoil([2, 1]);
    inode.losePower(createRandom(1), "all-lost");
    flush();
    expect([tap.has(1, 1), tap.has(2, 1)]).toEqual([true, false]);
  });

  test("what a damaged log lost when it was written anew counts until another entry takes its place", () => {
    const { tap, write, flush, replaced } = segment();
    write([1, 1], [2, 1], [3, 1], [4, 1]);
    flush();
    write([1, 1], [2, 1]);
    flush();
    expect([tap.has(2, 1), tap.has(4, 1), tap.lastIndex]).toEqual([true, true, 2]);
    write([3, 2]);
    flush();
    expect([tap.has(3, 1), tap.has(3, 2), tap.has(4, 1), tap.lastIndex]).toEqual([false, true, false, 3]);
    expect(replaced).toEqual(["3/1/2"]);
  });

  test("a frame is torn if power loss left a part of it", () => {
    const { tap, inode, write, flush } = segment();
    write([1, 1]);
    flush();
    write([2, 1]);
    expect([tap.pending, tap.torn]).toEqual([1, 0]);
    const frame = inode.read(1024, 512);
    inode.write(1024, frame.fill(0, 30));
    expect([tap.pending, tap.torn]).toEqual([1, 1]);
    inode.write(1024, frame.fill(0));
    expect([tap.pending, tap.torn]).toEqual([1, 0]);
  });

  test("a frame that power loss took does not count, whatever is flushed afterwards", () => {
    const { tap, inode, write, flush } = segment();
    write([1, 1]);
    flush();
    write([2, 1]);
    inode.losePower(createRandom(1), "all-lost");
    flush();
    expect([tap.has(1, 1), tap.has(2, 1), tap.pending]).toEqual([true, false, 0]);
  });
});
