import type { Heap } from "../memory/heap.ts";
import {
  CELL_EXPIRY,
  type CountingAlgorithm,
  type Hold,
  postponeExpiry,
  type Quota,
  type Verdict,
} from "./algorithm.ts";
import {
  addHeld,
  addNow,
  counts,
  leaseEndInWindowUs,
  readCounts,
  wordOfCounts,
  writeCounts,
} from "./aligned-counts.ts";

/** When the key is as if never used, by {@link counts}; 0: it is. */
function emptyAtUs(windowUs: number): number {
  if (counts.next > 0) return counts.startUs + windowUs * 2;
  return counts.current > 0 ? counts.startUs + windowUs : 0;
}

function judge(
  heap: Heap,
  block: number,
  _tail: number,
  quota: Quota,
  cost: number,
  ahead: number,
  stampUs: number,
  verdict: Verdict,
): void {
  const { limit, windowUs } = quota;
  readCounts(heap, block, windowUs, stampUs, false);
  const { current, next } = counts;
  const untilNextUs = counts.startUs + windowUs - stampUs;
  const wanted = ahead + cost;
  verdict.available = limit > current ? limit - current : 0;
  verdict.never = wanted > limit;
  verdict.allowed = current + wanted <= limit;
  verdict.resetNowUs = current + next > 0 ? emptyAtUs(windowUs) - stampUs : 0;
  verdict.resetChargedUs = next > 0 ? verdict.resetNowUs : untilNextUs;
  if (verdict.allowed || verdict.never) verdict.retryAfterUs = 0;
  else verdict.retryAfterUs = next + wanted <= limit ? untilNextUs : untilNextUs + windowUs;
}

function usedAt(heap: Heap, block: number, _tail: number, quota: Quota, stampUs: number): number {
  readCounts(heap, block, quota.windowUs, stampUs, false);
  return Math.max(counts.current, counts.next);
}

function write(heap: Heap, block: number, windowUs: number): number {
  writeCounts(heap, block, false);
  postponeExpiry(heap, block, emptyAtUs(windowUs));
  return block;
}

function charge(heap: Heap, block: number, _tail: number, quota: Quota, cost: number, stampUs: number): number {
  readCounts(heap, block, quota.windowUs, stampUs, false);
  addNow(cost);
  return write(heap, block, quota.windowUs);
}

function hold(heap: Heap, block: number, _tail: number, quota: Quota, held: Hold, stampUs: number): number {
  readCounts(heap, block, quota.windowUs, stampUs, false);
  addHeld(held, quota.windowUs, held.cost);
  postponeExpiry(heap, block, held.expiryUs);
  return write(heap, block, quota.windowUs);
}

function settle(
  heap: Heap,
  block: number,
  _tail: number,
  quota: Quota,
  held: Hold,
  actual: number,
  stampUs: number,
): number {
  readCounts(heap, block, quota.windowUs, stampUs, false);
  if (actual > held.cost) addNow(actual - held.cost);
  else addHeld(held, quota.windowUs, actual - held.cost);
  return write(heap, block, quota.windowUs);
}

function reset(heap: Heap, block: number): void {
  counts.startUs = 0;
  counts.current = 0;
  counts.next = 0;
  writeCounts(heap, block, false);
  heap.setNumber(block, CELL_EXPIRY, 0);
}

/**
 * Fixed windows, which begin at the multiples of their length in stamps, for all keys alike.
 *
 * Bound: no such window holds more than the limit; of windows that begin elsewhere, none holds more than twice the
 * limit, which is reached by a full window's admissions at its end and the next one's at its beginning. A lease never
 * crosses a boundary; one that a takeover moved across is counted on both sides.
 *
 * Bytes: for a key of 20 in all 89, however many admissions.
 */
export const fixedWindow: CountingAlgorithm = {
  headCells: 2,
  tailCells: 0,
  initialize: reset,
  reset,
  judge,
  usedAt,
  charge,
  hold,
  settle,
  leaseEndUs: leaseEndInWindowUs,
  fingerprint: wordOfCounts,
};
