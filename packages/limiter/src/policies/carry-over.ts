import type { Quota, Verdict } from "../algorithms/algorithm.ts";
import { algorithmOf } from "../algorithms/registry.ts";
import type { Holds } from "../holds/holds.ts";
import type { KeyTable } from "../keys/key-table.ts";
import type { QuotaRule } from "../keys/quota-rule.ts";
import { Heap, PageKind } from "../memory/heap.ts";
import { Slab } from "../memory/slab.ts";
import { Algorithm } from "../rule.ts";
import type { GovernedRule } from "./governed-rule.ts";

/** Cells that the key table has before an algorithm's own. */
const COMMON_CELLS = 3;

/** What a key had used when the rule that counts it now took over. */
export interface Carried {
  readonly used: number;
  readonly atUs: number;
}

/**
 * Carries a key's counts over to the rule that took over from others (SEMANTICS K1): what was in force at the stamp of
 * the change, the fullest of all ways in which the key was counted, is charged to the new rule as of that stamp. The old
 * counters have stood still since then, so it makes no difference when this is done.
 */
export class CarryOver {
  readonly #keys: KeyTable;
  readonly #holds: Holds;
  /** Memory of its own, for what is only asked and must not touch the state. */
  readonly #scratch = new Heap();
  readonly #slab = new Slab(this.#scratch, PageKind.keys);

  constructor(keys: KeyTable, holds: Holds) {
    this.#keys = keys;
    this.#holds = holds;
  }

