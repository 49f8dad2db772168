import { CELL_EXPIRY } from "../algorithms/algorithm.ts";
import { type HashIndex, WORD_HASH, WORD_LINK } from "../memory/hash-index.ts";
import { type Heap, PageKind } from "../memory/heap.ts";
import type { MetaReader, MetaWriter } from "../memory/meta.ts";
import type { Slab } from "../memory/slab.ts";

const NEVER_US = Number.POSITIVE_INFINITY;
/** Slots looked at for an expired key before a new one is refused in a full table. */
const RECLAIM_SLOTS = 512;
/** The same for all new keys of an entry: a frame of strangers' keys would look through the whole table else. */
const RECLAIM_SLOTS_PER_ENTRY = 65_536;
/** Slots of which it reads what they will need, before it needs any of it. */
const AHEAD_SLOTS = 64;
/** An idle cluster looks for expired keys at most this often. */
const LAP_PAUSE_US = 1_000_000;

/** Whose blocks are swept. */
export interface Swept {
  /** Whether holds are open on the key: then its block is not freed. */
  isHeld(block: number): boolean;
  /** Frees a block that has expired, unless it must be kept; whether it did. */
  freeExpired(block: number, stampUs: number): boolean;
}

/**
 * Frees the blocks of expired keys. It walks the memory in address order, a bounded number of slots at each entry; since
 * blocks are handed out the same way on every node, it frees the same keys at the same entries.
 */
export class Sweep {
  readonly #heap: Heap;
  readonly #slab: Slab;
  readonly #index: HashIndex;
  readonly #swept: Swept;
  #page = 0;
  #slot = 0;
  /** No key expires before it. */
  #earliestUs = NEVER_US;
  /** The same for the keys that this lap has left behind. */
  #lapEarliestUs = NEVER_US;
  #lapEndUs = 0;
  /** Slots that the last run looked at. */
  #looked = 0;
  #reclaimable = RECLAIM_SLOTS_PER_ENTRY;
  readonly #doomed = new Uint32Array(AHEAD_SLOTS);
  readonly #heads = new Uint32Array(AHEAD_SLOTS);
  #read = 0;

  constructor(heap: Heap, slab: Slab, index: HashIndex, swept: Swept) {
    this.#heap = heap;
    this.#slab = slab;
    this.#index = index;
    this.#swept = swept;
  }

  /** There will be something to free then, wherever it is. */
  comeBy(expiryUs: number): void {
    if (expiryUs < this.#earliestUs) this.#earliestUs = expiryUs;
    this.comeByNextLap(expiryUs);
  }

  /** The same where this lap has been. */
  comeByNextLap(expiryUs: number): void {
    if (expiryUs < this.#lapEarliestUs) this.#lapEarliestUs = expiryUs;
  }

  /** Must precede the operations of an entry: what {@link reclaim} may look at is bounded for each. */
  beginEntry(): void {
    this.#reclaimable = RECLAIM_SLOTS_PER_ENTRY;
  }

  /** Frees expired keys for one that wants their place, at most `enough`, out of what this entry may look at. */
  reclaim(stampUs: number, enough: number): void {
    this.run(Math.min(RECLAIM_SLOTS, this.#reclaimable), stampUs, enough);
    this.#reclaimable -= this.#looked;
  }

  /**
   * Looks at up to `slots` slots from where it stopped last, and frees the keys that have expired, at most `enough`.
   * Ends early at the end of a lap, or when nothing can have expired.
   */
  run(slots: number, stampUs: number, enough: number): void {
    const heap = this.#heap;
    let left = slots;
    let freed = 0;
    let readTo = 0;
    while (left > 0 && freed < enough && this.#earliestUs <= stampUs) {
      const page = this.#page;
      if (page >= heap.pages) {
        this.#endLap(stampUs);
        break;
      }
      if (heap.kindOf(page) !== PageKind.keys || this.#slot >= this.#slab.slotsUsed(page)) {
        this.#page++;
        this.#slot = 0;
        readTo = 0;
        left--;
        continue;
      }
      // Who wants little freed finds it soon.
      if (this.#slot >= readTo && enough - freed >= AHEAD_SLOTS) readTo = this.#readDoomed(page, left, stampUs);
      const block = this.#slab.slotAddress(page, this.#slot++);
      left--;
      if (heap.word(block, 0) === 0 || this.#swept.isHeld(block)) continue;
      const expiryUs = heap.number(block, CELL_EXPIRY);
      if (expiryUs > stampUs) this.comeByNextLap(expiryUs);
      else if (this.#swept.freeExpired(block, stampUs)) freed++;
    }
    this.#looked = slots - left;
  }

  /**
   * Reads what the next expired blocks of a page are unlinked from, in loops so short that the processor waits for many at once.
   * Changes nothing; returns the slot before which it stopped.
   */
  #readDoomed(page: number, slots: number, stampUs: number): number {
    const heap = this.#heap;
    const doomed = this.#doomed;
    const end = Math.min(this.#slot + Math.min(slots, doomed.length), this.#slab.slotsUsed(page));
    let count = 0;
    for (let slot = this.#slot; slot < end; slot++) {
      const block = this.#slab.slotAddress(page, slot);
      if (heap.word(block, 0) !== 0 && heap.number(block, CELL_EXPIRY) <= stampUs)
        doomed[count++] = heap.word(block, WORD_HASH);
    }
    this.#index.firsts(doomed, count, this.#heads);
    let read = 0;
    for (let i = 0; i < count; i++) {
      const head = this.#heads[i]!;
      if (head !== 0) read ^= heap.word(head, WORD_LINK);
    }
    this.#read = read;
    return end;
  }

  /** What was read ahead last: kept, so that the reads are not optimized away. Of no meaning. */
  get readAhead(): number {
    return this.#read;
  }

  #endLap(stampUs: number): void {
    this.#page = 0;
    this.#slot = 0;
    this.#earliestUs = this.#lapEarliestUs;
    this.#lapEarliestUs = NEVER_US;
    this.#lapEndUs = stampUs;
  }

  /** The stamp from which it may find something. */
  nextDueUs(): number {
    return Math.max(this.#earliestUs, this.#lapEndUs + LAP_PAUSE_US);
  }

  save(meta: MetaWriter): void {
    for (const value of [this.#page, this.#slot, this.#earliestUs, this.#lapEarliestUs, this.#lapEndUs])
      meta.number(value);
  }

  load(meta: MetaReader): void {
    this.#page = meta.number();
    this.#slot = meta.number();
    this.#earliestUs = meta.number();
    this.#lapEarliestUs = meta.number();
    this.#lapEndUs = meta.number();
  }
}
