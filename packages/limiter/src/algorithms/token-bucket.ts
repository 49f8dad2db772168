import { Heap } from "../memory/heap.ts";
import {
  type BlockMover,
  CELL_EXPIRY,
  type CountingAlgorithm,
  type Hold,
  longestLeaseEndUs,
  type Quota,
  type Verdict,
} from "./algorithm.ts";
import { divideProduct, division, drained, MAX_SAFE } from "./arithmetic.ts";
import {
  addAmount,
  amountAt,
  clearAmounts,
  countOf,
  dateAt,
  dropPast,
  initializeAmounts,
  removeAmount,
  sumOf,
  WORD_RING,
  wordOf,
} from "./dated-amounts.ts";

const CELL_AT = 4;
const WORD_USED = 10;
const WORD_LIMIT = 11;
const CELL_REST = 6;
const MAX_USED = 4_294_967_295;
/** The grid by which ends of holds are merged follows from how far apart they are. */
const OWN_GRID = 0;

/**
 * A bucket at a stamp: whole tokens and a rest in 1/window that are used, and tokens that open holds keep. Of the ring,
 * the first segment that is still open, and how many there are with those that are past. At which limit it drains until
 * something is charged, and, if that is not the limit at which something was charged last, when it is empty by that one:
 * from then on it may have been forgotten.
 */
const level = { used: 0.5, rest: 0.5, held: 0.5, open: 0, segments: 0, limit: 0.5, emptyUs: 0.5 };

/** Lets the level drain; limit at least 1, or nothing drains. */
function drain(elapsedUs: number, limit: number, windowUs: number): void {
  drained(elapsedUs, limit, windowUs);
  const rest = level.rest - division.remainder;
  const used = level.used - division.quotient - (rest < 0 ? 1 : 0);
  level.used = Math.max(used, 0);
  if (used < 0) level.rest = 0;
  else level.rest = rest < 0 ? rest + windowUs : rest;
}

function pour(amount: number): void {
  level.used = Math.min(MAX_USED, level.used + amount);
}

/** The slower of the rate asked for and the one that the block last knew; a limit of 0 admits nothing, so it sets none. */
function slowerLimit(known: number, limit: number): number {
  return limit === 0 || known < limit ? known : limit;
}

/** Sets {@link level} to the bucket's at the stamp. Holds that ended meanwhile were used from their end on. */
function levelAt(heap: Heap, block: number, tail: number, quota: Quota, stampUs: number): void {
  level.used = 0;
  level.rest = 0;
  level.held = 0;
  level.open = 0;
  level.limit = quota.limit;
  level.emptyUs = MAX_SAFE;
  level.segments = 0;
  if (block === 0) return;
  const chunk = Heap.chunkOf(block);
  const numbers = heap.f64[chunk]!;
  const words = heap.u32[chunk]!;
  const cell = Heap.cellOf(block);
  level.segments = words[cell * 2 + WORD_RING]! >>> 12;
  if (numbers[cell + CELL_EXPIRY]! <= stampUs) return;
  const known = words[cell * 2 + WORD_LIMIT]!;
  const limit = slowerLimit(known, quota.limit);
  if (known !== quota.limit) {
    level.limit = limit;
    level.emptyUs = numbers[cell + CELL_EXPIRY]!;
  }
  let atUs = numbers[cell + CELL_AT]!;
  level.used = words[cell * 2 + WORD_USED]!;
  level.rest = numbers[cell + CELL_REST]!;
  if (level.segments > 0) atUs = endHolds(heap, block, tail, limit, quota.windowUs, atUs, stampUs);
  if (atUs < stampUs) drain(stampUs - atUs, limit, quota.windowUs);
}

/** Goes through the holds in the block: those that ended since `atUs` are used. Returns the last end, or `atUs`. */
function endHolds(
  heap: Heap,
  block: number,
  tail: number,
  limit: number,
  windowUs: number,
  atUs: number,
  stampUs: number,
): number {
  const segments = countOf(heap, block);
  let sinceUs = atUs;
  level.held = sumOf(heap, block);
  while (level.open < segments) {
    const endUs = dateAt(heap, block, tail, level.open);
    if (endUs > stampUs) break;
    const amount = amountAt(heap, block, tail, level.open);
    drain(endUs - sinceUs, limit, windowUs);
    pour(amount);
    level.held -= amount;
    level.open++;
    sinceUs = endUs;
  }
  return sinceUs;
}

/** Microseconds, rounded up, until `tokens` and `rest` have drained. */
function drainUs(tokens: number, rest: number, limit: number, windowUs: number): number {
  if (tokens === 0 && rest === 0) return 0;
  divideProduct(tokens, windowUs, rest, limit);
  return division.remainder > 0 ? division.quotient + 1 : division.quotient;
}

