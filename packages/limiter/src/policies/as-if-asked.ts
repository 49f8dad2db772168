import { CELL_EXPIRY, COMMON_CELLS, type Quota } from "../algorithms/algorithm.ts";
import { division, drained } from "../algorithms/arithmetic.ts";
import { algorithmOf } from "../algorithms/registry.ts";
import { weighted } from "../algorithms/sliding-window-counter.ts";
import { type Heap, PageKind } from "../memory/heap.ts";
import { Slab } from "../memory/slab.ts";
import { Algorithm } from "../rule.ts";

const MAX_USED = 4_294_967_295;

/** The numbers that a counter counts by. */
export type Numbers = Quota & { readonly algorithm: number };

/** What a counter took over, and the stamp at which it did. */
interface TakenOver {
  readonly used: number;
  readonly atUs: number;
}

/**
 * How much of what is carried over a counter takes: a bucket its burst, since it would take beyond all measure to drain
 * more at a lower rate; a window everything, since it forgets it with its window however much it is.
 */
export function roomOf(algorithm: number, quota: Quota): number {
  return algorithm === Algorithm.tokenBucket ? quota.burst : MAX_USED;
}

/** What a counter would say that took something over and was never asked since, where there is none. */
export class AsIfAsked {
  readonly #heap: Heap;
  readonly #slab: Slab;

  /** `scratch` is memory of its own, which no state is in. */
  constructor(scratch: Heap) {
    this.#heap = scratch;
    this.#slab = new Slab(scratch, PageKind.keys);
  }

  /** What is left of it at `toUs`. */
  usedAt(numbers: Numbers, { used, atUs }: TakenOver, toUs: number): number {
    const { algorithm, limit, windowUs, burst } = numbers;
    // Of up to 32 rules for each of thousands of keys: what a counter would say, without one.
    if (algorithm === Algorithm.tokenBucket) {
      drained(toUs - atUs, Math.max(1, limit), windowUs);
      return Math.max(0, Math.min(used, burst) - division.quotient);
    }
    if (algorithm === Algorithm.slidingWindowLog || algorithm === Algorithm.concurrency) {
      return toUs < atUs + windowUs ? used : 0;
    }
    const windows = Math.floor(toUs / windowUs) - Math.floor(atUs / windowUs);
    if (windows === 0) return used;
    if (windows > 1 || algorithm === Algorithm.fixedWindow) return 0;
    // The window before counts for what of it is still in the one that ends now.
    return weighted(Math.min(used, MAX_USED), windowUs - (toUs % windowUs), windowUs);
  }

  /** The stamp from which on nothing is left of it. */
  emptyUs(numbers: Numbers, taken: TakenOver): number {
    return this.#counting(numbers, taken, (block) => this.#heap.number(block, CELL_EXPIRY));
  }

  /** Asks a counter that is gone afterwards. */
  #counting(numbers: Numbers, { used, atUs }: TakenOver, ask: (block: number) => number): number {
    const algorithm = algorithmOf(numbers.algorithm)!;
    const heap = this.#heap;
    const tail = COMMON_CELLS + algorithm.headCells;
    const cells = Slab.blockCells(tail + algorithm.tailCells);
    const block = this.#slab.take(cells);
    for (let word = 0; word < cells * 2; word++) heap.setWord(block, word, 0);
    heap.setWord(block, 0, numbers.algorithm);
    algorithm.initialize(heap, block, tail, cells);
    const amount = Math.min(used, roomOf(numbers.algorithm, numbers));
    const mover = { grow: () => block };
    if (amount > 0) algorithm.charge(heap, block, tail, numbers, amount, atUs, mover);
    const answer = ask(block);
    this.#slab.give(block);
    return answer;
  }
}
