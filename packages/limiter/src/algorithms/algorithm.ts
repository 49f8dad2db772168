import type { Heap } from "../memory/heap.ts";

/** Cells that every key block has before an algorithm's own. */
export const COMMON_CELLS = 3;
/** Cell of every key block that holds the stamp from which it is as if never used, and holds nothing. */
export const CELL_EXPIRY = 2;
/** Identity lengths: prefix in the low half, key in the high half. */
export const WORD_LENGTHS = 3;

/** The numbers of a rule that an algorithm counts with; the window in microseconds, the burst 0 for windows. */
export interface Quota {
  readonly limit: number;
  readonly windowUs: number;
  readonly burst: number;
}

/** What a take would come to; filled in by {@link CountingAlgorithm.judge}, so that the hot path allocates nothing. */
export interface Verdict {
  allowed: boolean;
  /** Could never be allowed, however long one waits (SEMANTICS K3). */
  never: boolean;
  /** What the key could take at once, nothing of this call charged. */
  available: number;
  /** Microseconds until the same call would be allowed; 0 if it is, or never is. */
  retryAfterUs: number;
  /** Microseconds until the key is as if never used: if nothing is charged, and if this call is. */
  resetNowUs: number;
  resetChargedUs: number;
}

/** A verdict to be filled in; its numbers start as fractions, so that engines keep room for doubles. */
export function createVerdict(): Verdict {
  return { allowed: false, never: false, available: 0.5, retryAfterUs: 0.5, resetNowUs: 0.5, resetChargedUs: 0.5 };
}

/** Gives a key's state a larger block when its own has become too small. */
export interface BlockMover {
  /** A block of at least `cells` with the same content and place in the index; the old one is freed. */
  grow(block: number, contentCells: number, cells: number): number;
}

/**
 * An amount that a reservation, a slot or a lease keeps from others until it is settled or expires. Whoever keeps the
 * holds hands the same four numbers to {@link CountingAlgorithm.hold} and {@link CountingAlgorithm.settle}.
 */
export interface Hold {
  /** 1 to 2^31-1. */
  readonly cost: number;
  /**
   * The stamps between which it may be spent, as windows see it. A reservation or slot: both are the stamp at which it
   * was made. A lease: from the grant (or the takeover that moved it), and never later than the counter's own stamp, to its
   * end. They are a tenth of a window apart at most, unless it was granted under longer windows, or moved while its
   * counter stood still: then it may be very many windows.
   */
  readonly fromUs: number;
  readonly datedUs: number;
  /** The stamp at which it is over if nobody settles it; a lease: `datedUs`. */
  readonly expiryUs: number;
}

/**
 * One way to count. State lives in a block of the heap: cells 0 to 2 belong to the key table (tag, hash, link,
 * lengths, expiry), then come the algorithm's own `headCells`, the identity, and whatever the algorithm keeps behind it
 * from cell `tail` on. Stamps, windows and durations are whole microseconds, amounts whole units of cost.
 *
 * What an algorithm counts is decided by comparison with the stamp, holds included: an expired hold needs no call.
 * Stamps never run backwards from one change to the next. Every change sets the block's expiry, which is at or after
 * the stamp from which the key is as if never used, and after the end of every hold: a key that holds is never swept.
 *
 * The rest is made of these: a **move** of a hold (takeover, renewal) is `settle` with 0 at the last stamp at which it
 * was alive, and `hold` anew. A **reset** that keeps holds (SEMANTICS L3) is `reset`, and `hold` for each that is open.
 * A **conversion** (K1) is `settle` with 0 for each that is open, `usedAt`, a new block of the other algorithm, `charge`
 * of what was used at the stamp of the change, at most its capacity, and `hold` for each.
 */
export interface CountingAlgorithm {
  /** Cells of own state before the identity. */
  readonly headCells: number;
  /** Cells behind the identity that a new block must have at least. */
  readonly tailCells: number;
  /** Sets up the own state of a new block. `tail` is the first cell behind the identity, `cells` the block's size. */
  initialize(heap: Heap, block: number, tail: number, cells: number): void;
  /** Forgets everything, holds included: the key is as if never used. */
  reset(heap: Heap, block: number): void;
  /**
   * Judges a take of `cost` after `ahead` has been taken of the same key in the same group; changes nothing.
   * `block` 0: the key has no state.
   */
  judge(
    heap: Heap,
    block: number,
    tail: number,
    quota: Quota,
    cost: number,
    ahead: number,
    stampUs: number,
    verdict: Verdict,
  ): void;
  /** What counts at the stamp, holds included, whatever the limit: 0 to 2^32-1, rounded up. */
  usedAt(heap: Heap, block: number, tail: number, quota: Quota, stampUs: number): number;
  /**
   * Charges without asking: an allowed take, or a debt. No key counts more than 2^32-1: of a debt beyond it the rest is
   * forgotten. Returns the block, which may have moved.
   */
  charge(
    heap: Heap,
    block: number,
    tail: number,
    quota: Quota,
    cost: number,
    stampUs: number,
    mover: BlockMover,
  ): number;
  /** Withholds without asking what was judged as a take of the same cost; returns the block, which may have moved. */
  hold(heap: Heap, block: number, tail: number, quota: Quota, hold: Hold, stampUs: number, mover: BlockMover): number;
  /**
   * Closes a hold that has not expired: it came to `actual`. What was held beyond that is given back as far as it is
   * still counted (SEMANTICS R1); what exceeds it is a debt. Returns the block, which may have moved.
   */
  settle(
    heap: Heap,
    block: number,
    tail: number,
    quota: Quota,
    hold: Hold,
    actual: number,
    stampUs: number,
    mover: BlockMover,
  ): number;
  /** The last stamp at which a lease that is granted now may end (SEMANTICS L1); the stamp itself: none may be granted. */
  leaseEndUs(quota: Quota, stampUs: number): number;
  /** A word that changes with the block's state, for the rolling hash. */
  fingerprint(heap: Heap, block: number): number;
}

/** No lease lasts longer, in microseconds. */
const MAX_LEASE_US = 1_000_000;

/** The end of the longest lease of a rule: a second, and at most a tenth of its window. */
export function longestLeaseEndUs(quota: Quota, stampUs: number): number {
  return stampUs + Math.min(MAX_LEASE_US, Math.floor(quota.windowUs / 10));
}

/** Moves the block's expiry to `expiryUs`, unless it is later already. */
export function postponeExpiry(heap: Heap, block: number, expiryUs: number): void {
  if (heap.number(block, CELL_EXPIRY) < expiryUs) heap.setNumber(block, CELL_EXPIRY, expiryUs);
}

/** The twelve bits of word 0 that are the algorithm's own; 0 in a new block. */
export function ownBits(heap: Heap, block: number): number {
  return (heap.word(block, 0) >>> 8) & 0xfff;
}

/** Sets them, and leaves what else word 0 says: algorithm and key table have their bits there. */
export function setOwnBits(heap: Heap, block: number, bits: number): void {
  heap.setWord(block, 0, ((heap.word(block, 0) & 0xfff000ff) | (bits << 8)) >>> 0);
}