  /** What is to be carried over to a key that has no counter of its own yet; null: nothing. */
  find(rule: GovernedRule, bytes: Uint8Array, start: number, length: number): Carried | null {
    let carried: Carried | null = null;
    for (const { epoch, rules } of rule.epochs) {
      let used = 0;
      let held = false;
      for (const past of rules) {
        const block = this.#blockOf(past, bytes, start, length);
        if (block === 0) continue;
        used = Math.max(used, this.#keys.usedAt(past, block, epoch.endUs));
        held ||= this.#keys.isHeld(block);
      }
      // What a window has counted may have faded while its hold is open, and goes along all the same.
      if (used > 0 || held) carried = { used, atUs: epoch.endUs };
      else if (carried !== null && epoch.numbers !== null) carried = this.#age(epoch.numbers, carried, epoch.endUs);
    }
    return carried;
  }

  /** What is left at `toUs` of what was carried over to a rule that the key was never asked under. */
  #age(numbers: Quota & { readonly algorithm: number }, { used, atUs }: Carried, toUs: number): Carried | null {
    return this.#onScratch(numbers.algorithm, numbers, used, atUs, (block, tail) => {
      const left = algorithmOf(numbers.algorithm)!.usedAt(this.#scratch, block, tail, numbers, toUs);
      return left === 0 ? null : { used: left, atUs: toUs };
    });
  }

  /** Judges a key that has no counter of its own yet as if its counts were carried over already. */
  judge(rule: QuotaRule, carried: Carried, cost: number, stampUs: number, verdict: Verdict): void {
    this.#onScratch(rule.algorithm, rule, carried.used, carried.atUs, (block, tail) => {
      algorithmOf(rule.algorithm)!.judge(this.#scratch, block, tail, rule, cost, 0, stampUs, verdict);
    });
  }

  #onScratch<T>(number: number, quota: Quota, used: number, atUs: number, then: (block: number, tail: number) => T): T {
    const algorithm = algorithmOf(number)!;
    const heap = this.#scratch;
    const tail = COMMON_CELLS + algorithm.headCells;
    const cells = Slab.blockCells(tail + algorithm.tailCells);
    const block = this.#slab.take(cells);
    for (let word = 0; word < cells * 2; word++) heap.setWord(block, word, 0);
    heap.setWord(block, 0, number);
    algorithm.initialize(heap, block, tail, cells);
    const amount = Math.min(used, capacityOf(number, quota));
    const mover = { grow: () => block };
    if (amount > 0) algorithm.charge(heap, block, tail, quota, amount, atUs, mover);
    const result = then(block, tail);
    this.#slab.give(block);
    return result;
  }

  /**
   * Gives the key a counter of its own with what is carried over, in the place of the old ones: holds go with it. Under
   * an inline rule the old ones stay, since other inline rules of that name may ask for them, too.
   *
   * Must be called only while the key has none. Returns its block; 0: there is nothing to carry over.
   */
  carry(rule: GovernedRule, hash: number, bytes: Uint8Array, start: number, length: number): number {
    const keys = this.#keys;
    const carried = this.find(rule, bytes, start, length) ?? this.#nothingUsed(rule, bytes, start, length);
    if (carried === null) return 0;
    const { quota } = rule;
    let held = false;
    let liftedUsed = 0;
    for (const { epoch, rules } of rule.epochs) {
      for (const past of rules) {
        let block = this.#blockOf(past, bytes, start, length);
        if (block === 0) continue;
        if (keys.isHeld(block)) {
          const before = keys.usedAt(past, block, epoch.endUs);
          block = this.#holds.lift(block, epoch.endUs);
          const after = keys.usedAt(past, block, epoch.endUs);
          held = true;
          liftedUsed = Math.max(liftedUsed, after);
          if (rule.policy === null && before > after) keys.charge(past, block, before - after, epoch.endUs);
        } else {
          liftedUsed = Math.max(liftedUsed, keys.usedAt(past, block, epoch.endUs));
        }
      }
    }
    const amount = Math.min(held ? liftedUsed : carried.used, capacityOf(quota.algorithm, quota));
    if (amount === 0 && !held) {
      if (rule.policy !== null) this.forget(rule, bytes, start, length);
      return 0;
    }
    const home = keys.create(quota, hash, bytes, start, length);
    if (amount > 0) keys.charge(quota, home, amount, carried.atUs);
    let block = this.#blockOf(quota, bytes, start, length);
    for (const from of this.#heldOf(rule, bytes, start, length)) this.#holds.rehome(from, block);
    if (keys.isHeld(block)) block = this.#holds.lay(block, quota, carried.atUs);
    if (rule.policy !== null) this.forget(rule, bytes, start, length);
    return block;
  }

  /** A key of which nothing counts any more may still have holds, which go with it; null: it has none. */
  #nothingUsed(rule: GovernedRule, bytes: Uint8Array, start: number, length: number): Carried | null {
    const isHeld = this.#heldOf(rule, bytes, start, length).next().done !== true;
    return isHeld ? { used: 0, atUs: rule.epochs.at(-1)!.epoch.endUs } : null;
  }

  *#heldOf(rule: GovernedRule, bytes: Uint8Array, start: number, length: number): IterableIterator<number> {
    for (const { rules } of rule.epochs) {
      for (const past of rules) {
        const block = this.#blockOf(past, bytes, start, length);
        if (this.#keys.isHeld(block)) yield block;
      }
    }
  }

  /** Removes all that could still be carried over: the key starts anew. */
  forget(rule: GovernedRule, bytes: Uint8Array, start: number, length: number): void {
    for (const { rules } of rule.epochs) {
      for (const past of rules) {
        const block = this.#blockOf(past, bytes, start, length);
        if (block !== 0 && !this.#keys.isHeld(block)) this.#keys.remove(block);
      }
    }
  }

  #blockOf(rule: QuotaRule, bytes: Uint8Array, start: number, length: number): number {
    this.#keys.prepare(rule);
    return this.#keys.find(rule, this.#keys.hashOf(rule, bytes, start, length), bytes, start, length);
  }
}

/** The most that a rule lets a key use at once: what is used beyond it counts as that. */
function capacityOf(algorithm: number, quota: Quota): number {
  return algorithm === Algorithm.tokenBucket ? quota.burst : quota.limit;
}
