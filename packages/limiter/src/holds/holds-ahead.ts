import { mixWords } from "../hash/sip.ts";
import { type HashIndex, WORD_HASH, WORD_LINK } from "../memory/hash-index.ts";
import type { Heap } from "../memory/heap.ts";
import type { HeldKeys } from "./held-keys.ts";
import { CELL_NUMBER, WORD_KEY_RECORD, WORD_SESSION_AFTER, WORD_SESSION_BEFORE } from "./hold-block.ts";

const SEED = 0x1f83d9ab;

/** By which a hold is found. */
export function hashOfNumber(number: number): number {
  return mixWords(SEED, number | 0, (number / 4294967296) | 0);
}

/**
 * Reads what the calls of a frame are about to ask of holds, for many of them at once: to end one leads from its number to
 * its block, to its neighbours and to its key's record, and each of them would be waited for in turn. Changes nothing.
 */
export class HoldsAhead {
  readonly #heap: Heap;
  readonly #byNumber: HashIndex;
  readonly #heldKeys: HeldKeys;
  #numbers = new Float64Array(64);
  #hashes = new Uint32Array(64);
  #blocks = new Uint32Array(64);
  #read = 0;

  constructor(heap: Heap, byNumber: HashIndex, heldKeys: HeldKeys) {
    this.#heap = heap;
    this.#byNumber = byNumber;
    this.#heldKeys = heldKeys;
  }

  /** What {@link prefetch} read last: kept, so that the reads are not optimized away. Of no meaning. */
  get read(): number {
    return this.#read;
  }

  /** Whichever of `items` numbers `numberOf` says; 0 stands for a hold that is to be opened, the first of them with `nextNumber`. */
  prefetch(items: number, numberOf: (item: number) => number, nextNumber: number): void {
    if (this.#numbers.length < items) {
      this.#numbers = new Float64Array(items * 2);
      this.#hashes = new Uint32Array(items * 2);
      this.#blocks = new Uint32Array(items * 2);
    }
    const numbers = this.#numbers;
    let ends = 0;
    for (let item = 0; item < items; item++) {
      const number = numberOf(item);
      if (number !== 0) numbers[ends++] = number;
    }
    for (let i = ends; i < items; i++) numbers[i] = nextNumber + i - ends;
    for (let i = 0; i < items; i++) this.#hashes[i] = hashOfNumber(numbers[i]!);
    this.#byNumber.firsts(this.#hashes, items, this.#blocks);
    this.#read = this.#readBlocks(ends) ^ this.#readAround(ends);
  }

  #readBlocks(ends: number): number {
    const heap = this.#heap;
    const blocks = this.#blocks;
    let read = 0;
    for (let i = 0; i < ends; i++) if (blocks[i] !== 0) read ^= heap.readAhead(blocks[i]!);
    for (let i = 0; i < ends; i++) {
      const block = blocks[i]!;
      if (block === 0 || heap.number(block, CELL_NUMBER) === this.#numbers[i]) continue;
      const second = heap.word(block, WORD_LINK);
      blocks[i] = second;
      if (second !== 0) read ^= heap.readAhead(second);
    }
    return read;
  }

  /** The neighbours in the sessions' lists, the keys' records, and the buckets in which these are found. */
  #readAround(ends: number): number {
    const heap = this.#heap;
    const hashes = this.#hashes;
    let read = 0;
    let records = 0;
    for (let i = 0; i < ends; i++) {
      const block = this.#blocks[i]!;
      if (block === 0) continue;
      const before = heap.word(block, WORD_SESSION_BEFORE);
      const after = heap.word(block, WORD_SESSION_AFTER);
      if (before !== 0) read ^= heap.word(before, WORD_SESSION_AFTER);
      if (after !== 0) read ^= heap.word(after, WORD_SESSION_BEFORE);
      hashes[records++] = heap.word(heap.word(block, WORD_KEY_RECORD), WORD_HASH);
    }
    this.#heldKeys.firsts(hashes, records, this.#blocks);
    return read;
  }
}
