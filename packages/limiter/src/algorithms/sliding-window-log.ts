import { Heap } from "../memory/heap.ts";
import { Slab } from "../memory/slab.ts";
import { type BlockMover, CELL_EXPIRY, type CountingAlgorithm, type Quota, type Verdict } from "./algorithm.ts";

/**
 * Every admission of the last window is remembered, as a segment (stamp, cost). An admission at `s` counts until
 * `s + window`, so no half-open window of that length holds more than the limit.
 *
 * Admissions of one stamp share a segment at no loss. Only when 257 segments are alive are neighbours merged: those
 * whose stamps lie in the same cell of a grid of ⌈window/256⌉, and the merged segment bears the later stamp. So what it
 * holds is given back less than window/256 late, never early; and since a window touches at most 257 cells, there is
 * always room.
 */
const MAX_SEGMENTS = 257;
const GRID = 256;

/** Words and cells of the own state. */
const WORD_RING = 6; // head in the low 12 bits, count in the next 12
const WORD_USED = 7;

const mergedStamps = new Float64Array(MAX_SEGMENTS);
const mergedCosts = new Uint32Array(MAX_SEGMENTS);

function capacityOf(heap: Heap, block: number): number {
  return heap.word(block, 0) >>> 8;
}

function setCapacity(heap: Heap, block: number, tail: number, cells: number): void {
  const capacity = Math.min(MAX_SEGMENTS, Math.floor(((cells - tail) * 2) / 3));
  heap.setWord(block, 0, (heap.word(block, 0) & 0xff) | (capacity << 8));
}

function initialize(heap: Heap, block: number, tail: number, cells: number): void {
  setCapacity(heap, block, tail, cells);
  heap.setWord(block, WORD_RING, 0);
  heap.setWord(block, WORD_USED, 0);
}

/** How many segments from the head on have expired, and what they held: in {@link expired}. */
const expired = { segments: 0, cost: 0 };
function countExpired(heap: Heap, block: number, tail: number, horizonUs: number): void {
  const ring = heap.word(block, WORD_RING);
  const capacity = capacityOf(heap, block);
  const count = ring >>> 12;
  const chunk = Heap.chunkOf(block);
  const stamps = heap.f64[chunk]!;
  const costs = heap.u32[chunk]!;
  const base = Heap.cellOf(block) + tail;
  let at = ring & 0xfff;
  let segments = 0;
  let cost = 0;
  while (segments < count && stamps[base + at]! <= horizonUs) {
    cost += costs[(base + capacity) * 2 + at]!;
    segments++;
    if (++at === capacity) at = 0;
  }
  expired.segments = segments;
  expired.cost = cost;
}

/** The stamp of the segment whose expiry brings back `excess`; called only if all live segments together hold as much. */
function stampThatFrees(heap: Heap, block: number, tail: number, from: number, excess: number): number {
  const ring = heap.word(block, WORD_RING);
  const capacity = capacityOf(heap, block);
  let at = ((ring & 0xfff) + from) % capacity;
  let freed = 0;
  for (;;) {
    freed += heap.word(block, (tail + capacity) * 2 + at);
    if (freed >= excess) return heap.number(block, tail + at);
    if (++at === capacity) at = 0;
  }
}

function judge(
  heap: Heap,
  block: number,
  tail: number,
  quota: Quota,
  cost: number,
  ahead: number,
  stampUs: number,
  verdict: Verdict,
): void {
  const { limit, windowUs } = quota;
  let used = 0;
  verdict.resetNowUs = 0;
  expired.segments = 0;
  if (block !== 0 && heap.number(block, CELL_EXPIRY) > stampUs) {
    countExpired(heap, block, tail, stampUs - windowUs);
    used = heap.word(block, WORD_USED) - expired.cost;
    verdict.resetNowUs = heap.number(block, CELL_EXPIRY) - stampUs;
  }
  const wanted = ahead + cost;
  verdict.available = limit > used ? limit - used : 0;
  verdict.never = wanted > limit;
  verdict.allowed = used + wanted <= limit;
  verdict.resetChargedUs = windowUs;
  verdict.retryAfterUs =
    verdict.allowed || verdict.never
      ? 0
      : stampThatFrees(heap, block, tail, expired.segments, used + wanted - limit) + windowUs - stampUs;
}

