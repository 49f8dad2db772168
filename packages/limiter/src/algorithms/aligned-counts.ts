import type { Heap } from "../memory/heap.ts";
import { Slab } from "../memory/slab.ts";
import {
  type BlockMover,
  CELL_EXPIRY,
  type CountingAlgorithm,
  type Hold,
  longestLeaseEndUs,
  postponeExpiry,
  type Quota,
} from "./algorithm.ts";

/**
 * Counts per window, for windows that begin at the multiples of their length in stamps: the current one, the next one
 * (a lease that a takeover moved may end in it), and for those who look back, the previous one.
 *
 * A lease that was granted under longer windows, and is carried over to these, may be spent in many more. They are counted
 * behind the identity, one word for each; how many of these words there are is in the upper bits of word 0: none, usually.
 */
const CELL_START = 3;
const WORD_CURRENT = 8;
const WORD_NEXT = 9;
/** Only in blocks of who looks back. */
const WORD_PREVIOUS = 10;
const MAX_COUNT = 4_294_967_295;
/** A second, the longest lease, touches 1,001 of the shortest windows; two of them have words of their own. */
const MAX_FURTHER = 999;

/** The counts as of a stamp: read by {@link readCounts}, changed by the others, put back into the block. */
export const counts = { startUs: 0.5, previous: 0.5, current: 0.5, next: 0.5, further: 0 };
/** Those of the windows behind the next one, as many as `counts.further` says; 0 from there on. */
const furtherCounts = new Uint32Array(MAX_FURTHER);

/** Where the window that holds the stamp begins: exact, since the stamp is below 2^53. */
export function windowStart(stampUs: number, windowUs: number): number {
  return Math.floor(stampUs / windowUs) * windowUs;
}

/** The count of a window: 0 is the current one, 1 the next, -1 the previous. */
export function countOfWindow(ahead: number): number {
  if (ahead === 0) return counts.current;
  if (ahead === 1) return counts.next;
  if (ahead < 0) return counts.previous;
  return ahead < counts.further + 2 ? furtherCounts[ahead - 2]! : 0;
}

/** How many windows behind the next one the block has words for. */
function furtherWords(heap: Heap, block: number): number {
  return (heap.word(block, 0) >>> 8) & 0xfff;
}

function setFurtherWords(heap: Heap, block: number, words: number): void {
  heap.setWord(block, 0, ((heap.word(block, 0) & 0xfff000ff) | (words << 8)) >>> 0);
}

/** Sets {@link counts} to what the block holds, as of the stamp. `block` 0: the key has no state. */
export function readCounts(
  heap: Heap,
  block: number,
  tail: number,
  windowUs: number,
  stampUs: number,
  looksBack: boolean,
): void {
  const startUs = windowStart(stampUs, windowUs);
  counts.startUs = startUs;
  counts.previous = 0;
  counts.current = 0;
  counts.next = 0;
  counts.further = 0;
  if (block === 0 || heap.number(block, CELL_EXPIRY) <= stampUs) return;
  const behindUs = startUs - heap.number(block, CELL_START);
  if (behindUs === 0) {
    if (looksBack) counts.previous = heap.word(block, WORD_PREVIOUS);
    counts.current = heap.word(block, WORD_CURRENT);
    counts.next = heap.word(block, WORD_NEXT);
  } else if (behindUs === windowUs) {
    counts.previous = heap.word(block, WORD_CURRENT);
    counts.current = heap.word(block, WORD_NEXT);
  } else if (behindUs === windowUs * 2) {
    counts.previous = heap.word(block, WORD_NEXT);
  }
  if (furtherWords(heap, block) > 0 && behindUs >= 0) readFurther(heap, block, tail, behindUs / windowUs);
}

/** Brings what lies behind the identity to where it is `passed` windows later. */
function readFurther(heap: Heap, block: number, tail: number, passed: number): void {
  const words = furtherWords(heap, block);
  const wordAt = (ahead: number) => (ahead < words + 2 ? heap.word(block, tail * 2 + ahead - 2) : 0);
  if (passed > 2) counts.previous = wordAt(passed - 1);
  if (passed > 1) counts.current = wordAt(passed);
  if (passed > 0) counts.next = wordAt(passed + 1);
  furtherCounts.fill(0);
  for (let at = 0; at < words - passed; at++) {
    furtherCounts[at] = wordAt(passed + 2 + at);
    if (furtherCounts[at]! > 0) counts.further = at + 1;
  }
}

/** Puts {@link counts} into the block; returns it, which may have moved. */
function writeCounts(heap: Heap, block: number, tail: number, looksBack: boolean, mover: BlockMover): number {
  const { further } = counts;
  const words = furtherWords(heap, block);
  const home = further > words ? enlarge(heap, block, tail, further, mover) : block;
  // Nothing is read there any more: the block is as it was before, and moves again if it has to.
  if (further === 0 && words > 0) setFurtherWords(heap, home, 0);
  for (let at = furtherWords(heap, home) - 1; at >= 0; at--) heap.setWord(home, tail * 2 + at, furtherCounts[at]!);
  heap.setNumber(home, CELL_START, counts.startUs);
  heap.setWord(home, WORD_CURRENT, counts.current);
  heap.setWord(home, WORD_NEXT, counts.next);
  if (looksBack) heap.setWord(home, WORD_PREVIOUS, counts.previous);
  return home;
}

function enlarge(heap: Heap, block: number, tail: number, words: number, mover: BlockMover): number {
  const home = mover.grow(block, tail, Slab.blockCells(tail + ((words + 1) >> 1)));
  setFurtherWords(heap, home, words);
  return home;
}

