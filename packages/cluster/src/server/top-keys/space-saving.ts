/** A name that was seen often, with how often at most and at least. */
export interface HeavyName {
  readonly name: string;
  /** Never below the name's true weight. */
  readonly count: number;
  /** How much of `count` may be others': the true weight is at least `count - overcount`. */
  readonly overcount: number;
}

interface Slot {
  name: string;
  count: number;
  overcount: number;
  /** Its index in the heap. */
  place: number;
}

/**
 * The heaviest names of a stream in bounded memory: Space-Saving (Metwally, Agrawal, El Abbadi, 2005). A name that is
 * not kept takes the place of the lightest one and inherits its count, which is from then on what it may be overcounted
 * by. With `k` places and a total weight `W`, every name heavier than `W / k` is kept, and no count is more than
 * `W / k` too high.
 */
export class SpaceSaving {
  readonly #capacity: number;
  readonly #slots = new Map<string, Slot>();
  /** The lightest first: each is not heavier than the two below it, at `2 i + 1` and `2 i + 2`. */
  readonly #heap: Slot[] = [];

  /** `capacity`: names kept at once, 1 or more. */
  constructor(capacity: number) {
    if (!(Number.isInteger(capacity) && capacity >= 1)) {
      throw new RangeError(`capacity is ${capacity}: it must be a whole number, 1 or more`);
    }
    this.#capacity = capacity;
  }

  /** Names kept now. */
  get size(): number {
    return this.#heap.length;
  }

  /** What a name that is not kept may weigh at most. */
  get floor(): number {
    return this.#heap.length < this.#capacity ? 0 : this.#heap[0]!.count;
  }

  /** Adds `weight`, above 0, to a name. */
  add(name: string, weight: number): void {
    const known = this.#slots.get(name);
    if (known !== undefined) {
      known.count += weight;
      this.#sink(known);
      return;
    }
    if (this.#heap.length < this.#capacity) {
      const slot = { name, count: weight, overcount: 0, place: this.#heap.length };
      this.#slots.set(name, slot);
      this.#heap.push(slot);
      this.#rise(slot);
      return;
    }
    const lightest = this.#heap[0]!;
    this.#slots.delete(lightest.name);
    lightest.name = name;
    lightest.overcount = lightest.count;
    lightest.count += weight;
    this.#slots.set(name, lightest);
    this.#sink(lightest);
  }

  /** Every name that is kept, in no particular order. */
  entries(): readonly HeavyName[] {
    return this.#heap.map(({ name, count, overcount }) => ({ name, count, overcount }));
  }

  /** What is kept of one name, or null. */
  get(name: string): HeavyName | null {
    const slot = this.#slots.get(name);
    return slot === undefined ? null : { name, count: slot.count, overcount: slot.overcount };
  }

  #rise(slot: Slot): void {
    while (slot.place > 0) {
      const above = this.#heap[(slot.place - 1) >> 1]!;
      if (above.count <= slot.count) return;
      this.#swap(slot, above);
    }
  }

  #sink(slot: Slot): void {
    const heap = this.#heap;
    for (;;) {
      const at = 2 * slot.place + 1;
      const left = heap[at];
      if (left === undefined) return;
      const right = heap[at + 1];
      const lighter = right !== undefined && right.count < left.count ? right : left;
      if (slot.count <= lighter.count) return;
      this.#swap(lighter, slot);
    }
  }

  #swap(a: Slot, b: Slot): void {
    const place = a.place;
    a.place = b.place;
    b.place = place;
    this.#heap[a.place] = a;
    this.#heap[b.place] = b;
  }
}
