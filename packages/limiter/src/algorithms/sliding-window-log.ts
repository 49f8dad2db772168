import type { Heap } from "../memory/heap.ts";
import {
  type BlockMover,
  CELL_EXPIRY,
  type CountingAlgorithm,
  type Hold,
  longestLeaseEndUs,
  postponeExpiry,
  type Quota,
  type Verdict,
} from "./algorithm.ts";
import {
  addAmount,
  countPast,
  dropPast,
  fingerprintAmounts,
  initializeAmounts,
  judgeAmounts,
  past,
  removeAmount,
  resetAmounts,
  sumOf,
} from "./dated-amounts.ts";

/**
 * Admissions are merged only within a cell of window/256, of which no window and a tenth touch more than 283. Only a lease of a rule
 * with a longer window, which this one took over from, reaches further ahead: beside such ones cells double until there is room.
 */
const GRID = 256;

function gridOf(windowUs: number): number {
  return Math.ceil(windowUs / GRID);
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
  const live = block !== 0 && heap.number(block, CELL_EXPIRY) > stampUs ? block : 0;
  judgeAmounts(heap, live, tail, limit, ahead + cost, windowUs, windowUs, stampUs, verdict);
}

function usedAt(heap: Heap, block: number, tail: number, quota: Quota, stampUs: number): number {
  countPast(heap, block, tail, stampUs - quota.windowUs);
  return sumOf(heap, block) - past.amount;
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
  postponeExpiry(heap, block, stampUs + windowUs);
  return addAmount(heap, block, tail, stampUs - windowUs, stampUs, cost, gridOf(windowUs), mover);
}

function hold(
  heap: Heap,
  block: number,
  tail: number,
  quota: Quota,
  { cost, datedUs, expiryUs }: Hold,
  stampUs: number,
  mover: BlockMover,
): number {
  const { windowUs } = quota;
  postponeExpiry(heap, block, Math.max(expiryUs, datedUs + windowUs));
  if (datedUs + windowUs <= stampUs) return block;
  return addAmount(heap, block, tail, stampUs - windowUs, datedUs, cost, gridOf(windowUs), mover);
}

function settle(
  heap: Heap,
  block: number,
  tail: number,
  quota: Quota,
  { cost, datedUs }: Hold,
  actual: number,
  stampUs: number,
  mover: BlockMover,
): number {
  const { windowUs } = quota;
  if (actual > cost) return charge(heap, block, tail, quota, actual - cost, stampUs, mover);
  dropPast(heap, block, tail, stampUs - windowUs);
  if (actual === cost || datedUs + windowUs <= stampUs) return block;
  removeAmount(heap, block, tail, datedUs, cost - actual);
  return block;
}

/**
 * The sliding-window log: the default. Every admission of the last window is remembered; one at `s` counts until
 * `s + window`.
 *
 * Bound: no half-open window of that length, wherever it begins, holds more than the limit. Exact while at most 288
 * admissions with different stamps are alive; beyond that what is used is given back late by less than window/256,
 * never early; beside leases of a rule with a longer window, late by less than 1/128 of what is alive. A lease is dated at its end,
 * so its spends count at least as long as if each had been a take.
 *
 * Bytes: for a key of 20 in all 105 with up to 2 admissions, 202 with 10, 1,386 with 100, and 4,119 at most: 12 for each
 * stamp, in blocks that double.
 */
export const slidingWindowLog: CountingAlgorithm = {
  headCells: 1,
  tailCells: 3,
  initialize: initializeAmounts,
  reset: resetAmounts,
  judge,
  usedAt,
  charge,
  hold,
  settle,
  leaseEndUs: longestLeaseEndUs,
  fingerprint: fingerprintAmounts,
};