function clamp(count: number): number {
  return Math.max(0, Math.min(MAX_COUNT, count));
}

/** Adds `amount` to the current window. */
function addNow(amount: number): void {
  counts.current = clamp(counts.current + amount);
}

/**
 * Adds `amount`, which may be negative, to every window in which the hold may be spent: two, if a takeover moved a lease
 * across a boundary; more, if its rule had longer windows. What lies in a window that no longer counts is left out. Of
 * what only begins behind the next window, on a counter that stands still, that one tells.
 */
function addHeld(hold: Hold, windowUs: number, amount: number): void {
  const from = (windowStart(hold.fromUs, windowUs) - counts.startUs) / windowUs;
  const last = (windowStart(hold.datedUs, windowUs) - counts.startUs) / windowUs;
  if (from < 0 && last >= -1) counts.previous = clamp(counts.previous + amount);
  if (from <= 0 && last >= 0) counts.current = clamp(counts.current + amount);
  if (last > 0) counts.next = clamp(counts.next + amount);
  if (from <= 1 && last > 1) addFurther(Math.min(last - 1, MAX_FURTHER), amount);
}

/** Adds `amount` to that many windows behind the next one. */
function addFurther(windows: number, amount: number): void {
  if (counts.further === 0) furtherCounts.fill(0);
  for (let at = 0; at < windows; at++) furtherCounts[at] = clamp(furtherCounts[at]! + amount);
  counts.further = Math.max(counts.further, windows);
  while (counts.further > 0 && furtherCounts[counts.further - 1] === 0) counts.further--;
}

/** The end of the longest lease: in the window that it is granted in, since it is charged to that one. */
function leaseEndInWindowUs(quota: Quota, stampUs: number): number {
  return Math.min(longestLeaseEndUs(quota, stampUs), windowStart(stampUs, quota.windowUs) + quota.windowUs - 1);
}

/** When the key is as if never used, by {@link counts}; 0: it is. What looks back counts each window for one more. */
export function emptyAtUs(windowUs: number, looksBack: boolean): number {
  const { startUs, previous, current, next, further } = counts;
  const lastsUs = looksBack ? windowUs : 0;
  if (further > 0) return startUs + windowUs * (2 + further) + lastsUs;
  if (next > 0) return startUs + windowUs * 2 + lastsUs;
  if (current > 0) return startUs + windowUs + lastsUs;
  return looksBack && previous > 0 ? startUs + windowUs : 0;
}

/** A word that changes with the block's counts. */
export function wordOfCounts(heap: Heap, block: number, looksBack: boolean): number {
  return (
    (looksBack ? Math.imul(heap.word(block, WORD_PREVIOUS), 0x27d4eb2f) : 0) ^
    heap.word(block, WORD_CURRENT) ^
    Math.imul(heap.word(block, WORD_NEXT), 0x9e3779b1) ^
    Math.imul(heap.number(block, CELL_START) | 0, 0x85ebca6b) ^
    Math.imul(heap.number(block, CELL_EXPIRY) | 0, 0xc2b2ae35)
  );
}

function write(
  heap: Heap,
  block: number,
  tail: number,
  windowUs: number,
  looksBack: boolean,
  mover: BlockMover,
): number {
  const home = writeCounts(heap, block, tail, looksBack, mover);
  postponeExpiry(heap, home, emptyAtUs(windowUs, looksBack));
  return home;
}

/** Charges a take. Not a method of {@link alignedWindows}: on the hot path each algorithm calls it with a constant. */
export function chargeWindow(
  heap: Heap,
  block: number,
  tail: number,
  { windowUs }: Quota,
  cost: number,
  stampUs: number,
  looksBack: boolean,
  mover: BlockMover,
): number {
  readCounts(heap, block, tail, windowUs, stampUs, looksBack);
  addNow(cost);
  return write(heap, block, tail, windowUs, looksBack, mover);
}

function reset(heap: Heap, block: number, looksBack: boolean): void {
  setFurtherWords(heap, block, 0);
  heap.setNumber(block, CELL_START, 0);
  heap.setWord(block, WORD_CURRENT, 0);
  heap.setWord(block, WORD_NEXT, 0);
  if (looksBack) heap.setWord(block, WORD_PREVIOUS, 0);
  heap.setNumber(block, CELL_EXPIRY, 0);
}

/**
 * What all algorithms do alike that count by such windows: they differ in how a take is judged, and in whether the previous window
 * still counts.
 */
export function alignedWindows(
  looksBack: boolean,
): Omit<CountingAlgorithm, "judge" | "usedAt" | "charge" | "fingerprint"> {
  return {
    headCells: looksBack ? 3 : 2,
    tailCells: 0,
    initialize: (heap, block) => reset(heap, block, looksBack),
    reset: (heap, block) => reset(heap, block, looksBack),
    hold(heap, block, tail, { windowUs }, held, stampUs, mover) {
      readCounts(heap, block, tail, windowUs, stampUs, looksBack);
      addHeld(held, windowUs, held.cost);
      postponeExpiry(heap, block, held.expiryUs);
      return write(heap, block, tail, windowUs, looksBack, mover);
    },
    settle(heap, block, tail, { windowUs }, held, actual, stampUs, mover) {
      readCounts(heap, block, tail, windowUs, stampUs, looksBack);
      if (actual > held.cost) addNow(actual - held.cost);
      else addHeld(held, windowUs, actual - held.cost);
      return write(heap, block, tail, windowUs, looksBack, mover);
    },
    leaseEndUs: leaseEndInWindowUs,
  };
}
