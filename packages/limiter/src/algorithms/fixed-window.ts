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

/** The first window behind the current one that counts no more than that; 1 is the next. */
function windowWithRoom(most: number, windowUs: number): number {
  let ahead = 1;
  while (countOfWindow(ahead, windowUs) > most) ahead++;
  return ahead;
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
  readCounts(heap, block, tail, windowUs, stampUs, false);
  const { current, next } = counts;
  const untilNextUs = counts.startUs + windowUs - stampUs;
  const wanted = ahead + cost;
  verdict.available = limit > current ? limit - current : 0;
  verdict.never = wanted > limit;
  verdict.allowed = current + wanted <= limit;
  verdict.resetNowUs = current + next > 0 ? emptyAtUs(windowUs, false) - stampUs : 0;
  verdict.resetChargedUs = next > 0 ? verdict.resetNowUs : untilNextUs;
  verdict.retryAfterUs =
    verdict.allowed || verdict.never ? 0 : untilNextUs + (windowWithRoom(limit - wanted, windowUs) - 1) * windowUs;
}

function usedAt(heap: Heap, block: number, tail: number, quota: Quota, stampUs: number): number {
  readCounts(heap, block, tail, quota.windowUs, stampUs, false);
  return Math.max(counts.current, counts.next);
}

/**
 * Fixed windows, which begin at the multiples of their length in stamps, for all keys alike.
 *
 * Bound: no such window holds more than the limit; of windows that begin elsewhere, none holds more than twice the
 * limit, which is reached by a full window's admissions at its end and the next one's at its beginning. A lease never
 * crosses a boundary; one that a takeover moved across, or that was granted under longer windows, is counted in each that
 * it may be spent in.
 *
 * Bytes: for a key of 20 in all 89, however many admissions. While leases of longer windows reach into many of these, some
 * 12 more for each window that some of them ends in, 4,320 at most.
 */
export const fixedWindow: CountingAlgorithm = {
  ...alignedWindows(false),
  judge,
  usedAt,
  charge: (heap, block, tail, quota, cost, stampUs, mover) =>
    chargeWindow(heap, block, tail, quota, cost, stampUs, false, mover),
  fingerprint: (heap, block) => wordOfCounts(heap, block, false),
};
