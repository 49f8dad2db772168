import type { MetaReader, MetaWriter } from "./meta.ts";

/** Cells (8 bytes) per page; a page is what a snapshot cut copies before it is written to. */
export const PAGE_CELLS = 2048;
/** Bytes per page: 16 KiB. */
export const PAGE_BYTES = PAGE_CELLS * 8;
const PAGE_SHIFT = 11;
const CHUNK_SHIFT = 18;
const CHUNK_CELLS = 1 << CHUNK_SHIFT;
const CHUNK_MASK = CHUNK_CELLS - 1;
const CHUNK_WORD_MASK = CHUNK_CELLS * 2 - 1;
const PAGES_PER_CHUNK = CHUNK_CELLS / PAGE_CELLS;

/** What a page holds; 0: nothing. */
export const PageKind = { free: 0, table: 1, keys: 2, other: 3, bans: 4 } as const;

/** Called before a page is written to for the first time since a cut began. */
export interface PageGuard {
  beforeWrite(page: number): void;
}

/**
 * All replicated state that can grow lives here: one address space of 8-byte cells, cut into pages.
 *
 * An address is a cell number; 0 is "none". The memory is outside the JavaScript heap (nothing for the collector to
 * walk), grows a chunk at a time (no copy, so no stall), and a point-in-time image is a matter of copying pages before
 * their first write. Which page is handed out depends only on the calls made, so it is equal on every node.
 * The same chunk is seen as doubles, words and bytes; stamps are doubles, exact below 2^53.
 */
export class Heap {
  readonly f64: Float64Array[] = [];
  readonly u32: Uint32Array[] = [];
  readonly u8: Uint8Array[] = [];
  #kinds = new Uint8Array(PAGES_PER_CHUNK);
  #pages = 0;
  readonly #freePages: number[] = [];
  #guard: PageGuard | null = null;

  /** Pages ever handed out: all page numbers are below it. */
  get pages(): number {
    return this.#pages;
  }

  /** Forgets everything; the memory is handed out again. Whoever kept something here is of no use any more. */
  clear(): void {
    this.#pages = 0;
    this.#freePages.length = 0;
    this.#kinds.fill(PageKind.free);
  }

  kindOf(page: number): number {
    return this.#kinds[page] ?? 0;
  }

  /** A copy of the kinds of all pages. */
  copyKinds(): Uint8Array {
    return this.#kinds.slice(0, this.#pages);
  }

  setGuard(guard: PageGuard | null): void {
    this.#guard = guard;
  }

  /** A page of zeros; the lowest that was freed last, else a new one. */
  takePage(kind: number): number {
    const page = this.#freePages.pop() ?? this.#pages++;
    this.#ensure(page);
    this.#kinds[page] = kind;
    const start = (page << PAGE_SHIFT) & CHUNK_MASK;
    this.#guard?.beforeWrite(page);
    this.f64[page >>> (CHUNK_SHIFT - PAGE_SHIFT)]!.fill(0, start, start + PAGE_CELLS);
    return page;
  }

  freePage(page: number): void {
    this.#kinds[page] = PageKind.free;
    this.#freePages.push(page);
  }