/** Microseconds until the bucket is empty, if `extra` is used now and every hold stays open to its end. */
function emptyAfterUs(
  heap: Heap,
  block: number,
  tail: number,
  limit: number,
  windowUs: number,
  stampUs: number,
  extra: number,
): number {
  return level.held === 0
    ? drainUs(level.used + extra, level.rest, limit, windowUs)
    : emptyAfterHoldsUs(heap, block, tail, limit, windowUs, stampUs, extra);
}

/** The same for a bucket with open holds. Starts from {@link level}, and leaves it as it was. */
function emptyAfterHoldsUs(
  heap: Heap,
  block: number,
  tail: number,
  limit: number,
  windowUs: number,
  stampUs: number,
  extra: number,
): number {
  const { used, rest } = level;
  pour(extra);
  let atUs = stampUs;
  for (let i = level.open; i < countOf(heap, block); i++) {
    const endUs = dateAt(heap, block, tail, i);
    drain(endUs - atUs, limit, windowUs);
    pour(amountAt(heap, block, tail, i));
    atUs = endUs;
  }
  const afterUs = atUs - stampUs + drainUs(level.used, level.rest, limit, windowUs);
  level.used = used;
  level.rest = rest;
  return afterUs;
}

/**
 * Microseconds until `wanted` fits, if every hold stays open to its end: what drains until then makes room, and a hold
 * that ends becomes used, which then drains. Called only if it does not fit now; leaves {@link level} undefined.
 */
function fitsAfterUs(heap: Heap, block: number, tail: number, quota: Quota, wanted: number, stampUs: number): number {
  const { windowUs } = quota;
  const { limit } = level;
  const segments = level.held === 0 ? 0 : countOf(heap, block);
  let atUs = stampUs;
  for (let i = level.open; i < segments; i++) {
    const endUs = dateAt(heap, block, tail, i);
    const room = quota.burst - level.held - wanted;
    if (room >= 0) {
      const waitUs = drainUs(level.used - room, level.rest, limit, windowUs);
      if (waitUs <= endUs - atUs) return atUs + waitUs - stampUs;
    }
    const amount = amountAt(heap, block, tail, i);
    drain(endUs - atUs, limit, windowUs);
    pour(amount);
    level.held -= amount;
    atUs = endUs;
  }
  return atUs - stampUs + drainUs(level.used + wanted - quota.burst, level.rest, limit, windowUs);
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
  const { limit, windowUs, burst } = quota;
  if (limit === 0) {
    verdict.allowed = false;
    verdict.never = true;
    verdict.available = 0;
    verdict.retryAfterUs = 0;
    verdict.resetNowUs = 0;
    verdict.resetChargedUs = 0;
    return;
  }
  levelAt(heap, block, tail, quota, stampUs);
  const available = burst - level.held - level.used - (level.rest > 0 ? 1 : 0);
  const wanted = ahead + cost;
  verdict.available = Math.max(available, 0);
  verdict.never = wanted > burst;
  verdict.allowed = wanted <= available;
  verdict.resetNowUs = emptyAfterUs(heap, block, tail, level.limit, windowUs, stampUs, 0);
  verdict.resetChargedUs = verdict.allowed ? emptyAfterUs(heap, block, tail, limit, windowUs, stampUs, wanted) : 0;
  verdict.retryAfterUs = verdict.allowed || verdict.never ? 0 : fitsAfterUs(heap, block, tail, quota, wanted, stampUs);
  if (level.emptyUs < MAX_SAFE) {
    verdict.resetNowUs = Math.min(verdict.resetNowUs, level.emptyUs - stampUs);
    verdict.retryAfterUs = Math.min(verdict.retryAfterUs, level.emptyUs - stampUs);
  }
}

function usedAt(heap: Heap, block: number, tail: number, quota: Quota, stampUs: number): number {
  levelAt(heap, block, tail, quota, stampUs);
  return Math.min(MAX_USED, level.held + level.used + (level.rest > 0 ? 1 : 0));
}

