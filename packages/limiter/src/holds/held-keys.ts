import { BlockKind } from "../exactly-once/block-kinds.ts";
import { mixWords } from "../hash/sip.ts";
import type { BlockFollower, KeyTable } from "../keys/key-table.ts";
import { HashIndex, WORD_LINK } from "../memory/hash-index.ts";
import type { Heap } from "../memory/heap.ts";
import type { MetaReader, MetaWriter } from "../memory/meta.ts";
import type { Slab } from "../memory/slab.ts";
import { HoldKind, kindOf, WORD_KEY_AFTER, WORD_KEY_BEFORE, WORD_KEY_RECORD, WORD_SESSION } from "./hold-block.ts";

const RECORD_CELLS = 4;
const WORD_KEY = 3;
const WORD_FIRST = 4;
const WORD_LAST = 5;
/** How many of the holds are slots that end with a session. */
const WORD_SLOTS = 6;
const SEED = 0x5be0cd19;

/** What a take changes about a counter: how much is used, or, where what comes later is more, its fingerprint. */
export interface ResetMark {
  readonly used: number;
  readonly word: number;
}

/**
 * The keys that have open holds: a record each, so that a key without any pays nothing. Holds point at the record, and
 * the record at the key's block, which may move; it is found by the block's address. The holds of a key are listed in
 * the order in which they were opened.
 */
export class HeldKeys implements BlockFollower {
  readonly #heap: Heap;
  readonly #slab: Slab;
  readonly #keys: KeyTable;
  readonly #index: HashIndex;
  /** What tells the counters of the keys that were reset in this entry, and whose holds are the same since. */
  readonly #resets = new Map<number, ResetMark>();

  constructor(heap: Heap, slab: Slab, keys: KeyTable) {
    this.#heap = heap;
    this.#slab = slab;
    this.#keys = keys;
    this.#index = new HashIndex(heap);
    keys.follower = this;
  }

  /** Must precede the operations of an entry. */
  beginEntry(): void {
    this.#resets.clear();
  }

  /** Whether a held key was reset in this entry, its holds are the same since, and its counter says nothing else than then. */
  isReset(key: number, { used, word }: ResetMark): boolean {
    const mark = this.#resets.get(this.#recordOf(key));
    return mark?.used === used && mark.word === word;
  }

  noteReset(key: number, mark: ResetMark): void {
    this.#resets.set(this.#recordOf(key), mark);
  }

  /** The block of the key that a hold is on. */
  keyOf(hold: number): number {
    return this.#heap.word(this.#heap.word(hold, WORD_KEY_RECORD), WORD_KEY);
  }

  /** As {@link HashIndex.firsts}, of the records by their hashes. */
  firsts(hashes: Uint32Array, items: number, into: Uint32Array): void {
    this.#index.firsts(hashes, items, into);
  }

  /** The first hold of a key, or 0; go on with {@link after}. */
  first(key: number): number {
    return this.#keys.isHeld(key) ? this.#heap.word(this.#recordOf(key), WORD_FIRST) : 0;
  }

  /** Whether a hold is the first one of its key. */
  isFirst(hold: number): boolean {
    return this.#heap.word(hold, WORD_KEY_BEFORE) === 0;
  }

  after(hold: number): number {
    return this.#heap.word(hold, WORD_KEY_AFTER);
  }

  add(key: number, hold: number): void {
    const heap = this.#heap;
    const record = this.#keys.isHeld(key) ? this.#recordOf(key) : this.#create(key);
    this.#resets.delete(record);
    const last = heap.word(record, WORD_LAST);
    heap.setWord(hold, WORD_KEY_RECORD, record);
    heap.setWord(hold, WORD_KEY_BEFORE, last);
    heap.setWord(hold, WORD_KEY_AFTER, 0);
    if (last === 0) heap.setWord(record, WORD_FIRST, hold);
    else heap.setWord(last, WORD_KEY_AFTER, hold);
    heap.setWord(record, WORD_LAST, hold);
    heap.setWord(record, WORD_SLOTS, heap.word(record, WORD_SLOTS) + this.#slotsOf(hold));
  }

  /** Whether a slot of the key ends with its session: a goodbye that is yet to be applied may free it. */
  endsWithSession(key: number): boolean {
    return this.#keys.isHeld(key) && this.#heap.word(this.#recordOf(key), WORD_SLOTS) > 0;
  }

  #slotsOf(hold: number): number {
    return kindOf(this.#heap, hold) === HoldKind.slot && this.#heap.word(hold, WORD_SESSION) !== 0 ? 1 : 0;
  }

  /** After the last hold of a key, its block may be freed again. */
  remove(hold: number): void {
    const heap = this.#heap;
    const record = heap.word(hold, WORD_KEY_RECORD);
    this.#resets.delete(record);
    const before = heap.word(hold, WORD_KEY_BEFORE);
    const after = heap.word(hold, WORD_KEY_AFTER);
    if (before === 0) heap.setWord(record, WORD_FIRST, after);
    else heap.setWord(before, WORD_KEY_AFTER, after);
    if (after === 0) heap.setWord(record, WORD_LAST, before);
    else heap.setWord(after, WORD_KEY_BEFORE, before);
    heap.setWord(record, WORD_SLOTS, heap.word(record, WORD_SLOTS) - this.#slotsOf(hold));
    if (before !== 0 || after !== 0) return;
    this.#keys.setHeld(heap.word(record, WORD_KEY), false);
    this.#index.remove(record);
    this.#slab.give(record);
  }

  moved(from: number, to: number): void {
    const record = this.#recordOf(from);
    this.#index.remove(record);
    this.#heap.setWord(record, WORD_KEY, to);
    this.#index.insert(hashOf(to), record);
  }

  #recordOf(key: number): number {
    const heap = this.#heap;
    let record = this.#index.first(hashOf(key));
    while (heap.word(record, WORD_KEY) !== key) record = heap.word(record, WORD_LINK);
    return record;
  }

  #create(key: number): number {
    const record = this.#slab.take(RECORD_CELLS);
    this.#heap.setWord(record, 0, BlockKind.heldKey);
    this.#heap.setWord(record, WORD_KEY, key);
    this.#heap.setWord(record, WORD_FIRST, 0);
    this.#heap.setWord(record, WORD_LAST, 0);
    this.#heap.setWord(record, WORD_SLOTS, 0);
    this.#index.insert(hashOf(key), record);
    this.#keys.setHeld(key, true);
    return record;
  }

  save(meta: MetaWriter): void {
    this.#index.save(meta);
  }

  load(meta: MetaReader): void {
    this.#index.load(meta);
  }
}

function hashOf(key: number): number {
  return mixWords(SEED, key, 0);
}
