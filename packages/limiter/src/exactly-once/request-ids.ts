import type { ResultColumns } from "../call-batch.ts";
import { digest, sipHash } from "../hash/sip.ts";
import type { Bounds } from "../limiter.ts";
import { BlockList } from "../memory/block-list.ts";
import { HashIndex, WORD_HASH, WORD_LINK } from "../memory/hash-index.ts";
import type { Heap } from "../memory/heap.ts";
import type { MetaReader, MetaWriter } from "../memory/meta.ts";
import type { Slab } from "../memory/slab.ts";
import type { GrowingResultColumns } from "../result-columns.ts";
import { BlockKind } from "./block-kinds.ts";
import { freePayload, PAYLOAD_CELLS, readPayload, writePayload } from "./payload.ts";

const CELL_EXPIRY = 2;
const WORD_FINGERPRINT = 6;
const CELL_STAMP = 4;
const CELL_INDEX = 5;
const WORD_NAME_BYTES = 3;
const WORD_LIST = 12;
const CELL_PAYLOAD = 7;
const CELL_NAME = CELL_PAYLOAD + PAYLOAD_CELLS;
const SWEEP_REQUESTS = 64;

/** What a call is, in 64 bits: the same id with another fingerprint is a mistake of the caller. */
export interface Fingerprint {
  readonly high: number;
  readonly low: number;
}

/**
 * Calls outside sessions, remembered by (namespace, caller's identity, request id) for a published time (SEMANTICS S7).
 * The name is given as one run of bytes in which each part's length precedes it, so that parts cannot run together.
 */
export class RequestIds {
  readonly #heap: Heap;
  readonly #slab: Slab;
  readonly #index: HashIndex;
  /** In the order of expiry, since all are remembered equally long. */
  readonly #list: BlockList;
  #seed = 0x428a2f98;

  constructor(heap: Heap, slab: Slab) {
    this.#heap = heap;
    this.#slab = slab;
    this.#index = new HashIndex(heap);
    this.#list = new BlockList(heap, WORD_LIST);
  }

  get count(): number {
    return this.#list.count;
  }

  #hash(name: Uint8Array, length: number): number {
    sipHash(this.#seed, 0x71374491, name, 0, length);
    return digest[0]!;
  }

  /** The block of an id that is still remembered, or 0. */
  find(name: Uint8Array, length: number, stampUs: number): number {
    const heap = this.#heap;
    const hash = this.#hash(name, length);
    for (let block = this.#index.first(hash); block !== 0; block = heap.word(block, WORD_LINK)) {
      if (
        heap.word(block, WORD_HASH) === hash &&
        heap.word(block, WORD_NAME_BYTES) === length &&
        heap.number(block, CELL_EXPIRY) >= stampUs &&
        heap.equalBytes(block, CELL_NAME * 8, name, 0, length)
      ) {
        return block;
      }
    }
    return 0;
  }

  isSameCall(block: number, fingerprint: Fingerprint, items: number): boolean {
    return (
      this.items(block) === items &&
      this.#heap.word(block, WORD_FINGERPRINT) === fingerprint.high &&
      this.#heap.word(block, WORD_FINGERPRINT + 1) === fingerprint.low
    );
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

  /** Whether one more can be remembered; frees expired ones first. `seed` is used while there is none. */
  hasRoom(stampUs: number, bounds: Bounds, seed: number): boolean {
    if (this.#list.count >= bounds.maxRequestIds) this.sweep(stampUs);
    if (this.#list.count === 0) this.#seed = seed | 0;
    return this.#list.count < bounds.maxRequestIds;
  }

  store(
    name: Uint8Array,
    length: number,
    fingerprint: Fingerprint,
    results: ResultColumns,
    from: number,
    items: number,
    stampUs: number,
    entryIndex: number,
    ttlUs: number,
  ): void {
    const heap = this.#heap;
    const block = this.#slab.take(CELL_NAME + ((length + 7) >> 3));
    heap.setWord(block, 0, BlockKind.request | (items << 8));
    heap.setWord(block, WORD_NAME_BYTES, length);
    heap.setNumber(block, CELL_EXPIRY, stampUs + ttlUs);
    heap.setWord(block, WORD_FINGERPRINT, fingerprint.high);
    heap.setWord(block, WORD_FINGERPRINT + 1, fingerprint.low);
    heap.setNumber(block, CELL_STAMP, stampUs);
    heap.setNumber(block, CELL_INDEX, entryIndex);
    writePayload(heap, this.#slab, block, CELL_PAYLOAD, results, from, items);
    heap.setBytes(block, CELL_NAME, name, 0, length);
    this.#list.append(block);
    this.#index.insert(this.#hash(name, length), block);
  }

  /**
   * A new leader: what was remembered at the preceding stamp is remembered for as long as it would have been, since time
   * without a leader, and a jump of time while none was alive, may not end a memory (SEMANTICS S5, T2). Unlike a session's, its
   * life does not begin anew: nobody renews it, and a change of leaders that doubled what is remembered would fill the memory.
   */
  takeover(precedingStampUs: number, stampUs: number): void {
    const heap = this.#heap;
    const gapUs = stampUs - precedingStampUs;
    if (gapUs === 0) return;
    for (let block = this.#list.first; block !== 0; block = this.#list.after(block)) {
      const expiryUs = heap.number(block, CELL_EXPIRY);
      if (expiryUs >= precedingStampUs) heap.setNumber(block, CELL_EXPIRY, expiryUs + gapUs);
    }
  }

  /** Forgets some of those whose time is over. */
  sweep(stampUs: number): void {
    for (let i = 0; i < SWEEP_REQUESTS; i++) {
      const block = this.#list.first;
      if (block === 0 || this.#heap.number(block, CELL_EXPIRY) >= stampUs) return;
      this.#list.remove(block);
      freePayload(this.#heap, this.#slab, block, CELL_PAYLOAD, this.items(block));
      this.#index.remove(block);
      this.#slab.give(block);
    }
  }

  nextDueUs(): number | null {
    return this.#list.first === 0 ? null : this.#heap.number(this.#list.first, CELL_EXPIRY) + 1;
  }

  save(meta: MetaWriter): void {
    this.#index.save(meta);
    this.#list.save(meta);
    meta.number(this.#seed);
  }

  load(meta: MetaReader): void {
    this.#index.load(meta);
    this.#list.load(meta);
    this.#seed = meta.number();
  }
}
