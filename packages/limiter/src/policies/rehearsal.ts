import { MAX_U32 } from "../entry/format.ts";
import { Sessions } from "../exactly-once/sessions.ts";
import { RollingHash } from "../hash/rolling-hash.ts";
import { Holds } from "../holds/holds.ts";
import { KeyTable } from "../keys/key-table.ts";
import { Heap, PageKind } from "../memory/heap.ts";
import { Slab } from "../memory/slab.ts";
import { type Carried, CarryOver } from "./carry-over.ts";
import type { GovernedRule } from "./governed-rule.ts";

/** Counters, and what is held on them. */
export interface Tables {
  readonly keys: KeyTable;
  readonly holds: Holds;
}

/** With so many holds a question takes about a millisecond; with more it is answered as of the change. */
const MAX_COPIED_HOLDS = 100;

/**
 * Does to copies of one key's counters what an entry does to the key before it decides: slots of dead sessions are free,
 * and what waits is carried over, with its holds. So a question is answered by what decides, and changes nothing.
 */
export class Rehearsal {
  readonly #state: Tables;
  readonly #carryOver: CarryOver;
  /** Memory of its own, used anew by each question. */
  readonly #heap = new Heap();
  readonly #scratch = new Heap();

  constructor(state: Tables, carryOver: CarryOver) {
    this.#state = state;
    this.#carryOver = carryOver;
  }

  /** Copies a key that has a counter of its own. */
  ofOwn(block: number, stampUs: number): Counted {
    const tables = this.#tables();
    return { ...tables, block: this.#copy(tables, block, stampUs) };
  }

  /** Copies a key whose counts wait under a rule, and carries them over. */
  ofWaiting(rule: GovernedRule, carried: Carried, bytes: Uint8Array, start: number, length: number): Rehearsed {
    const tables = this.#tables();
    const { keys, holds } = tables;
    this.#scratch.clear();
    const carryOver = new CarryOver(keys, holds, this.#scratch);
    const olds = this.#carryOver.oldBlocks(rule, bytes, start, length);
    if (!this.#canCopyHoldsOf(olds))
      return { ...tables, block: carryOver.carryAsUsed(rule, carried, bytes, start, length), areHoldsLeft: true };
    for (const old of olds) this.#copy(tables, old, rule.stampUs);
    // All of them stand still, whatever they are kept for.
    keys.census.freeze(rule.quota.prefix, MAX_U32, 0, Number.MAX_SAFE_INTEGER);
    const hash = keys.hashOf(rule.quota, bytes, start, length);
    return { ...tables, block: carryOver.carry(rule, hash, bytes, start, length), areHoldsLeft: false };
  }

  /** A question must not take the time that one entry may, again and again. */
  #canCopyHoldsOf(blocks: readonly number[]): boolean {
    let left = MAX_COPIED_HOLDS;
    for (const block of blocks) left -= this.#state.holds.ofKey.countOn(block, left + 1);
    return left >= 0;
  }

  #tables(): Tables {
    const heap = this.#heap;
    heap.clear();
    const slab = new Slab(heap, PageKind.other);
    const keys = new KeyTable(heap);
    keys.seedLike(this.#state.keys);
    return { keys, holds: new Holds(heap, slab, keys, new Sessions(heap, slab), new RollingHash()) };
  }

  #copy({ keys, holds }: Tables, block: number, stampUs: number): number {
    const copy = keys.adopt(this.#state.keys, block);
    this.#state.holds.copyTo(holds, block, copy, stampUs);
    return copy;
  }
}

/** A key's counter, in its tables; 0: it has none. */
export interface Counted extends Tables {
  readonly block: number;
}

/** A key that was carried over in copies. */
export interface Rehearsed extends Counted {
  /** Its holds were too many to be copied: they are on the old counters, and used on this one as of the change. */
  readonly areHoldsLeft: boolean;
}
