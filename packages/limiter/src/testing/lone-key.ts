import { CELL_EXPIRY, type CountingAlgorithm, createVerdict, type Hold, type Quota } from "../algorithms/algorithm.ts";
import { Heap, PageKind } from "../memory/heap.ts";
import { Slab } from "../memory/slab.ts";

const heap = new Heap();
const slab = new Slab(heap, PageKind.keys);
/** Cells of the identity that a key of 20 bytes has. */
const IDENTITY_CELLS = 6;

/** What a judgement says, as a value of its own. */
export interface Judgement {
  readonly allowed: boolean;
  readonly never: boolean;
  readonly available: number;
  readonly retryAfterUs: number;
  readonly resetNowUs: number;
  readonly resetChargedUs: number;
}

/** The block of one key, without a table around it: an algorithm on virtual stamps. */
export class LoneKey {
  readonly algorithm: CountingAlgorithm;
  quota: Quota;
  #block: number;
  #cells: number;
  readonly #tail: number;
  readonly #verdict = createVerdict();

  constructor(algorithm: CountingAlgorithm, quota: Quota, identityCells = IDENTITY_CELLS) {
    this.algorithm = algorithm;
    this.quota = quota;
    this.#tail = 3 + algorithm.headCells + identityCells;
    this.#cells = Slab.blockCells(this.#tail + algorithm.tailCells);
    this.#block = slab.take(this.#cells);
    heap.setWord(this.#block, 0, 1);
    heap.setNumber(this.#block, CELL_EXPIRY, 0);
    algorithm.initialize(heap, this.#block, this.#tail, this.#cells);
  }

  /** Bytes of the block. */
  get bytes(): number {
    return this.#cells * 8;
  }

  get expiryUs(): number {
    return heap.number(this.#block, CELL_EXPIRY);
  }

  get fingerprint(): number {
    return this.algorithm.fingerprint(heap, this.#block) | 0;
  }

  /** As {@link BlockMover}. */
  grow(block: number, contentCells: number, cells: number): number {
    const grown = slab.take(cells);
    for (let i = 0; i < contentCells * 2; i++) heap.setWord(grown, i, heap.word(block, i));
    slab.give(block);
    this.#cells = cells;
    return grown;
  }

  judge(cost: number, stampUs: number, ahead = 0): Judgement {
    this.algorithm.judge(heap, this.#block, this.#tail, this.quota, cost, ahead, stampUs, this.#verdict);
    return { ...this.#verdict };
  }

  /** Takes if that is allowed. */
  take(cost: number, stampUs: number): boolean {
    const { allowed } = this.judge(cost, stampUs);
    if (allowed) this.charge(cost, stampUs);
    return allowed;
  }

  charge(cost: number, stampUs: number): void {
    this.#block = this.algorithm.charge(heap, this.#block, this.#tail, this.quota, cost, stampUs, this);
  }

  hold(hold: Hold, stampUs: number): void {
    this.#block = this.algorithm.hold(heap, this.#block, this.#tail, this.quota, hold, stampUs, this);
  }

  settle(hold: Hold, actual: number, stampUs: number): void {
    this.#block = this.algorithm.settle(heap, this.#block, this.#tail, this.quota, hold, actual, stampUs, this);
  }

  usedAt(stampUs: number): number {
    return this.algorithm.usedAt(heap, this.#block, this.#tail, this.quota, stampUs);
  }

  reset(): void {
    this.algorithm.reset(heap, this.#block);
  }

  /** The block's cells, to come back to with {@link restore} as long as it has not grown. */
  save(): number[] {
    return Array.from({ length: this.#cells * 2 }, (_, word) => heap.word(this.#block, word));
  }

  restore(words: readonly number[]): void {
    for (const [word, value] of words.entries()) heap.setWord(this.#block, word, value);
  }
}

/** A reservation: windows date it when it is made. */
export function reservation(cost: number, stampUs: number, expiryUs: number): Hold {
  return { cost, fromUs: stampUs, datedUs: stampUs, expiryUs };
}

/** A lease: windows date it at its end. */
export function lease(cost: number, stampUs: number, endUs: number): Hold {
  return { cost, fromUs: stampUs, datedUs: endUs, expiryUs: endUs };
}
