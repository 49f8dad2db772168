import type { Heap } from "../memory/heap.ts";
import { Slab } from "../memory/slab.ts";
import { type BlockMover, ownBits, setOwnBits } from "./algorithm.ts";

/**
 * So many ends are told apart: more, and a block would not hold them. A second, the longest lease, ends in as many
 * windows only where they are shorter than 3 ms.
 */
export const MAX_ENDS = 360;
const MAX_COUNT = 4_294_967_295;

/** How many ends the block has room for. */
const capacityOf = ownBits;

/** Whether some window behind the next one counted something when the block was written last. */
export function hasFarCounts(heap: Heap, block: number): boolean {
  return capacityOf(heap, block) > 0;
}

/** The words behind the block's identity mean nothing any more. */
export function forgetFarCounts(heap: Heap, block: number): void {
  setOwnBits(heap, block, 0);
}

/**
 * Counts that go on through many windows, and end: amounts by the window in which each counts last, in order. A window
 * counts all that end in it or later, so one word for each amount does, however many windows it goes through.
 *
 * In a block: how many there are, in the first cell behind the identity, then where their last windows begin, then the
 * amounts; how many ends it has room for in the own bits of word 0: none, usually. Here: a copy, to be read, changed, and written again.
 */
export class FarCounts {
  readonly #endsUs = new Float64Array(MAX_ENDS);
  readonly #amounts = new Uint32Array(MAX_ENDS);
  #count = 0;

  clear(): void {
    this.#count = 0;
  }

  /** Where the last window begins that counts something of it; 0: there is none. */
  get lastUs(): number {
    return this.#count === 0 ? 0 : this.#endsUs[this.#count - 1]!;
  }

  /** What the window that begins there counts of it. */
  countFrom(startUs: number): number {
    let sum = 0;
    for (let at = this.#count - 1; at >= 0 && this.#endsUs[at]! >= startUs; at--) sum += this.#amounts[at]!;
    return Math.min(MAX_COUNT, sum);
  }

  /** Forgets what ends in windows that begin earlier. */
  dropBefore(startUs: number): void {
    let ended = 0;
    while (ended < this.#count && this.#endsUs[ended]! < startUs) ended++;
    if (ended > 0) this.#remove(0, ended);
  }

  /** Adds `amount`, which may be negative, to every window up to the one that begins there. */
  add(lastUs: number, amount: number): void {
    let at = this.#count;
    while (at > 0 && this.#endsUs[at - 1]! >= lastUs) at--;
    if (amount < 0) this.#take(at, -amount);
    else this.#put(at, lastUs, amount);
  }

  #put(at: number, lastUs: number, amount: number): void {
    const isThere = at < this.#count && this.#endsUs[at] === lastUs;
    if (!isThere && this.#count < MAX_ENDS) {
      this.#endsUs.copyWithin(at + 1, at, this.#count);
      this.#amounts.copyWithin(at + 1, at, this.#count);
      this.#endsUs[at] = lastUs;
      this.#amounts[at] = amount;
      this.#count++;
      return;
    }
    // With too many ends, it ends with the one after it: late, and never early.
    const home = Math.min(at, this.#count - 1);
    if (this.#endsUs[home]! < lastUs) this.#endsUs[home] = lastUs;
    this.#amounts[home] = Math.min(MAX_COUNT, this.#amounts[home]! + amount);
  }

  /** Takes it from those that end there or later, the earliest first: what was put with a later one is there. */
  #take(from: number, amount: number): void {
    let left = amount;
    let emptied = 0;
    for (let at = from; at < this.#count && left > 0; at++) {
      const taken = Math.min(left, this.#amounts[at]!);
      this.#amounts[at] = this.#amounts[at]! - taken;
      left -= taken;
      if (this.#amounts[at] === 0) emptied++;
    }
    if (emptied > 0) this.#remove(from, emptied);
  }

  #remove(from: number, removed: number): void {
    this.#endsUs.copyWithin(from, from + removed, this.#count);
    this.#amounts.copyWithin(from, from + removed, this.#count);
    this.#count -= removed;
  }

  read(heap: Heap, block: number, tail: number): void {
    const capacity = capacityOf(heap, block);
    this.#count = heap.word(block, tail * 2);
    for (let at = 0; at < this.#count; at++) {
      this.#endsUs[at] = heap.number(block, tail + 1 + at);
      this.#amounts[at] = heap.word(block, (tail + 1 + capacity) * 2 + at);
    }
  }

  /** Returns the block, which may have moved. */
  write(heap: Heap, block: number, tail: number, mover: BlockMover): number {
    const count = this.#count;
    const before = capacityOf(heap, block);
    if (count === 0) {
      if (before > 0) forgetFarCounts(heap, block);
      return block;
    }
    const home = count > before ? enlarge(heap, block, tail, count, mover) : block;
    const amounts = (tail + 1 + capacityOf(heap, home)) * 2;
    heap.setWord(home, tail * 2, count);
    for (let at = 0; at < count; at++) {
      heap.setNumber(home, tail + 1 + at, this.#endsUs[at]!);
      heap.setWord(home, amounts + at, this.#amounts[at]!);
    }
    return home;
  }
}

/** Makes room for as many ends, and for some more if there are several. */
function enlarge(heap: Heap, block: number, tail: number, ends: number, mover: BlockMover): number {
  const wanted = ends === 1 ? 1 : Math.min(MAX_ENDS, ends * 2);
  const cells = Slab.blockCells(tail + 1 + wanted + ((wanted + 1) >> 1));
  const home = mover.grow(block, tail, cells);
  setOwnBits(heap, home, Math.min(MAX_ENDS, Math.floor(((cells - tail - 1) * 2) / 3)));
  return home;
}
