import { MAX_U32 } from "../entry/format.ts";
import { Sessions } from "../exactly-once/sessions.ts";
import { RollingHash } from "../hash/rolling-hash.ts";
import { Holds } from "../holds/holds.ts";
import { KeyTable } from "../keys/key-table.ts";
import { Heap, PageKind } from "../memory/heap.ts";
import { Slab } from "../memory/slab.ts";
import { CarryOver } from "./carry-over.ts";
import type { GovernedRule } from "./governed-rule.ts";

/** Counters, and what is held on them. */
export interface Tables {
  readonly keys: KeyTable;
  readonly holds: Holds;
}

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
  ofWaiting(rule: GovernedRule, bytes: Uint8Array, start: number, length: number): Counted {
    const tables = this.#tables();
    for (const old of this.#carryOver.oldBlocks(rule, bytes, start, length)) this.#copy(tables, old, rule.stampUs);
    const { keys, holds } = tables;
    // All of them stand still, whatever they are kept for.
    keys.census.freeze(rule.quota.prefix, MAX_U32, 0, Number.MAX_SAFE_INTEGER);
    const hash = keys.hashOf(rule.quota, bytes, start, length);
    this.#scratch.clear();
    return { ...tables, block: new CarryOver(keys, holds, this.#scratch).carry(rule, hash, bytes, start, length) };
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
