import { decodeUtf8, encodeUtf8 } from "../entry/utf8.ts";
import type { Heap } from "../memory/heap.ts";
import { MAX_BLOCK_CELLS, type Slab } from "../memory/slab.ts";

/** Tag of a block of text among the blocks of the slab. */
const TEXT_TAG = 16;
/** Word 1 links to the next block, word 2 has the bytes in this one; the text begins behind them. */
const WORD_NEXT = 1;
const WORD_BYTES = 2;
const HEADER_CELLS = 2;
const BLOCK_BYTES = (MAX_BLOCK_CELLS - HEADER_CELLS) * 8;

/** Text in the heap's pages, so that documents are part of a snapshot's cut like everything else that grows. */
export class TextStore {
  readonly #heap: Heap;
  readonly #slab: Slab;

  constructor(heap: Heap, slab: Slab) {
    this.#heap = heap;
    this.#slab = slab;
  }

  /** Stores a text; returns its address. */
  put(text: string): { readonly address: number; readonly bytes: number } {
    const heap = this.#heap;
    const encoded = encodeUtf8(text);
    let first = 0;
    let previous = 0;
    for (let from = 0; from === 0 || from < encoded.length; from += BLOCK_BYTES) {
      const length = Math.min(BLOCK_BYTES, encoded.length - from);
      const block = this.#slab.take(HEADER_CELLS + ((length + 7) >> 3));
      heap.setWord(block, 0, TEXT_TAG);
      heap.setWord(block, WORD_NEXT, 0);
      heap.setWord(block, WORD_BYTES, length);
      heap.setWord(block, WORD_BYTES + 1, 0);
      heap.setBytes(block, HEADER_CELLS, encoded, from, length);
      if (previous === 0) first = block;
      else heap.setWord(previous, WORD_NEXT, block);
      previous = block;
    }
    return { address: first, bytes: encoded.length };
  }

  get(address: number): { readonly text: string; readonly bytes: number } {
    const heap = this.#heap;
    let bytes = 0;
    for (let block = address; block !== 0; block = heap.word(block, WORD_NEXT)) bytes += heap.word(block, WORD_BYTES);
    const whole = new Uint8Array(bytes);
    let at = 0;
    for (let block = address; block !== 0; block = heap.word(block, WORD_NEXT)) {
      const length = heap.word(block, WORD_BYTES);
      heap.copyBytes(block, HEADER_CELLS, whole, at, length);
      at += length;
    }
    return { text: decodeUtf8(whole, 0, bytes), bytes };
  }

  free(address: number): void {
    for (let block = address; block !== 0; ) {
      const next = this.#heap.word(block, WORD_NEXT);
      this.#slab.give(block);
      block = next;
    }
  }
}
