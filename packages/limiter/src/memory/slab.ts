import { Heap, PAGE_CELLS } from "./heap.ts";
import type { MetaReader, MetaWriter } from "./meta.ts";

/** Cells before the first block of a slab page: size and use, free list, links to pages of the same size. */
const HEADER_CELLS = 3;
const WORD_CLASS = 0;
const WORD_USED = 1;
const WORD_FREE = 2;
const WORD_BUMP = 3;
const WORD_NEXT = 4;
const WORD_PREVIOUS = 5;

/** Block sizes in cells: four per doubling, so that at most a quarter of a block is waste. */
const CLASS_CELLS: readonly number[] = [
  6, 8, 10, 12, 14, 16, 20, 24, 28, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384, 448, 512, 680,
];
/** Cells of the largest block: three of them fill a page. */
export const MAX_BLOCK_CELLS = 680;
const SLOTS: readonly number[] = CLASS_CELLS.map((cells) => Math.floor((PAGE_CELLS - HEADER_CELLS) / cells));
const CLASS_OF = new Uint8Array(MAX_BLOCK_CELLS + 1);
for (let cells = 0, at = 0; cells <= MAX_BLOCK_CELLS; cells++) {
  if (cells > CLASS_CELLS[at]!) at++;
  CLASS_OF[cells] = at;
}

/**
 * Blocks of a few sizes, cut from pages of one kind. Word 0 of a block is its owner's tag: never 0 while the block is
 * taken, 0 while it is free, so that a sweep can walk a page. An empty page goes back to the heap,
 * unless it is the only one of its size that has room.
 */
export class Slab {
  readonly #heap: Heap;
  readonly #kind: number;
  /** Per size, the first page that still has room, plus 1; 0: none. */
  readonly #open = new Uint32Array(CLASS_CELLS.length);

  constructor(heap: Heap, kind: number) {
    this.#heap = heap;
    this.#kind = kind;
  }

  /** The size that a request of `cells` is rounded up to. */
  static blockCells(cells: number): number {
    return CLASS_CELLS[CLASS_OF[cells]!]!;
  }

  /** A block of at least `cells` cells. Its content is whatever was there: the owner writes all it reads. */
  take(cells: number): number {
    const size = CLASS_OF[cells]!;
    const open = this.#open[size]!;
    const page = open === 0 ? this.#newPage(size) : open - 1;
    const heap = this.#heap;
    const base = Heap.addressOf(page);
    let address = heap.word(base, WORD_FREE);
    if (address === 0) {
      const bump = heap.word(base, WORD_BUMP);
      address = base + HEADER_CELLS + bump * CLASS_CELLS[size]!;
      heap.setWord(base, WORD_BUMP, bump + 1);
    } else {
      heap.setWord(base, WORD_FREE, heap.word(address, 1));
    }
    const used = heap.word(base, WORD_USED) + 1;
    heap.setWord(base, WORD_USED, used);
    if (used === SLOTS[size]!) this.#unlink(page, size);
    return address;
  }

  give(address: number): void {
    const heap = this.#heap;
    const page = Heap.pageOf(address);
    const base = Heap.addressOf(page);
    const size = heap.word(base, WORD_CLASS);
    const used = heap.word(base, WORD_USED);
    heap.setWord(address, 0, 0);
    heap.setWord(address, 1, heap.word(base, WORD_FREE));
    heap.setWord(base, WORD_FREE, address);
    heap.setWord(base, WORD_USED, used - 1);
    if (used === SLOTS[size]!) this.#link(page, size);
    // The last page with room stays, even if empty: else a block that comes and goes would take a page each time.
    if (used === 1 && (heap.word(base, WORD_NEXT) !== 0 || heap.word(base, WORD_PREVIOUS) !== 0)) {
      this.#unlink(page, size);
      heap.freePage(page);
    }
  }

  /** The size of a block, in cells. */
  cellsOf(address: number): number {
    return CLASS_CELLS[this.#heap.word(Heap.addressOf(Heap.pageOf(address)), WORD_CLASS)]!;
  }

  /** Blocks that fit in `page`, which must be a slab's. */
  slots(page: number): number {
    return SLOTS[this.#heap.word(Heap.addressOf(page), WORD_CLASS)]!;
  }

  /** Slots of `page` that were ever taken: the rest is empty. */
  slotsUsed(page: number): number {
    return this.#heap.word(Heap.addressOf(page), WORD_BUMP);
  }

  /** Address of slot `slot` of `page`. */
  slotAddress(page: number, slot: number): number {
    const base = Heap.addressOf(page);
    return base + HEADER_CELLS + slot * CLASS_CELLS[this.#heap.word(base, WORD_CLASS)]!;
  }

  #newPage(size: number): number {
    const page = this.#heap.takePage(this.#kind);
    this.#heap.setWord(Heap.addressOf(page), WORD_CLASS, size);
    this.#link(page, size);
    return page;
  }

  #link(page: number, size: number): void {
    const heap = this.#heap;
    const first = this.#open[size]!;
    heap.setWord(Heap.addressOf(page), WORD_NEXT, first);
    heap.setWord(Heap.addressOf(page), WORD_PREVIOUS, 0);
    if (first !== 0) heap.setWord(Heap.addressOf(first - 1), WORD_PREVIOUS, page + 1);
    this.#open[size] = page + 1;
  }

  #unlink(page: number, size: number): void {
    const heap = this.#heap;
    const next = heap.word(Heap.addressOf(page), WORD_NEXT);
    const previous = heap.word(Heap.addressOf(page), WORD_PREVIOUS);
    if (next !== 0) heap.setWord(Heap.addressOf(next - 1), WORD_PREVIOUS, previous);
    if (previous !== 0) heap.setWord(Heap.addressOf(previous - 1), WORD_NEXT, next);
    else this.#open[size] = next;
  }

  save(meta: MetaWriter): void {
    meta.numbers(this.#open);
  }

  load(meta: MetaReader): void {
    this.#open.set(meta.numbers());
  }
}
