import { type CallBatch, Verb } from "@quorumguard/limiter";

const SLOTS = 8_192;

/**
 * The keys that unapplied entries touch by anything but a plain take, so that applied state must not be asked about them
 * (SEMANTICS D1). A count per slot of a small table: keys that share a slot are taken for each other, which only sends a
 * denial through the log.
 */
export class TouchedKeys {
  readonly #slots = new Uint32Array(SLOTS);
  #count = 0;

  /** Whether any key is touched. */
  get any(): boolean {
    return this.#count > 0;
  }

  add(slot: number): void {
    this.#slots[slot]! += 1;
    this.#count += 1;
  }

  remove(slots: readonly number[]): void {
    for (const slot of slots) this.#slots[slot]! -= 1;
    this.#count -= slots.length;
  }

  has(slot: number): boolean {
    return this.#slots[slot] !== 0;
  }
}

/** The slot of the key of item `item`, whatever its namespace and rule. */
export function slotOf({ keyBytes, keyStarts, keyLengths }: CallBatch, item: number): number {
  const start = keyStarts[item]!;
  const end = start + keyLengths[item]!;
  let hash = 0x811c9dc5;
  for (let at = start; at < end; at++) hash = Math.imul(hash ^ keyBytes[at]!, 0x01000193);
  return (hash ^ (hash >>> 15)) & (SLOTS - 1);
}

/** The slots of the keys that calls `[fromCall, toCall)` touch by other verbs than take; null: none. */
export function touchedSlots(batch: CallBatch, fromCall: number, toCall: number): number[] | null {
  const { verbs, sizes } = batch;
  if (verbs === null) return null;
  let slots: number[] | null = null;
  let item = 0;
  for (let call = 0; call < toCall; call++) {
    if (call >= fromCall && verbs[call] !== Verb.take) {
      slots ??= [];
      slots.push(slotOf(batch, item));
    }
    item += sizes === null ? 1 : sizes[call]!;
  }
  return slots;
}