/** Merges neighbours that share a cell of the grid; the ring then starts at its first place. */
function coalesce(heap: Heap, block: number, tail: number, gridUs: number): number {
  const ring = heap.word(block, WORD_RING);
  const capacity = capacityOf(heap, block);
  let at = ring & 0xfff;
  let merged = 0;
  let lastCell = -1;
  for (let i = ring >>> 12; i > 0; i--) {
    const stamp = heap.number(block, tail + at);
    const cost = heap.word(block, (tail + capacity) * 2 + at);
    const cell = Math.floor(stamp / gridUs);
    if (cell === lastCell) {
      mergedStamps[merged - 1] = stamp;
      mergedCosts[merged - 1] = mergedCosts[merged - 1]! + cost;
    } else {
      mergedStamps[merged] = stamp;
      mergedCosts[merged++] = cost;
    }
    lastCell = cell;
    if (++at === capacity) at = 0;
  }
  for (let i = 0; i < merged; i++) {
    heap.setNumber(block, tail + i, mergedStamps[i]!);
    heap.setWord(block, (tail + capacity) * 2 + i, mergedCosts[i]!);
  }
  return merged;
}

/** Doubles the ring; the segments keep their order and start at the first place. */
function enlarge(heap: Heap, block: number, tail: number, mover: BlockMover): number {
  const ring = heap.word(block, WORD_RING);
  const capacity = capacityOf(heap, block);
  const count = ring >>> 12;
  let at = ring & 0xfff;
  for (let i = 0; i < count; i++) {
    mergedStamps[i] = heap.number(block, tail + at);
    mergedCosts[i] = heap.word(block, (tail + capacity) * 2 + at);
    if (++at === capacity) at = 0;
  }
  const wanted = Math.min(MAX_SEGMENTS, capacity * 2);
  const cells = Slab.blockCells(tail + wanted + ((wanted + 1) >> 1));
  const grown = mover.grow(block, tail, cells);
  setCapacity(heap, grown, tail, cells);
  const newCapacity = capacityOf(heap, grown);
  for (let i = 0; i < count; i++) {
    heap.setNumber(grown, tail + i, mergedStamps[i]!);
    heap.setWord(grown, (tail + newCapacity) * 2 + i, mergedCosts[i]!);
  }
  heap.setWord(grown, WORD_RING, count << 12);
  return grown;
}

function charge(
  heap: Heap,
  block: number,
  tail: number,
  quota: Quota,
  cost: number,
  stampUs: number,
  mover: BlockMover,
): number {
  const { windowUs } = quota;
  countExpired(heap, block, tail, stampUs - windowUs);
  let capacity = capacityOf(heap, block);
  const ring = heap.word(block, WORD_RING);
  let count = (ring >>> 12) - expired.segments;
  let head = count === 0 ? 0 : ((ring & 0xfff) + expired.segments) % capacity;
  heap.setWord(block, WORD_USED, heap.word(block, WORD_USED) - expired.cost + cost);
  heap.setWord(block, WORD_RING, head | (count << 12));
  heap.setNumber(block, CELL_EXPIRY, stampUs + windowUs);
  let newest = (head + count - 1) % capacity;
  let joins = count > 0 && heap.number(block, tail + newest) === stampUs;
  let home = block;
  if (!joins && count === capacity) {
    if (capacity < MAX_SEGMENTS) {
      home = enlarge(heap, block, tail, mover);
      capacity = capacityOf(heap, home);
      head = 0;
      newest = count - 1;
    } else {
      const gridUs = Math.ceil(windowUs / GRID);
      joins = Math.floor(heap.number(block, tail + newest) / gridUs) === Math.floor(stampUs / gridUs);
      if (!joins) {
        count = coalesce(heap, block, tail, gridUs);
        head = 0;
        newest = count - 1;
      }
    }
  }
  if (joins) {
    const word = (tail + capacity) * 2 + newest;
    heap.setNumber(home, tail + newest, stampUs);
    heap.setWord(home, word, heap.word(home, word) + cost);
    return home;
  }
  const at = (head + count) % capacity;
  heap.setNumber(home, tail + at, stampUs);
  heap.setWord(home, (tail + capacity) * 2 + at, cost);
  heap.setWord(home, WORD_RING, head | ((count + 1) << 12));
  return home;
}

/** The sliding-window log: the default, and the only one whose bound is `limit` in every window. */
export const slidingWindowLog: CountingAlgorithm = {
  headCells: 1,
  tailCells: 3,
  initialize,
  judge,
  charge,
  fingerprint: (heap, block) => heap.word(block, WORD_USED) ^ Math.imul(heap.word(block, WORD_RING), 0x9e3779b1),
};
