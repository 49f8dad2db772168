import type { Heap } from "../memory/heap.ts";
import {
  type BlockMover,
  CELL_EXPIRY,
  type CountingAlgorithm,
  type Hold,
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

/** The grid by which ends are merged follows from how far apart they are. */
const OWN_GRID = 0;

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
  const live = block !== 0 && heap.number(block, CELL_EXPIRY) > stampUs ? block : 0;
  judgeAmounts(heap, live, tail, quota.limit, ahead + cost, 0, quota.windowUs, stampUs, verdict);
}

function usedAt(heap: Heap, block: number, tail: number, _quota: Quota, stampUs: number): number {
  countPast(heap, block, tail, stampUs);
  return sumOf(heap, block) - past.amount;
}

function occupy(
  heap: Heap,
  block: number,
  tail: number,
  cost: number,
  expiryUs: number,
  stampUs: number,
  mover: BlockMover,
): number {
  if (expiryUs <= stampUs) return block;
  postponeExpiry(heap, block, expiryUs);
  return addAmount(heap, block, tail, stampUs, expiryUs, cost, OWN_GRID, mover);
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
  return occupy(heap, block, tail, cost, stampUs + quota.windowUs, stampUs, mover);
}

function hold(
  heap: Heap,
  block: number,
  tail: number,
  _quota: Quota,
  { cost, expiryUs }: Hold,
  stampUs: number,
  mover: BlockMover,
): number {
  return occupy(heap, block, tail, cost, expiryUs, stampUs, mover);
}

function settle(
  heap: Heap,
  block: number,
  tail: number,
  _quota: Quota,
  { cost, expiryUs }: Hold,
  _actual: number,
  stampUs: number,
): number {
  dropPast(heap, block, tail, stampUs);
  if (expiryUs > stampUs) removeAmount(heap, block, tail, expiryUs, cost);
  return block;
}

/**
 * Slots: each is taken by a hold, and free again when the hold is settled, whatever it came to, or expires. A take
 * without a hold, should one be charged, occupies its slots for one window.
 *
 * Bound: at no stamp are more slots occupied than the limit. Slots that are given back are free at once. Up to 288
 * different ends are kept; beyond that a slot that nobody gives back is free late, by less than 1/128 of the time
 * between the first end and the last, never early. There are no leases of slots: a slot has one holder.
 *
 * Bytes: for a key of 20 in all 105 with up to 2 ends, 202 with 10, 1,386 with 100, and 4,119 at most: 12 for each end, in
 * blocks that double; beside what the hold itself takes.
 */
export const concurrency: CountingAlgorithm = {
  headCells: 1,
  tailCells: 3,
  initialize: initializeAmounts,
  reset: resetAmounts,
  judge,
  usedAt,
  charge,
  hold,
  settle,
  leaseEndUs: (_quota, stampUs) => stampUs,
  fingerprint: fingerprintAmounts,
};