  #ensure(page: number): void {
    while (this.f64.length * PAGES_PER_CHUNK <= page) {
      const buffer = new ArrayBuffer(CHUNK_CELLS * 8);
      this.f64.push(new Float64Array(buffer));
      this.u32.push(new Uint32Array(buffer));
      this.u8.push(new Uint8Array(buffer));
    }
    if (this.#kinds.length <= page) {
      const grown = new Uint8Array(Math.max(this.#kinds.length * 2, page + 1));
      grown.set(this.#kinds);
      this.#kinds = grown;
    }
  }

  /** The bytes of one page, in place. */
  pageBytes(page: number): Uint8Array {
    const start = ((page << PAGE_SHIFT) & CHUNK_MASK) * 8;
    return this.u8[page >>> (CHUNK_SHIFT - PAGE_SHIFT)]!.subarray(start, start + PAGE_BYTES);
  }

  /** The words of one page, in place. */
  pageWords(page: number): Uint32Array {
    const start = ((page << PAGE_SHIFT) & CHUNK_MASK) * 2;
    return this.u32[page >>> (CHUNK_SHIFT - PAGE_SHIFT)]!.subarray(start, start + PAGE_CELLS * 2);
  }

  /** Must precede every direct write to the views; the setters below do it themselves. Blocks never span pages. */
  touch(address: number): void {
    if (this.#guard !== null) this.#guard.beforeWrite(address >>> PAGE_SHIFT);
  }

  /** Word `word` (from 0) of the block at `address`. */
  word(address: number, word: number): number {
    return this.u32[address >>> CHUNK_SHIFT]![((address & CHUNK_MASK) << 1) + word]!;
  }

  setWord(address: number, word: number, value: number): void {
    if (this.#guard !== null) this.#guard.beforeWrite(address >>> PAGE_SHIFT);
    this.u32[address >>> CHUNK_SHIFT]![((address & CHUNK_MASK) << 1) + word] = value;
  }

  /**
   * Reads a word of each of the first two or three cache lines from `address` on, so that they are close when they are
   * asked for. Of no meaning: the block may be shorter.
   */
  readAhead(address: number): number {
    const words = this.u32[address >>> CHUNK_SHIFT]!;
    const at = (address & CHUNK_MASK) << 1;
    return words[at]! ^ words[(at + 13) & CHUNK_WORD_MASK]! ^ words[(at + 26) & CHUNK_WORD_MASK]!;
  }

  /** The double in cell `cell` (from 0) of the block at `address`. */
  number(address: number, cell: number): number {
    return this.f64[address >>> CHUNK_SHIFT]![(address & CHUNK_MASK) + cell]!;
  }

  setNumber(address: number, cell: number, value: number): void {
    if (this.#guard !== null) this.#guard.beforeWrite(address >>> PAGE_SHIFT);
    this.f64[address >>> CHUNK_SHIFT]![(address & CHUNK_MASK) + cell] = value;
  }

  /** Copies `bytes[start, start + length)` into the block at `address`, from its cell `cell` on. */
  setBytes(address: number, cell: number, bytes: Uint8Array, start: number, length: number): void {
    this.touch(address);
    const into = this.u8[address >>> CHUNK_SHIFT]!;
    const at = ((address & CHUNK_MASK) + cell) << 3;
    for (let i = 0; i < length; i++) into[at + i] = bytes[start + i]!;
  }

  /** Copies two runs of bytes, one behind the other, into the block at `address` from its cell `cell` on. */
  setIdentity(
    address: number,
    cell: number,
    prefix: Uint8Array,
    prefixLength: number,
    bytes: Uint8Array,
    start: number,
    length: number,
  ): void {
    this.setBytes(address, cell, prefix, 0, prefixLength);
    const into = this.u8[address >>> CHUNK_SHIFT]!;
    const at = (((address & CHUNK_MASK) + cell) << 3) + prefixLength;
    for (let i = 0; i < length; i++) into[at + i] = bytes[start + i]!;
  }

  /** Copies `length` bytes of the block at `address`, from its cell `cell` on, to `into[at…]`. */
  copyBytes(address: number, cell: number, into: Uint8Array, at: number, length: number): void {
    const from = ((address & CHUNK_MASK) + cell) << 3;
    into.set(this.u8[address >>> CHUNK_SHIFT]!.subarray(from, from + length), at);
  }

  equalBytes(address: number, offsetBytes: number, bytes: Uint8Array, start: number, length: number): boolean {
    const own = this.u8[address >>> CHUNK_SHIFT]!;
    const at = ((address & CHUNK_MASK) << 3) + offsetBytes;
    for (let i = 0; i < length; i++) if (own[at + i] !== bytes[start + i]) return false;
    return true;
  }

  /** Whether the block at `address` has these bytes from its cell `cell` on; `words` are the same bytes, four at a time. */
  equalWords(address: number, cell: number, words: Uint32Array, bytes: Uint8Array, length: number): boolean {
    const own = this.u32[address >>> CHUNK_SHIFT]!;
    const at = ((address & CHUNK_MASK) + cell) << 1;
    const whole = length >>> 2;
    for (let i = 0; i < whole; i++) if (own[at + i] !== words[i]) return false;
    return this.equalBytes(address, (cell << 3) + whole * 4, bytes, whole * 4, length & 3);
  }

  /** The chunk that holds `address`, an index into {@link f64}, {@link u32} and {@link u8}. */
  static chunkOf(address: number): number {
    return address >>> CHUNK_SHIFT;
  }

  /** The cell of `address` inside its chunk. */
  static cellOf(address: number): number {
    return address & CHUNK_MASK;
  }

  static pageOf(address: number): number {
    return address >>> PAGE_SHIFT;
  }

  static addressOf(page: number): number {
    return page << PAGE_SHIFT;
  }

  save(meta: MetaWriter): void {
    meta.number(this.#pages);
    meta.numbers(this.#freePages);
  }

  /** `kinds` comes with the pages. Afterwards every page is zero until it is written. */
  load(meta: MetaReader, kinds: Uint8Array): void {
    this.#pages = meta.number();
    if (this.#pages !== kinds.length)
      throw new RangeError(`the scalars speak of ${this.#pages} pages, not ${kinds.length}`);
    for (const page of meta.numbers()) this.#freePages.push(page);
    if (this.#pages > 0) this.#ensure(this.#pages - 1);
    this.#kinds.set(kinds.subarray(0, this.#pages));
  }
}
