import { Heap, PAGE_CELLS, PageKind } from "./heap.ts";
import type { MetaReader, MetaWriter } from "./meta.ts";

/** Word of every indexed block that holds its 32-bit hash. */
export const WORD_HASH = 1;
/** Word of every indexed block that links it to the next one of its bucket. */
export const WORD_LINK = 2;

const BUCKETS_PER_PAGE = PAGE_CELLS * 2;
const PAGE_SHIFT = 12;
const FIRST_BUCKETS = 1024;

/**
 * Finds blocks by hash: linear hashing, so that the table grows by one bucket at a time.
 *
 * An open-addressing table would have to be moved as a whole, or to keep an old one beside a new one while it moves,
 * and would need tombstones; here a step of growth splits a single bucket, and a removal unlinks one block. With at
 * most one block for two buckets, a look-up reads the bucket and, mostly, one block.
 */
export class HashIndex {
  readonly #heap: Heap;
  #directory = new Uint32Array(8);
  #pages = 0;
  #buckets = 0;
  /** Buckets of the level that is being split, less 1; a hash beyond {@link #buckets} falls back to it. */
  #lowMask = FIRST_BUCKETS - 1;
  #count = 0;

  constructor(heap: Heap) {
    this.#heap = heap;
  }

  get count(): number {
    return this.#count;
  }

  /** First block of the bucket for `hash`, or 0; go on with {@link next}. Blocks of other hashes may be among them. */
  first(hash: number): number {
    if (this.#buckets === 0) return 0;
    const bucket = this.#bucketOf(hash);
    return this.#heap.word(Heap.addressOf(this.#directory[bucket >>> PAGE_SHIFT]!), bucket & (BUCKETS_PER_PAGE - 1));
  }

  /** Writes what {@link first} says of `items` hashes, in a loop so short that the processor waits for many at once. */
  firsts(hashes: Uint32Array, items: number, into: Uint32Array): void {
    const buckets = this.#buckets;
    if (buckets === 0) {
      into.fill(0, 0, items);
      return;
    }
    const heap = this.#heap;
    const directory = this.#directory;
    const lowMask = this.#lowMask;
    const highMask = lowMask * 2 + 1;
    for (let i = 0; i < items; i++) {
      const hash = hashes[i]!;
      const high = hash & highMask;
      const bucket = high < buckets ? high : hash & lowMask;
      into[i] = heap.word(Heap.addressOf(directory[bucket >>> PAGE_SHIFT]!), bucket & (BUCKETS_PER_PAGE - 1));
    }
  }

  /**
   * Reads what `inserts` insertions will split. The buckets follow one another, but what is in them lies anywhere, and
   * one split after the other would wait for it in turn. Changes nothing; returns a number of no meaning.
   */
  prefetchSplits(inserts: number): number {
    const heap = this.#heap;
    const splits = this.#buckets === 0 ? 0 : Math.min((this.#count + inserts) * 2 - this.#buckets, inserts * 3);
    let read = 0;
    for (let i = 0; i < splits; i++) {
      const head = this.#head((this.#buckets + i) & this.#lowMask);
      if (head !== 0) read ^= heap.word(head, WORD_LINK);
    }
    return read;
  }

  next(block: number): number {
    return this.#heap.word(block, WORD_LINK);
  }

  /** Adds a block; writes its hash and its link. */
  insert(hash: number, block: number): void {
    if (this.#buckets === 0) this.#start();
    const bucket = this.#bucketOf(hash);
    this.#heap.setWord(block, WORD_HASH, hash);
    this.#heap.setWord(block, WORD_LINK, this.#head(bucket));
    this.#setHead(bucket, block);
    this.#count++;
    for (let step = 0; step < 3 && this.#buckets < this.#count * 2; step++) this.#split();
  }

  remove(block: number): void {
    this.#relink(block, this.#heap.word(block, WORD_LINK));
    this.#count--;
  }

  /** Puts `moved`, a copy of `block` in another place, where `block` was. */
  replace(block: number, moved: number): void {
    this.#relink(block, moved);
  }

  #relink(block: number, to: number): void {
    const heap = this.#heap;
    const bucket = this.#bucketOf(heap.word(block, WORD_HASH));
    let at = this.#head(bucket);
    if (at === block) {
      this.#setHead(bucket, to);
      return;
    }
    for (;;) {
      const next = heap.word(at, WORD_LINK);
      if (next === block) {
        heap.setWord(at, WORD_LINK, to);
        return;
      }
      at = next;
    }
  }

  #bucketOf(hash: number): number {
    const low = hash & this.#lowMask;
    const high = hash & (this.#lowMask * 2 + 1);
    return high < this.#buckets ? high : low;
  }

  #head(bucket: number): number {
    return this.#heap.word(Heap.addressOf(this.#directory[bucket >>> PAGE_SHIFT]!), bucket & (BUCKETS_PER_PAGE - 1));
  }

  #setHead(bucket: number, block: number): void {
    const base = Heap.addressOf(this.#directory[bucket >>> PAGE_SHIFT]!);
    this.#heap.setWord(base, bucket & (BUCKETS_PER_PAGE - 1), block);
  }

  #start(): void {
    this.#addPage();
    this.#buckets = FIRST_BUCKETS;
  }

  #addPage(): void {
    if (this.#pages === this.#directory.length) {
      const grown = new Uint32Array(this.#directory.length * 2);
      grown.set(this.#directory);
      this.#directory = grown;
    }
    this.#directory[this.#pages++] = this.#heap.takePage(PageKind.table);
  }

  /** Moves what belongs to the next new bucket out of the one that stood for both. */
  #split(): void {
    const heap = this.#heap;
    const created = this.#buckets;
    if (created >= this.#pages * BUCKETS_PER_PAGE) this.#addPage();
    const source = created & this.#lowMask;
    const mask = this.#lowMask * 2 + 1;
    let block = this.#head(source);
    let kept = 0;
    let moved = 0;
    while (block !== 0) {
      const next = heap.word(block, WORD_LINK);
      if ((heap.word(block, WORD_HASH) & mask) === created) {
        heap.setWord(block, WORD_LINK, moved);
        moved = block;
      } else {
        heap.setWord(block, WORD_LINK, kept);
        kept = block;
      }
      block = next;
    }
    this.#setHead(source, kept);
    this.#setHead(created, moved);
    this.#buckets++;
    if (this.#buckets === mask + 1) this.#lowMask = mask;
  }

  save(meta: MetaWriter): void {
    meta.numbers(this.#directory.subarray(0, this.#pages));
    meta.number(this.#buckets);
    meta.number(this.#lowMask);
    meta.number(this.#count);
  }

  load(meta: MetaReader): void {
    const directory = meta.numbers();
    this.#pages = directory.length;
    this.#directory = new Uint32Array(Math.max(8, directory.length));
    this.#directory.set(directory);
    this.#buckets = meta.number();
    this.#lowMask = meta.number();
    this.#count = meta.number();
  }
}