/** Puts {@link level} into the block; the ring must hold open segments only. */
function write(heap: Heap, block: number, tail: number, quota: Quota, stampUs: number): number {
  const limit = quota.limit > 0 ? quota.limit : Math.max(1, heap.word(block, WORD_LIMIT));
  let emptyUs = stampUs;
  if (countOf(heap, block) === 0) {
    emptyUs += drainUs(level.used, level.rest, limit, quota.windowUs);
  } else {
    level.open = 0;
    level.held = sumOf(heap, block);
    emptyUs += emptyAfterHoldsUs(heap, block, tail, limit, quota.windowUs, stampUs, 0);
  }
  heap.touch(block);
  const numbers = heap.f64[Heap.chunkOf(block)]!;
  const words = heap.u32[Heap.chunkOf(block)]!;
  const cell = Heap.cellOf(block);
  numbers[cell + CELL_AT] = stampUs;
  words[cell * 2 + WORD_USED] = level.used;
  words[cell * 2 + WORD_LIMIT] = limit;
  numbers[cell + CELL_REST] = level.rest;
  numbers[cell + CELL_EXPIRY] = Math.min(MAX_SAFE, emptyUs);
  return block;
}

/** Reads the level, and forgets the holds that have ended: they are in it. */
function settleEnded(heap: Heap, block: number, tail: number, quota: Quota, stampUs: number): void {
  levelAt(heap, block, tail, quota, stampUs);
  if (level.segments > 0) dropPast(heap, block, tail, stampUs);
}

function charge(heap: Heap, block: number, tail: number, quota: Quota, cost: number, stampUs: number): number {
  levelAt(heap, block, tail, quota, stampUs);
  if (level.segments > 0) dropPast(heap, block, tail, stampUs);
  pour(cost);
  return write(heap, block, tail, quota, stampUs);
}

function hold(
  heap: Heap,
  block: number,
  tail: number,
  quota: Quota,
  { cost, expiryUs }: Hold,
  stampUs: number,
  mover: BlockMover,
): number {
  if (expiryUs <= stampUs) return charge(heap, block, tail, quota, cost, stampUs);
  settleEnded(heap, block, tail, quota, stampUs);
  const home = addAmount(heap, block, tail, stampUs, expiryUs, cost, OWN_GRID, mover);
  return write(heap, home, tail, quota, stampUs);
}

function settle(
  heap: Heap,
  block: number,
  tail: number,
  quota: Quota,
  { cost, expiryUs }: Hold,
  actual: number,
  stampUs: number,
): number {
  if (expiryUs <= stampUs) return block;
  settleEnded(heap, block, tail, quota, stampUs);
  removeAmount(heap, block, tail, expiryUs, cost);
  pour(actual);
  return write(heap, block, tail, quota, stampUs);
}

/** The rate that it knew stays: what is held is laid on again, and brings none. */
function reset(heap: Heap, block: number): void {
  clearAmounts(heap, block);
  heap.setNumber(block, CELL_EXPIRY, 0);
  heap.setNumber(block, CELL_AT, 0);
  heap.setWord(block, WORD_USED, 0);
  heap.setNumber(block, CELL_REST, 0);
}

/**
 * A bucket of `burst` tokens, refilled at `limit` per window; with a burst of 1 it is the leaky bucket. It is GCRA, told
 * from the bucket's side: GCRA's theoretical arrival time is a fraction whose denominator is the limit, and the burst's
 * horizon can lie beyond 2^53 microseconds; what is *used* is at most the burst, with a rest in 1/window, so it is exact
 * for all rules.
 *
 * Bound: in every interval of length t at most `burst + limit × t / window`. What a hold keeps is neither used nor free:
 * it does not drain, and becomes used when it is settled or ends (SEMANTICS R1). Above 288 holds with different ends,
 * one that nobody settles ends late by less than 1/128 of the time between the first end and the last, never early.
 *
 * Callers that disagree may ask by other limits than that of the last charge: the bucket then drains at the slower of the
 * two rates, but at the latest when it is empty by the rate of that charge it is as if never used, lest its memory depend
 * on rates yet to come. So the bound is that of the fastest rate. Where a rate changes for good (an override, a tier) the
 * bucket is reckoned at that stamp, by a charge of 0 at either rate; a change of a policy ends its epoch.
 *
 * Bytes: for a key of 20 in all 121, however many admissions, and 12 for each open hold with an end of its own.
 */
export const tokenBucket: CountingAlgorithm = {
  headCells: 4,
  tailCells: 0,
  initialize(heap, block, tail, cells) {
    initializeAmounts(heap, block, tail, cells);
    reset(heap, block);
    heap.setWord(block, WORD_LIMIT, 0);
  },
  reset,
  judge,
  usedAt,
  charge,
  hold,
  settle,
  leaseEndUs: longestLeaseEndUs,
  fingerprint: (heap, block) =>
    heap.word(block, WORD_USED) ^
    Math.imul(heap.number(block, CELL_REST) | 0, 0x85ebca6b) ^
    Math.imul(heap.number(block, CELL_AT) | 0, 0xc2b2ae35) ^
    Math.imul(wordOf(heap, block), 0x27d4eb2f),
};
