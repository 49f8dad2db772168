import type { ResultColumns } from "../call-batch.ts";
import { mixWords } from "../hash/sip.ts";
import { HashIndex, WORD_LINK } from "../memory/hash-index.ts";
import type { Heap } from "../memory/heap.ts";
import type { MetaReader, MetaWriter } from "../memory/meta.ts";
import type { Slab } from "../memory/slab.ts";
import type { GrowingResultColumns } from "../result-columns.ts";
import { BlockKind } from "./block-kinds.ts";
import { freePayload, PAYLOAD_CELLS, readPayload, writePayload } from "./payload.ts";

const WORD_SESSION = 3;
const CELL_NUMBER = 2;
const WORD_BEFORE = 6;
const WORD_AFTER = 7;
const CELL_STAMP = 4;
const CELL_INDEX = 5;
const CELL_PAYLOAD = 6;

/** Words of a session's block that hold how many results it has, and the first and last of them. */
export const WORD_RESULTS = 14;
export const WORD_FIRST_RESULT = 15;
export const WORD_LAST_RESULT = 16;

/**
 * What the calls of sessions came to, by session and number, until they are acknowledged (SEMANTICS S3). A block per
 * call: numbers may have gaps, since denials from applied state never reach the log, and retries may come in any order.
 */
export class StoredCalls {
  readonly #heap: Heap;
  readonly #slab: Slab;
  readonly #index: HashIndex;
  #seed = 0x3c6ef372;

  constructor(heap: Heap, slab: Slab) {
    this.#heap = heap;
    this.#slab = slab;
    this.#index = new HashIndex(heap);
  }

  /** Only while nothing is stored. */
  reseed(seed: number): void {
    this.#seed = seed | 0;
  }

  #hash(session: number, number: number): number {
    return mixWords(this.#seed ^ Math.imul(session, 0x9e3779b1), number | 0, (number / 4294967296) | 0);
  }

  /** The block of a stored call, or 0. */
  find(session: number, number: number): number {
    const heap = this.#heap;
    let block = this.#index.first(this.#hash(session, number));
    while (block !== 0) {
      if (heap.word(block, WORD_SESSION) === session && heap.number(block, CELL_NUMBER) === number) return block;
      block = heap.word(block, WORD_LINK);
    }
    return 0;
  }

  items(block: number): number {
    return this.#heap.word(block, 0) >>> 8;
  }

  stampUs(block: number): number {
    return this.#heap.number(block, CELL_STAMP);
  }

  entryIndex(block: number): number {
    return this.#heap.number(block, CELL_INDEX);
  }

  read(block: number, into: GrowingResultColumns, at: number): void {
    readPayload(this.#heap, block, CELL_PAYLOAD, this.items(block), into, at);
  }

  store(
    session: number,
    number: number,
    results: ResultColumns,
    from: number,
    items: number,
    stampUs: number,
    entryIndex: number,
  ): void {
    const heap = this.#heap;
    const block = this.#slab.take(CELL_PAYLOAD + PAYLOAD_CELLS);
    heap.setWord(block, 0, BlockKind.result | (items << 8));
    heap.setWord(block, WORD_SESSION, session);
    heap.setNumber(block, CELL_NUMBER, number);
    heap.setNumber(block, CELL_STAMP, stampUs);
    heap.setNumber(block, CELL_INDEX, entryIndex);
    writePayload(heap, this.#slab, block, CELL_PAYLOAD, results, from, items);
    const last = heap.word(session, WORD_LAST_RESULT);
    heap.setWord(block, WORD_BEFORE, last);
    heap.setWord(block, WORD_AFTER, 0);
    if (last === 0) heap.setWord(session, WORD_FIRST_RESULT, block);
    else heap.setWord(last, WORD_AFTER, block);
    heap.setWord(session, WORD_LAST_RESULT, block);
    heap.setWord(session, WORD_RESULTS, heap.word(session, WORD_RESULTS) + 1);
    this.#index.insert(this.#hash(session, number), block);
  }

  /** Forgets the calls numbered above `from` up to `through`: by number if that is the shorter way, else by the list. */
  forget(session: number, from: number, through: number): void {
    const heap = this.#heap;
    if (through - from <= heap.word(session, WORD_RESULTS) * 2 + 16) {
      for (let number = from + 1; number <= through; number++) {
        const block = this.find(session, number);
        if (block !== 0) this.#free(session, block);
      }
      return;
    }
    for (let block = heap.word(session, WORD_FIRST_RESULT); block !== 0; ) {
      const after = heap.word(block, WORD_AFTER);
      if (heap.number(block, CELL_NUMBER) <= through) this.#free(session, block);
      block = after;
    }
  }

  #free(session: number, block: number): void {
    const heap = this.#heap;
    const before = heap.word(block, WORD_BEFORE);
    const after = heap.word(block, WORD_AFTER);
    if (before === 0) heap.setWord(session, WORD_FIRST_RESULT, after);
    else heap.setWord(before, WORD_AFTER, after);
    if (after === 0) heap.setWord(session, WORD_LAST_RESULT, before);
    else heap.setWord(after, WORD_BEFORE, before);
    heap.setWord(session, WORD_RESULTS, heap.word(session, WORD_RESULTS) - 1);
    freePayload(heap, this.#slab, block, CELL_PAYLOAD, this.items(block));
    this.#index.remove(block);
    this.#slab.give(block);
  }

  save(meta: MetaWriter): void {
    this.#index.save(meta);
    meta.number(this.#seed);
  }

  load(meta: MetaReader): void {
    this.#index.load(meta);
    this.#seed = meta.number();
  }
}
