import type { Heap } from "../memory/heap.ts";
import {
  type BlockMover,
  CELL_EXPIRY,
  type CountingAlgorithm,
  type Hold,
  longestLeaseEndUs,
  postponeExpiry,
  type Quota,
} from "./algorithm.ts";
import { FarCounts, forgetFarCounts, hasFarCounts } from "./far-counts.ts";

/**
 * Counts per window, for windows that begin at the multiples of their length in stamps: the current one, the next one
 * (a lease that a takeover moved may end in it), and for those who look back, the previous one.
 *
 * A lease that reaches further, since it was granted under longer windows, or moved while its counter stands still, is a
 * {@link FarCounts far count} besides, from the window behind the next one on.
 */
const CELL_START = 3;
const WORD_CURRENT = 8;
const WORD_NEXT = 9;
/** Only in blocks of who looks back. */
const WORD_PREVIOUS = 10;
const MAX_COUNT = 4_294_967_295;

/** The counts as of a stamp: read by {@link readCounts}, changed by the others, put back into the block. */
export const counts = { startUs: 0.5, previous: 0.5, current: 0.5, next: 0.5 };
/** Of the windows behind the next one. */
const far = new FarCounts();

/** Where the window that holds the stamp begins: exact, since the stamp is below 2^53. */
export function windowStart(stampUs: number, windowUs: number): number {
  return Math.floor(stampUs / windowUs) * windowUs;
}

/** The count of a window: 0 is the current one, 1 the next, -1 the previous. */
export function countOfWindow(ahead: number, windowUs: number): number {
  if (ahead === 0) return counts.current;
  if (ahead === 1) return counts.next;
  return ahead < 0 ? counts.previous : far.countFrom(counts.startUs + ahead * windowUs);
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
  far.clear();
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
  if (hasFarCounts(heap, block)) readFar(heap, block, tail, windowUs, behindUs);
}

/** What was behind the next window when the block was written may be the next one by now, the current or the previous. */
function readFar(heap: Heap, block: number, tail: number, windowUs: number, behindUs: number): void {
  const { startUs } = counts;
  far.read(heap, block, tail);
  if (behindUs > windowUs * 2) counts.previous = far.countFrom(startUs - windowUs);
  if (behindUs > windowUs) counts.current = far.countFrom(startUs);
  if (behindUs > 0) counts.next = far.countFrom(startUs + windowUs);
  far.dropBefore(startUs + windowUs * 2);
}

/** Puts {@link counts} into the block; returns it, which may have moved. */
function writeCounts(heap: Heap, block: number, tail: number, looksBack: boolean, mover: BlockMover): number {
  const home = far.write(heap, block, tail, mover);
  heap.setNumber(home, CELL_START, counts.startUs);
  heap.setWord(home, WORD_CURRENT, counts.current);
  heap.setWord(home, WORD_NEXT, counts.next);
  if (looksBack) heap.setWord(home, WORD_PREVIOUS, counts.previous);
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
 * Adds `amount`, which may be negative, to every window from that of the hold's beginning, which is over or the current
 * one, to that of its date: usually one; two, if a takeover moved a lease across a boundary; or far more. What lies in a
 * window that no longer counts is left out.
 */
function addHeld(hold: Hold, windowUs: number, amount: number): void {
  const { startUs } = counts;
  const lastUs = windowStart(hold.datedUs, windowUs);
  if (hold.fromUs < startUs && lastUs >= startUs - windowUs) counts.previous = clamp(counts.previous + amount);
  if (lastUs >= startUs) counts.current = clamp(counts.current + amount);
  if (lastUs > startUs) counts.next = clamp(counts.next + amount);
  if (lastUs > startUs + windowUs) far.add(lastUs, amount);
}

/** The end of the longest lease: in the window that it is granted in, since it is charged to that one. */
function leaseEndInWindowUs(quota: Quota, stampUs: number): number {
  return Math.min(longestLeaseEndUs(quota, stampUs), windowStart(stampUs, quota.windowUs) + quota.windowUs - 1);
}

/** When the key is as if never used, by {@link counts}; 0: it is. What looks back counts each window for one more. */
export function emptyAtUs(windowUs: number, looksBack: boolean): number {
  const { startUs, previous, current, next } = counts;
  const lastsUs = looksBack ? windowUs : 0;
  if (far.lastUs > 0) return far.lastUs + windowUs + lastsUs;
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
  forgetFarCounts(heap, block);
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
