import type { Heap } from "../memory/heap.ts";
import type { Slab } from "../memory/slab.ts";

const TAG = 17;
const CELLS = 6;

/** What became of the calls under a policy since it was first put. */
export interface PolicyCounters {
  readonly allowed: number;
  readonly denied: number;
  /** Under a shadow policy: calls that were allowed and would have been denied. */
  readonly wouldHaveDenied: number;
  readonly bans: number;
}

/** The counters by their cell. */
export const Counter = { allowed: 1, denied: 2, wouldHaveDenied: 3, bans: 4 } as const;

/** Counters at zero, in the heap, so that a snapshot has them. */
export function createCounters(heap: Heap, slab: Slab): number {
  const block = slab.take(CELLS);
  heap.setWord(block, 0, TAG);
  for (let cell = 1; cell < CELLS; cell++) heap.setNumber(block, cell, 0);
  return block;
}

/** One more of a counter. */
export function count(heap: Heap, block: number, counter: (typeof Counter)[keyof typeof Counter]): void {
  heap.setNumber(block, counter, heap.number(block, counter) + 1);
}

/** The counters of a policy. */
export function readCounters(heap: Heap, block: number): PolicyCounters {
  return {
    allowed: heap.number(block, Counter.allowed),
    denied: heap.number(block, Counter.denied),
    wouldHaveDenied: heap.number(block, Counter.wouldHaveDenied),
    bans: heap.number(block, Counter.bans),
  };
}
