import { sipHash } from "../hash/sip.ts";
import { HashIndex } from "../memory/hash-index.ts";
import { type Heap, PageKind } from "../memory/heap.ts";
import type { MetaReader, MetaWriter } from "../memory/meta.ts";
import { MAX_BLOCK_CELLS, Slab } from "../memory/slab.ts";

const TAG = 1;
/** Lengths of the identity: prefix (namespace and policy) in the low half, key in the high half. */
const WORD_LENGTHS = 3;
/** The stamp from which the record says nothing any more. */
const CELL_EXPIRY = 2;
const CELL_UNTIL = 3;
/** Bans in a row so far, denials that are remembered, where the oldest of them lies, and for how many there is room. */
const WORD_STRIKES = 8;
const WORD_COUNT = 9;
const WORD_HEAD = 10;
const WORD_CAPACITY = 11;
const HEAD_CELLS = 6;
const FIRST_CAPACITY = 4;
const NEVER_US = Number.POSITIVE_INFINITY;
const LAP_PAUSE_US = 1_000_000;

/** Bounds of the memory of denials and bans. */
export const banBounds = {
  /** Keys with remembered denials or a ban. */
  records: 200_000,
  /** Cells of 8 bytes that all of them may take: 64 MiB. */
  cells: 8_388_608,
} as const;

/** Whom a record is about: bytes of namespace and policy, and the key in a buffer of its own. */
export interface BanIdentity {
  prefix: Uint8Array;
  prefixLength: number;
  bytes: Uint8Array;
  start: number;
  length: number;
}

/** A ban as operators see it. */
export interface BanRecord {
  readonly identity: Uint8Array;
  readonly prefixLength: number;
  readonly untilUs: number;
  readonly strikes: number;
}

/**
 * One record for each key that was denied lately under a policy that bans: the stamps of its denials, how long it is
 * shut out, and how often it was before. It bounds itself: when it is full, denials of further keys are not remembered,
 * and no ban is ever evicted.
 */
export class BanTable {
  readonly #heap: Heap;
  readonly #slab: Slab;
  readonly #index: HashIndex;
  #seed0 = 0x7137449;
  #seed1 = 0x1f83d9ab;
  #cells = 0;
  #sweepPage = 0;
  #sweepSlot = 0;
  #earliestUs = NEVER_US;
  #lapEarliestUs = NEVER_US;
  #lapEndUs = 0;

  constructor(heap: Heap) {
    this.#heap = heap;
    this.#slab = new Slab(heap, PageKind.bans);
    this.#index = new HashIndex(heap);
  }

  get count(): number {
    return this.#index.count;
  }

  /** While nothing is remembered, the seed may follow what no outsider knows. */
  reseed(seed0: number, seed1: number): void {
    this.#seed0 = seed0 | 0;
    this.#seed1 = seed1 | 0;
  }

  /** The record of a key, whatever it still says, or 0. */
  find(identity: BanIdentity): number {
    const heap = this.#heap;
    const { prefix, prefixLength, bytes, start, length } = identity;
    const hash = this.#hashOf(identity);
    const lengths = prefixLength | (length << 16);
    for (let record = this.#index.first(hash); record !== 0; record = this.#index.next(record)) {
      if (
        heap.word(record, 1) === hash &&
        heap.word(record, WORD_LENGTHS) === lengths &&
        heap.equalBytes(record, HEAD_CELLS * 8, prefix, 0, prefixLength) &&
        heap.equalBytes(record, HEAD_CELLS * 8 + prefixLength, bytes, start, length)
      ) {
        return record;
      }
    }
    return 0;
  }

