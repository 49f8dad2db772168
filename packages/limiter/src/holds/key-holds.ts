import { countsByWindow } from "../algorithms/registry.ts";
import type { KeyTable } from "../keys/key-table.ts";
import type { Heap } from "../memory/heap.ts";
import type { HeldKeys } from "./held-keys.ts";
import { CARRIED, CELL_EXPIRES, CELL_FROM, CELL_TTL, HoldKind } from "./hold-block.ts";
import type { HoldFields, OpenAmount, OpenHold } from "./open-holds.ts";

/** The holds of one key: what they come to, and where a takeover moves their ends. */
export class KeyHolds {
  readonly #heap: Heap;
  readonly #keys: KeyTable;
  readonly #heldKeys: HeldKeys;
  readonly #fields: HoldFields;

  constructor(heap: Heap, keys: KeyTable, heldKeys: HeldKeys, fields: HoldFields) {
    this.#heap = heap;
    this.#keys = keys;
    this.#heldKeys = heldKeys;
    this.#fields = fields;
  }

  /** What is open on a key at the stamp, told together by its dates: none before the stamp, but where a rule took it over. */
  amountsOn(key: number, stampUs: number): readonly OpenAmount[] {
    const amounts = new Map<string, { -readonly [Field in keyof OpenAmount]: OpenAmount[Field] }>();
    for (let hold = this.#heldKeys.first(key); hold !== 0; hold = this.#heldKeys.after(hold)) {
      const read = this.#fields.read(hold);
      if (read.expiryUs <= stampUs) continue;
      const isCarried = (this.#heap.word(hold, 0) & CARRIED) !== 0;
      const fromUs = isCarried ? read.fromUs : Math.max(read.fromUs, stampUs);
      const datedUs = isCarried ? read.datedUs : Math.max(read.datedUs, stampUs);
      const left = isCarried ? this.#fields.leftOf(hold) : { fromUs, datedUs };
      const dates = `${fromUs}/${datedUs}/${isCarried}/${left.fromUs}/${left.datedUs}`;
      const like = amounts.get(dates);
      if (like === undefined) amounts.set(dates, { ...read, fromUs, datedUs, isCarried, left });
      else like.cost += read.cost;
    }
    return [...amounts.values()];
  }

  /** The open holds of a key, the oldest first, at most `most` of them. */
  openOn(key: number, stampUs: number, most: number): readonly OpenHold[] {
    const open: OpenHold[] = [];
    for (let hold = this.#heldKeys.first(key); hold !== 0 && open.length < most; hold = this.#heldKeys.after(hold)) {
      if (this.#heap.number(hold, CELL_EXPIRES) > stampUs) open.push(this.#fields.describe(hold));
    }
    return open;
  }

  /** How many holds there are on a key, over or not; `most` at most. */
  countOn(key: number, most: number): number {
    let count = 0;
    for (let hold = this.#heldKeys.first(key); hold !== 0 && count < most; count++) hold = this.#heldKeys.after(hold);
    return count;
  }

  /** Whether holds of the key were open at a stamp since when its counter stands still. */
  hasOpenAt(key: number, stampUs: number): boolean {
    let hold = this.#heldKeys.first(key);
    while (hold !== 0 && this.#heap.number(hold, CELL_EXPIRES) <= stampUs) hold = this.#heldKeys.after(hold);
    return hold !== 0;
  }

  /** Takes the open holds of a key off its counter, to lay them on again: what is left is what was taken. Returns its block. */
  lift(key: number, stampUs: number): number {
    let home = key;
    for (let hold = this.#heldKeys.first(key); hold !== 0; hold = this.#heldKeys.after(hold)) {
      if (this.#heap.number(hold, CELL_EXPIRES) <= stampUs) continue;
      home = this.#keys.settle(this.#fields.movingQuotaOf(hold, home), home, this.#fields.read(hold), 0, stampUs);
    }
    return home;
  }

  /** Moves the ends of all holds of a key, `first` and those after it: one key after the other, while its memory is close. */
  takeOver(first: number, precedingStampUs: number, stampUs: number, stillUs: number): void {
    const heap = this.#heap;
    const gapUs = stampUs - precedingStampUs;
    const fromUs = Math.min(precedingStampUs, stillUs);
    const toUs = Math.min(stampUs, stillUs);
    for (let hold = first; hold !== 0; hold = this.#heldKeys.after(hold)) {
      if (!this.#countsEnd(hold, gapUs)) continue;
      this.#keys.settle(
        this.#fields.movingQuotaOf(hold, this.#heldKeys.keyOf(hold)),
        this.#heldKeys.keyOf(hold),
        this.#fields.read(hold),
        0,
        fromUs,
      );
    }
    for (let hold = first; hold !== 0; hold = this.#heldKeys.after(hold)) {
      if (this.#fields.isOver(hold)) continue;
      if (this.#fields.kindOf(hold) !== HoldKind.lease) {
        heap.setNumber(hold, CELL_EXPIRES, stampUs + heap.number(hold, CELL_TTL));
      } else if (gapUs > 0) {
        heap.setNumber(hold, CELL_FROM, toUs);
        heap.setNumber(hold, CELL_EXPIRES, heap.number(hold, CELL_EXPIRES) + gapUs);
      }
      if (!this.#countsEnd(hold, gapUs)) continue;
      this.#keys.hold(
        this.#fields.movingQuotaOf(hold, this.#heldKeys.keyOf(hold)),
        this.#heldKeys.keyOf(hold),
        this.#fields.read(hold),
        toUs,
      );
    }
  }

  /** Whether what a counter keeps of a hold follows its end: not of a reservation in a window, dated when it was made. */
  #countsEnd(hold: number, gapUs: number): boolean {
    if (this.#fields.isOver(hold)) return false;
    if (this.#fields.kindOf(hold) === HoldKind.lease) return gapUs > 0;
    return !countsByWindow(this.#heap.word(this.#heldKeys.keyOf(hold), 0) & 0xff);
  }
}
