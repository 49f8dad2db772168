import type { Hold, Quota } from "../algorithms/algorithm.ts";
import type { Heap } from "../memory/heap.ts";
import { Algorithm } from "../rule.ts";
import {
  CELL_DATED,
  CELL_EXPIRES,
  CELL_FROM,
  CELL_LEASE_LEFT_FROM,
  CELL_NUMBER,
  CELL_WINDOW,
  HoldKind,
  kindOf,
  OVER,
  WORD_BURST,
  WORD_COST,
  WORD_LIMIT,
} from "./hold-block.ts";

/** One open hold, for people. */
export interface OpenHold {
  readonly handle: number;
  readonly kind: "reservation" | "slot" | "lease";
  readonly cost: number;
  readonly expiryUs: number;
}

/** A place in the order in which holds are due. */
export interface DuePlace {
  readonly dueUs: number;
  readonly number: number;
}

/** What open holds of the same dates come to. */
export interface OpenAmount extends Hold {
  /** Another rule took their key over since they were opened, and the older counters have them as used. */
  readonly isCarried: boolean;
  /** The dates as of which these have them: a takeover moves a lease on the counter in force alone. */
  readonly left: { readonly fromUs: number; readonly datedUs: number };
}

/** What a hold's block says, for the algorithms: in objects that the next call fills again. */
export class HoldFields {
  readonly #heap: Heap;
  readonly #read = { cost: 0, fromUs: 0.5, datedUs: 0.5, expiryUs: 0.5 };
  readonly #quota = { limit: 0, windowUs: 0.5, burst: 0 };

  constructor(heap: Heap) {
    this.#heap = heap;
  }

  kindOf(hold: number): HoldKind {
    return kindOf(this.#heap, hold);
  }

  describe(hold: number): OpenHold {
    const heap = this.#heap;
    const kind = this.kindOf(hold);
    return {
      handle: heap.number(hold, CELL_NUMBER),
      kind: kind === HoldKind.lease ? "lease" : kind === HoldKind.slot ? "slot" : "reservation",
      cost: heap.word(hold, WORD_COST),
      expiryUs: heap.number(hold, CELL_EXPIRES),
    };
  }

  read(hold: number): { cost: number; fromUs: number; datedUs: number; expiryUs: number } {
    const heap = this.#heap;
    const read = this.#read;
    read.cost = heap.word(hold, WORD_COST);
    read.fromUs = heap.number(hold, CELL_FROM);
    read.datedUs = heap.number(hold, this.#datedCellOf(hold));
    read.expiryUs = heap.number(hold, CELL_EXPIRES);
    return read;
  }

  /** A lease is dated at its end. */
  #datedCellOf(hold: number): number {
    return this.kindOf(hold) === HoldKind.lease ? CELL_EXPIRES : CELL_DATED;
  }

  /** A hold is one of another rule from a stamp on. */
  layUnder(hold: number, quota: Quota, stampUs: number): void {
    const heap = this.#heap;
    heap.setWord(hold, WORD_LIMIT, quota.limit);
    heap.setWord(hold, WORD_BURST, quota.burst);
    heap.setNumber(hold, CELL_WINDOW, quota.windowUs);
    heap.setNumber(hold, CELL_FROM, Math.max(heap.number(hold, CELL_FROM), stampUs));
    heap.setNumber(hold, CELL_DATED, Math.max(heap.number(hold, CELL_DATED), stampUs));
    this.#noteLeft(hold);
  }

  /** Notes the dates of a hold that its key is carried over with: as of these it is left on the older counters. */
  #noteLeft(hold: number): void {
    if (this.kindOf(hold) !== HoldKind.lease) return;
    this.#heap.setNumber(hold, CELL_DATED, this.#heap.number(hold, CELL_EXPIRES));
    this.#heap.setNumber(hold, CELL_LEASE_LEFT_FROM, this.#heap.number(hold, CELL_FROM));
  }

  leftOf(hold: number): { readonly fromUs: number; readonly datedUs: number } {
    const from = this.kindOf(hold) === HoldKind.lease ? CELL_LEASE_LEFT_FROM : CELL_FROM;
    return { fromUs: this.#heap.number(hold, from), datedUs: this.#heap.number(hold, CELL_DATED) };
  }

  /** The numbers of the rule that it is held under. */
  quotaOf(hold: number): { limit: number; windowUs: number; burst: number } {
    const heap = this.#heap;
    const quota = this.#quota;
    quota.limit = heap.word(hold, WORD_LIMIT);
    quota.burst = heap.word(hold, WORD_BURST);
    quota.windowUs = heap.number(hold, CELL_WINDOW);
    return quota;
  }

  /** Its time is over, and it is there for whoever carries its key over. */
  isOver(hold: number): boolean {
    return (this.#heap.word(hold, 0) & OVER) !== 0;
  }

  /**
   * What a hold is moved about by. Its bucket keeps the rate that it knows: that of the hold's opening may be one that an
   * override had, which is gone since.
   */
  movingQuotaOf(hold: number, key: number): { limit: number; windowUs: number; burst: number } {
    const quota = this.quotaOf(hold);
    const algorithm = this.#heap.word(key, 0) & 0xff;
    if (algorithm === Algorithm.tokenBucket) quota.limit = 0;
    return quota;
  }
}
