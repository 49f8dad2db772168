import type { Heap } from "../memory/heap.ts";

/** Cell of every key block that holds the stamp from which it is as if never used. */
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
 * One way to count. State lives in a block of the heap: cells 0 to 2 belong to the key table (tag, hash, link,
 * lengths, expiry), then come the algorithm's own `headCells`, the identity, and whatever the algorithm keeps behind it.
 */
export interface CountingAlgorithm {
  /** Cells of own state before the identity. */
  readonly headCells: number;
  /** Cells behind the identity that a new block must have at least. */
  readonly tailCells: number;
  /** Sets up the own state of a new block. `tail` is the first cell behind the identity, `cells` the block's size. */
  initialize(heap: Heap, block: number, tail: number, cells: number): void;
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
  /** Charges an allowed take; returns the block, which may have moved. Sets its expiry. */
  charge(
    heap: Heap,
    block: number,
    tail: number,
    quota: Quota,
    cost: number,
    stampUs: number,
    mover: BlockMover,
  ): number;
  /** A word that changes with the block's state, for the rolling hash. */
  fingerprint(heap: Heap, block: number): number;
}