  #hashOf({ prefix, prefixLength, bytes, start, length }: BanIdentity): number {
    const first = sipHash(this.#seed0, this.#seed1, prefix, 0, prefixLength);
    return sipHash(first, this.#seed1 ^ prefixLength, bytes, start, length);
  }

  /** A record for a key that has none; 0: there is no room for one. */
  create(identity: BanIdentity): number {
    const heap = this.#heap;
    const { prefix, prefixLength, bytes, start, length } = identity;
    const tail = HEAD_CELLS + ((prefixLength + length + 7) >> 3);
    const cells = Slab.blockCells(tail + FIRST_CAPACITY);
    if (this.count >= banBounds.records || this.#cells + cells > banBounds.cells) return 0;
    const record = this.#slab.take(cells);
    this.#cells += cells;
    heap.setWord(record, 0, TAG);
    heap.setWord(record, WORD_LENGTHS, prefixLength | (length << 16));
    heap.setNumber(record, CELL_EXPIRY, 0);
    heap.setNumber(record, CELL_UNTIL, 0);
    heap.setWord(record, WORD_STRIKES, 0);
    heap.setWord(record, WORD_COUNT, 0);
    heap.setWord(record, WORD_HEAD, 0);
    heap.setWord(record, WORD_CAPACITY, cells - tail);
    heap.setIdentity(record, HEAD_CELLS, prefix, prefixLength, bytes, start, length);
    this.#index.insert(this.#hashOf(identity), record);
    return record;
  }

  /** Whether a record says nothing any more: decided by comparison, whether or not the sweep came by (SEMANTICS K2). */
  isOver(record: number, stampUs: number): boolean {
    return this.#heap.number(record, CELL_EXPIRY) <= stampUs;
  }

  /** The stamp until which the key is banned; long past, or 0, if it is not. */
  untilUs(record: number): number {
    return this.#heap.number(record, CELL_UNTIL);
  }

  strikes(record: number): number {
    return this.#heap.word(record, WORD_STRIKES);
  }

  /** Denials dated after `horizonUs`; those before are forgotten. */
  denialsSince(record: number, horizonUs: number): number {
    const heap = this.#heap;
    const tail = this.#tailOf(record);
    const capacity = heap.word(record, WORD_CAPACITY);
    let count = heap.word(record, WORD_COUNT);
    let head = heap.word(record, WORD_HEAD);
    while (count > 0 && heap.number(record, tail + head) <= horizonUs) {
      count--;
      if (++head === capacity) head = 0;
    }
    if (count !== heap.word(record, WORD_COUNT)) {
      heap.setWord(record, WORD_COUNT, count);
      heap.setWord(record, WORD_HEAD, head);
    }
    return count;
  }

  /** Remembers a denial; false: there is no room for it. The record may move; it is returned by {@link find} again. */
  remember(record: number, stampUs: number, untilUs: number): boolean {
    const home = this.#withRoom(record);
    if (home === 0) return false;
    const heap = this.#heap;
    const count = heap.word(home, WORD_COUNT);
    const at = (heap.word(home, WORD_HEAD) + count) % heap.word(home, WORD_CAPACITY);
    heap.setNumber(home, this.#tailOf(home) + at, stampUs);
    heap.setWord(home, WORD_COUNT, count + 1);
    this.#postpone(home, untilUs);
    return true;
  }

  /** Shuts the key out; its denials are forgotten, and the record lives until `forgetUs`. */
  ban(record: number, strikes: number, untilUs: number, forgetUs: number): void {
    const heap = this.#heap;
    heap.setNumber(record, CELL_UNTIL, untilUs);
    heap.setWord(record, WORD_STRIKES, strikes);
    heap.setWord(record, WORD_COUNT, 0);
    heap.setWord(record, WORD_HEAD, 0);
    this.#postpone(record, forgetUs);
  }

  remove(record: number): void {
    this.#cells -= this.#cellsOf(record);
    this.#index.remove(record);
    this.#slab.give(record);
  }

  #postpone(record: number, expiryUs: number): void {
    const heap = this.#heap;
    if (heap.number(record, CELL_EXPIRY) < expiryUs) heap.setNumber(record, CELL_EXPIRY, expiryUs);
    const ownUs = heap.number(record, CELL_EXPIRY);
    if (ownUs < this.#earliestUs) this.#earliestUs = ownUs;
    if (ownUs < this.#lapEarliestUs) this.#lapEarliestUs = ownUs;
  }

  #tailOf(record: number): number {
    const lengths = this.#heap.word(record, WORD_LENGTHS);
    return HEAD_CELLS + (((lengths & 0xffff) + (lengths >>> 16) + 7) >> 3);
  }

  #cellsOf(record: number): number {
    return this.#tailOf(record) + this.#heap.word(record, WORD_CAPACITY);
  }

  /** The record with room for one more denial, moved if need be; 0: there is none. */
  #withRoom(record: number): number {
    const heap = this.#heap;
    const capacity = heap.word(record, WORD_CAPACITY);
    const count = heap.word(record, WORD_COUNT);
    if (count < capacity) return record;
    const tail = this.#tailOf(record);
    // The largest block has room for as many denials as a ban may wait for, however long the identity is.
    const cells = Slab.blockCells(Math.min(MAX_BLOCK_CELLS, tail + capacity * 2));
    if (this.#cells + cells > banBounds.cells) return 0;
    const grown = this.#slab.take(cells);
    this.#cells += cells - this.#cellsOf(record);
    for (let word = 0; word < tail * 2; word++) heap.setWord(grown, word, heap.word(record, word));
    const head = heap.word(record, WORD_HEAD);
    for (let i = 0; i < count; i++) {
      heap.setNumber(grown, tail + i, heap.number(record, tail + ((head + i) % capacity)));
    }
    heap.setWord(grown, WORD_HEAD, 0);
    heap.setWord(grown, WORD_CAPACITY, cells - tail);
    this.#index.replace(record, grown);
    this.#slab.give(record);
    return grown;
  }

  /** Looks at up to `slots` slots from where it stopped last, and frees the records that say nothing any more. */
  sweep(slots: number, stampUs: number): void {
    const heap = this.#heap;
    for (let left = slots; left > 0 && this.#earliestUs <= stampUs; left--) {
      const page = this.#sweepPage;
      if (page >= heap.pages) {
        this.#sweepPage = 0;
        this.#sweepSlot = 0;
        this.#earliestUs = this.#lapEarliestUs;
        this.#lapEarliestUs = NEVER_US;
        this.#lapEndUs = stampUs;
        return;
      }
      if (heap.kindOf(page) !== PageKind.bans || this.#sweepSlot >= this.#slab.slotsUsed(page)) {
        this.#sweepPage++;
        this.#sweepSlot = 0;
        continue;
      }
      const record = this.#slab.slotAddress(page, this.#sweepSlot++);
      if (heap.word(record, 0) === 0) continue;
      if (this.isOver(record, stampUs)) this.remove(record);
      else this.#lapEarliestUs = Math.min(this.#lapEarliestUs, heap.number(record, CELL_EXPIRY));
    }
  }

  /** The stamp from which the sweep may find something; null: there is nothing to find. */
  nextDueUs(): number | null {
    return this.count === 0 ? null : Math.max(this.#earliestUs, this.#lapEndUs + LAP_PAUSE_US);
  }

  /** How many bans last beyond `stampUs`. */
  countBans(stampUs: number): number {
    if (this.count === 0) return 0;
    const heap = this.#heap;
    let bans = 0;
    for (let page = 0; page < heap.pages; page++) {
      if (heap.kindOf(page) !== PageKind.bans) continue;
      for (let slot = 0; slot < this.#slab.slotsUsed(page); slot++) {
        const record = this.#slab.slotAddress(page, slot);
        if (heap.word(record, 0) !== 0 && this.untilUs(record) > stampUs) bans++;
      }
    }
    return bans;
  }

  /** All bans that last beyond `stampUs`, in no order that means anything. */
  *bans(stampUs: number): IterableIterator<BanRecord> {
    const heap = this.#heap;
    for (let page = 0; page < heap.pages; page++) {
      if (heap.kindOf(page) !== PageKind.bans) continue;
      for (let slot = 0; slot < this.#slab.slotsUsed(page); slot++) {
        const record = this.#slab.slotAddress(page, slot);
        if (heap.word(record, 0) === 0 || this.untilUs(record) <= stampUs) continue;
        const lengths = heap.word(record, WORD_LENGTHS);
        const identity = new Uint8Array((lengths & 0xffff) + (lengths >>> 16));
        heap.copyBytes(record, HEAD_CELLS, identity, 0, identity.length);
        yield {
          identity,
          prefixLength: lengths & 0xffff,
          untilUs: this.untilUs(record),
          strikes: this.strikes(record),
        };
      }
    }
  }

  save(meta: MetaWriter): void {
    this.#slab.save(meta);
    this.#index.save(meta);
    for (const value of [this.#seed0, this.#seed1, this.#cells, this.#sweepPage, this.#sweepSlot]) meta.number(value);
    for (const value of [this.#earliestUs, this.#lapEarliestUs, this.#lapEndUs]) meta.number(value);
  }

  load(meta: MetaReader): void {
    this.#slab.load(meta);
    this.#index.load(meta);
    this.#seed0 = meta.number();
    this.#seed1 = meta.number();
    this.#cells = meta.number();
    this.#sweepPage = meta.number();
    this.#sweepSlot = meta.number();
    this.#earliestUs = meta.number();
    this.#lapEarliestUs = meta.number();
    this.#lapEndUs = meta.number();
  }
}
