import { type CallBatch, type Operation, Verb } from "@quorumguard/limiter";

const SLOTS = 8_192;

/** In place of a slot: every key. */
const EVERY_KEY = -1;

/**
 * The keys that unapplied entries touch by anything but a plain take, so that applied state must not be asked about them
 * (SEMANTICS D1). A count per slot of a small table: keys that share a slot are taken for each other, which only sends a
 * denial through the log.
 */
export class TouchedKeys {
  readonly #slots = new Uint32Array(SLOTS);
  #everyKey = 0;
  #count = 0;

  /** Whether any key is touched. */
  get any(): boolean {
    return this.#count > 0;
  }

  add(slot: number): void {
    if (slot === EVERY_KEY) this.#everyKey += 1;
    else this.#slots[slot]! += 1;
    this.#count += 1;
  }

  remove(slots: readonly number[]): void {
    for (const slot of slots) {
      if (slot === EVERY_KEY) this.#everyKey -= 1;
      else this.#slots[slot]! -= 1;
    }
    this.#count -= slots.length;
  }

  has(slot: number): boolean {
    return this.#everyKey > 0 || this.#slots[slot] !== 0;
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

const harmless: ReadonlySet<Operation["kind"]> = new Set(["register", "renew", "goodbye", "bounds"] as const);

/**
 * What an operation without calls touches: nothing, if it is known to leave counts alone, else every key. The end of a
 * session frees slots of `concurrency`, which applied state is never asked about.
 */
export function slotsOfOperation(kind: Operation["kind"]): readonly number[] {
  return harmless.has(kind) ? [] : [EVERY_KEY];
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
