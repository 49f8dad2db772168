import type { Heap } from "../memory/heap.ts";
import type { CountingAlgorithm, Quota, Verdict } from "./algorithm.ts";
import {
  alignedWindows,
  chargeWindow,
  countOfWindow,
  counts,
  emptyAtUs,
  readCounts,
  wordOfCounts,
} from "./aligned-counts.ts";
import { divideProduct, division, drained } from "./arithmetic.ts";

/** What of the previous window still counts when `leftUs` of the current one are left: its share, rounded up. */
export function weighted(previous: number, leftUs: number, windowUs: number): number {
  drained(leftUs, previous, windowUs);
  return division.remainder > 0 ? division.quotient + 1 : division.quotient;
}

/**
 * How long after its beginning a window first has `room` beside what counts of the previous one; a window or more:
 * not in this window.
 */
function offsetWithRoom(previous: number, room: number, windowUs: number): number {
  if (room < 0) return windowUs;
  if (previous <= room) return 0;
  divideProduct(room, windowUs, 0, previous);
  return windowUs - division.quotient;
}

/** Microseconds from the beginning of the current window until `wanted` fits; called only if it does not fit now. */
function fitsAfterUs(wanted: number, limit: number, windowUs: number): number {
  const room = limit - wanted;
  for (let ahead = 0; ; ahead++) {
    const offset = offsetWithRoom(countOfWindow(ahead - 1, windowUs), room - countOfWindow(ahead, windowUs), windowUs);
    if (offset < windowUs) return windowUs * ahead + offset;
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
  readCounts(heap, block, tail, windowUs, stampUs, true);
  const endUs = counts.startUs + windowUs;
  const used = counts.current + (counts.previous === 0 ? 0 : weighted(counts.previous, endUs - stampUs, windowUs));
  const wanted = ahead + cost;
  const emptyUs = emptyAtUs(windowUs, true);
  verdict.available = limit > used ? limit - used : 0;
  verdict.never = wanted > limit;
  verdict.allowed = used + wanted <= limit;
  verdict.resetNowUs = emptyUs === 0 ? 0 : emptyUs - stampUs;
  verdict.resetChargedUs = Math.max(emptyUs, endUs + windowUs) - stampUs;
  verdict.retryAfterUs =
    verdict.allowed || verdict.never ? 0 : fitsAfterUs(wanted, limit, windowUs) + counts.startUs - stampUs;
}

function usedAt(heap: Heap, block: number, tail: number, quota: Quota, stampUs: number): number {
  const { windowUs } = quota;
  readCounts(heap, block, tail, windowUs, stampUs, true);
  const used = weighted(counts.previous, counts.startUs + windowUs - stampUs, windowUs) + counts.current;
  return Math.min(4_294_967_295, Math.max(used, counts.next));
}

/**
 * The two-bucket estimate of a sliding window: what the current bucket counts, and of the previous one the share that
 * the window of that length, ending now, still overlaps, rounded up. Buckets begin at the multiples of their length.
 *
 * Bound: no bucket holds more than the limit L. A window W that begins elsewhere holds at most 2L - ⌈2L/W⌉, W in
 * microseconds: nearly twice the limit, since the estimate takes the previous bucket's admissions to be spread evenly.
 * That much comes together when L are admitted in the last microsecond of a bucket, and then as many as the share
 * leaves to the end of the next. (Let the window begin x into a bucket that holds c in the end. Its last admission comes
 * x - 1 into the next one at the latest, where ⌈c(W - x + 1)/W⌉ of the L are gone: c + L - ⌈c(W - x + 1)/W⌉ in all,
 * most for c = L and x = W - 1.) Arrivals that are spread evenly are held to the limit.
 *
 * Bytes: for a key of 20 in all 105, however many admissions. While leases of longer windows reach into many of these, some
 * 12 more for each window that some of them ends in, 4,320 at most.
 */
export const slidingWindowCounter: CountingAlgorithm = {
  ...alignedWindows(true),
  judge,
  usedAt,
  charge: (heap, block, tail, quota, cost, stampUs, mover) =>
    chargeWindow(heap, block, tail, quota, cost, stampUs, true, mover),
  fingerprint: (heap, block) => wordOfCounts(heap, block, true),
};
