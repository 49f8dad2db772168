import type { Heap } from "./heap.ts";
import type { MetaReader, MetaWriter } from "./meta.ts";

/** A doubly linked list of blocks; each has two words for it. */
export class BlockList {
  readonly #heap: Heap;
  readonly #before: number;
  readonly #after: number;
  #first = 0;
  #last = 0;
  #count = 0;

  /** `word` and the one after it belong to the list. */
  constructor(heap: Heap, word: number) {
    this.#heap = heap;
    this.#before = word;
    this.#after = word + 1;
  }

  get first(): number {
    return this.#first;
  }

  get count(): number {
    return this.#count;
  }

  after(block: number): number {
    return this.#heap.word(block, this.#after);
  }

  append(block: number): void {
    this.#heap.setWord(block, this.#before, this.#last);
    this.#heap.setWord(block, this.#after, 0);
    if (this.#last === 0) this.#first = block;
    else this.#heap.setWord(this.#last, this.#after, block);
    this.#last = block;
    this.#count++;
  }

  remove(block: number): void {
    const before = this.#heap.word(block, this.#before);
    const after = this.#heap.word(block, this.#after);
    if (before === 0) this.#first = after;
    else this.#heap.setWord(before, this.#after, after);
    if (after === 0) this.#last = before;
    else this.#heap.setWord(after, this.#before, before);
    this.#count--;
  }

  moveToEnd(block: number): void {
    if (block === this.#last) return;
    this.remove(block);
    this.append(block);
  }

  save(meta: MetaWriter): void {
    meta.number(this.#first);
    meta.number(this.#last);
    meta.number(this.#count);
  }

  load(meta: MetaReader): void {
    this.#first = meta.number();
    this.#last = meta.number();
    this.#count = meta.number();
  }
}
