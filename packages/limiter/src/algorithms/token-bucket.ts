import type { Heap } from "../memory/heap.ts";
import { CELL_EXPIRY, type CountingAlgorithm, type Quota, type Verdict } from "./algorithm.ts";
import { divideProduct, division, drained, MAX_SAFE } from "./arithmetic.ts";

/**
 * A bucket of `burst` tokens, refilled at `limit` per window: GCRA, told from the bucket's side. The theoretical
 * arrival time of GCRA is a fraction whose denominator is the limit, and the burst's horizon can lie beyond 2^53
 * microseconds; what is *used* is at most the burst, with a rest in 1/window, so it is exact for all rules.
 * In every interval of length t at most `burst + limit × t / window` is admitted.
 *
 * A named policy's limit may change while its bucket is in use: what drained since the last take is then reckoned at
 * the slower of the two rates, so that no rate in force is ever exceeded.
 */
const CELL_AT = 3;
const WORD_USED = 8;
const WORD_LIMIT = 9;
const CELL_REST = 5;

/** What is used at the stamp: whole tokens, and a rest in 1/window. */
const level = { used: 0.5, rest: 0.5 };
function levelAt(heap: Heap, block: number, quota: Quota, stampUs: number): void {
  if (block === 0 || heap.number(block, CELL_EXPIRY) <= stampUs) {
    level.used = 0;
    level.rest = 0;
    return;
  }
  const limit = Math.min(quota.limit, heap.word(block, WORD_LIMIT));
  drained(stampUs - heap.number(block, CELL_AT), limit, quota.windowUs);
  let used = heap.word(block, WORD_USED) - division.quotient;
  let rest = heap.number(block, CELL_REST) - division.remainder;
  if (rest < 0) {
    rest += quota.windowUs;
    used--;
  }
  level.used = Math.max(used, 0);
  level.rest = used < 0 ? 0 : rest;
}

/** Microseconds, rounded up, until `tokens` and `rest` have drained. */
function drainUs(tokens: number, rest: number, quota: Quota): number {
  if (tokens === 0 && rest === 0) return 0;
  divideProduct(tokens, quota.windowUs, rest, quota.limit);
  return division.remainder > 0 ? division.quotient + 1 : division.quotient;
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
  if (quota.limit === 0) {
    verdict.allowed = false;
    verdict.never = true;
    verdict.available = 0;
    verdict.retryAfterUs = 0;
    verdict.resetNowUs = 0;
    verdict.resetChargedUs = 0;
    return;
  }
  levelAt(heap, block, quota, stampUs);
  const { used, rest } = level;
  const available = quota.burst - used - (rest > 0 ? 1 : 0);
  const wanted = ahead + cost;
  verdict.available = Math.max(available, 0);
  verdict.never = wanted > quota.burst;
  verdict.allowed = wanted <= available;
  verdict.resetNowUs = drainUs(used, rest, quota);
  verdict.resetChargedUs = verdict.allowed ? drainUs(used + wanted, rest, quota) : 0;
  verdict.retryAfterUs = verdict.allowed || verdict.never ? 0 : drainUs(used + wanted - quota.burst, rest, quota);
}

function charge(heap: Heap, block: number, _tail: number, quota: Quota, cost: number, stampUs: number): number {
  levelAt(heap, block, quota, stampUs);
  const used = level.used + cost;
  heap.setNumber(block, CELL_AT, stampUs);
  heap.setWord(block, WORD_USED, used);
  heap.setWord(block, WORD_LIMIT, quota.limit);
  heap.setNumber(block, CELL_REST, level.rest);
  heap.setNumber(block, CELL_EXPIRY, Math.min(MAX_SAFE, stampUs + drainUs(used, level.rest, quota)));
  return block;
}

function initialize(heap: Heap, block: number): void {
  heap.setNumber(block, CELL_AT, 0);
  heap.setWord(block, WORD_USED, 0);
  heap.setWord(block, WORD_LIMIT, 0);
  heap.setNumber(block, CELL_REST, 0);
}

/** The token bucket; with a burst of 1 it is the leaky bucket. */
export const tokenBucket: CountingAlgorithm = {
  headCells: 3,
  tailCells: 0,
  initialize,
  judge,
  charge,
  fingerprint: (heap, block) => heap.word(block, WORD_USED) ^ Math.imul(heap.number(block, CELL_REST) | 0, 0x85ebca6b),
};
