import { CELL_EXPIRY, type Quota, type Verdict } from "../algorithms/algorithm.ts";
import { algorithmOf } from "../algorithms/registry.ts";
import type { Holds } from "../holds/holds.ts";
import type { KeyTable } from "../keys/key-table.ts";
import type { QuotaRule } from "../keys/quota-rule.ts";
import { Heap, PageKind } from "../memory/heap.ts";
import { Slab } from "../memory/slab.ts";
import { Algorithm } from "../rule.ts";
import type { GovernedRule, PreparedEpoch } from "./governed-rule.ts";
import { type Lifted, liftHolds, type OldCounter } from "./lifted-holds.ts";

/** Cells that the key table has before an algorithm's own. */
const COMMON_CELLS = 3;
const MAX_USED = 4_294_967_295;
/** What a key is taken to have used of which not all is known: no limit is higher. */
const FULL = 2_147_483_647;

const NOTHING_LIFTED: Lifted = { used: 0, held: 0 };

/** What a key had used when the rule that counts it now took over. */
export interface Carried {
  readonly used: number;
  readonly atUs: number;
  /** The key has no counter at all, and is taken to be full because not all that it may have used is known. */
  readonly isGuessed: boolean;
}

type Numbers = Quota & { readonly algorithm: number };

/** A rule under which a key was never asked, and what it would have taken over. */
interface Untouched {
  readonly numbers: Numbers;
  readonly from: Carried;
}

/** What is to be carried over, and the rules on the way that have no counter of their own for it. */
interface Trace {
  readonly carried: Carried | null;
  readonly untouched: readonly Untouched[];
}

/**
 * Carries a key's counts over to the rule that took over from others (SEMANTICS K1): what was in force at the stamp of
 * the change, the fullest of all ways in which the key was counted, is charged to the new rule as of that stamp. Nothing
 * was charged to the old counters since then, so it makes no difference when this is done.
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

  /**
   * What is to be carried over to a key that has no counter of its own yet; null: nothing. It is the fullest of all that
   * is left of the old counters at the last change, each having gone on by its own rule until then: so what a rule with
   * less room could not take over is not forgotten when one with more room comes back. A policy under which the key was
   * never asked counts as if it had been.
   */
  find(rule: GovernedRule, bytes: Uint8Array, start: number, length: number): Carried | null {
    return this.#trace(rule, bytes, start, length).carried;
  }

  #trace(rule: GovernedRule, bytes: Uint8Array, start: number, length: number): Trace {
    const { epochs } = rule;
    const isKnown = (found: readonly number[]) => found.some((block) => block !== 0);
    const blocks = epochs.map((each) =>
      each.rules.map((past) => this.#oldBlockOf(rule, each, past, bytes, start, length)),
    );
    let untouched: readonly Untouched[] = [];
    let held = false;
    let carried: Carried = { used: 0, atUs: 0, isGuessed: false };
    for (const [at, { epoch }] of epochs.entries()) {
      const { endUs, numbers } = epoch;
      const isTouched = isKnown(blocks[at]!);
      // What becomes of a key that was taken to be full is in how long it is.
      const isKnownSoFar = rule.fullUntilUs <= carried.atUs;
      if (!isTouched && numbers !== null && carried.used > 0 && isKnownSoFar) {
        const next = { numbers, from: carried };
        untouched = [...untouched.filter((each) => !outdoes(next, each)), next];
      }
      let used = rule.fullUntilUs > endUs ? FULL : 0;
      for (const [earlier, { rules }] of epochs.slice(0, at + 1).entries()) {
        for (const [shape, past] of rules.entries()) {
          const block = blocks[earlier]![shape]!;
          if (block === 0 || this.#keys.isHandedOn(block, epoch.epoch)) continue;
          used = Math.max(used, this.#keys.usedAt(past, block, endUs));
          held ||= this.#keys.isHeld(block);
        }
      }
      for (const each of untouched) used = Math.max(used, this.#aged(each.numbers, each.from, endUs));
      carried = { used, atUs: endUs, isGuessed: used > 0 && !blocks.some(isKnown) };
    }
    // What a window has counted may have faded while its hold is open, and goes along all the same.
    return { carried: carried.used > 0 || held ? carried : null, untouched };
  }

  /** What is left at `toUs` of what was carried over to a rule that the key was never asked under. */
  #aged(numbers: Numbers, { used, atUs }: Carried, toUs: number): number {
    return this.#onScratch(numbers.algorithm, numbers, used, atUs, (block, tail) =>
      this.#scratch.number(block, CELL_EXPIRY) <= toUs
        ? 0
        : algorithmOf(numbers.algorithm)!.usedAt(this.#scratch, block, tail, numbers, toUs),
    );
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
    const amount = Math.min(used, roomOf(number, quota));
    const mover = { grow: () => block };
    if (amount > 0) algorithm.charge(heap, block, tail, quota, amount, atUs, mover);
    const result = then(block, tail);
    this.#slab.give(block);
    return result;
  }

  /**
   * Whether the key will have one counter more. So it is under an inline rule; for a key that has none; and if an old one
   * must stay, because it would outlast what the new one takes over of it: one that does not can tell a later change
   * nothing that the new one does not tell.
   */
  addsCounter(rule: GovernedRule, carried: Carried, bytes: Uint8Array, start: number, length: number): boolean {
    if (rule.policy === null || carried.isGuessed) return true;
    const emptyUs = this.#outlivedUs(rule.quota, carried);
    if (this.#leadsOn(rule, carried, emptyUs, bytes, start, length)) return true;
    // What is held stays as used on the counter that it was on.
    return this.#oldCounters(rule, bytes, start, length).some(
      ({ rule: past, block }) => this.#keys.isHeld(block) || this.#outlasts(rule.quota, carried, emptyUs, past, block),
    );
  }

  /** Until when the new counter has at least all that is carried over to it; of a bucket: a level above another's. */
  #outlivedUs(quota: QuotaRule, carried: Carried): number {
    const isWhole = carried.used <= roomOf(quota.algorithm, quota);
    return isWhole && quota.algorithm !== Algorithm.slidingWindowCounter ? this.#emptyUs(quota, carried) : 0;
  }

  #emptyUs(numbers: Numbers, { used, atUs }: Carried): number {
    return this.#onScratch(numbers.algorithm, numbers, used, atUs, (copy) => this.#scratch.number(copy, CELL_EXPIRY));
  }

  #outlasts(quota: QuotaRule, { atUs }: Carried, emptyUs: number, past: QuotaRule, block: number): boolean {
    if (this.#keys.usedAt(past, block, atUs) === 0) return false;
    return !isCovered(quota, past.algorithm) || this.#keys.expiryOf(block) > emptyUs;
  }

  /** Whether the old counters tell what rules under which the key was never asked would have counted for longer. */
  #leadsOn(
    rule: GovernedRule,
    { atUs }: Carried,
    emptyUs: number,
    bytes: Uint8Array,
    start: number,
    length: number,
  ): boolean {
    return this.#trace(rule, bytes, start, length).untouched.some(
      ({ numbers, from }) =>
        this.#aged(numbers, from, atUs) > 0 &&
        (!isCovered(rule.quota, numbers.algorithm) || this.#emptyUs(numbers, from) > emptyUs),
    );
  }

  /**
   * Gives the key a counter of its own with what is carried over, and the holds of the old ones. Under a policy those of
   * the old ones go that the new one outlasts; under an inline rule all stay, since other inline rules of that name may
   * ask for them, too.
   *
   * Must be called only while the key has none. Returns its block; 0: there is nothing to carry over.
   */
  carry(rule: GovernedRule, hash: number, bytes: Uint8Array, start: number, length: number): number {
    const keys = this.#keys;
    const { carried, untouched } = this.#trace(rule, bytes, start, length);
    if (carried === null) return 0;
    const { quota } = rule;
    const { atUs } = carried;
    const counters = this.#oldCounters(rule, bytes, start, length);
    const held = counters.some(({ block }) => keys.isHeld(block));
    const lifted = held ? liftHolds(keys, this.#holds, counters, atUs, rule.policy === null) : NOTHING_LIFTED;
    const aged = untouched.map(({ numbers, from }) => this.#aged(numbers, from, atUs));
    const used = held && carried.used < FULL ? Math.max(lifted.used, ...aged) : carried.used;
    const amount = Math.min(used, roomOf(quota.algorithm, quota));
    if (amount === 0 && !held) {
      if (rule.policy !== null) this.forget(rule, bytes, start, length);
      return 0;
    }
    const home = keys.create(quota, hash, bytes, start, length);
    if (amount > 0) keys.charge(quota, home, amount, atUs);
    let block = this.#blockOf(quota, bytes, start, length);
    for (const { block: from } of counters) if (keys.isHeld(from)) this.#holds.rehome(from, block);
    if (keys.isHeld(block)) block = this.#holds.lay(block, quota, atUs);
    if (rule.policy === null) return block;
    // What was given back on a counter that is swept since must not come back with those that it was carried over from.
    const { epoch } = rule.epochs.at(-1)!.epoch;
    if (held) for (const { block: from } of counters) keys.setHandedOn(from, epoch);
    this.#dropOutlasted(rule, { ...carried, used }, lifted.held, counters, bytes, start, length);
    return block;
  }

  /** Whether an old counter of the key has open holds. */
  isHeld(rule: GovernedRule, bytes: Uint8Array, start: number, length: number): boolean {
    return this.#oldCounters(rule, bytes, start, length).some(({ block }) => this.#keys.isHeld(block));
  }

  #oldCounters(rule: GovernedRule, bytes: Uint8Array, start: number, length: number): readonly OldCounter[] {
    return rule.epochs
      .flatMap((each, epoch) =>
        each.rules.map((past) => {
          return { rule: past, epoch, block: this.#oldBlockOf(rule, each, past, bytes, start, length) };
        }),
      )
      .filter(({ block }) => block !== 0);
  }

  #dropOutlasted(
    rule: GovernedRule,
    carried: Carried,
    held: number,
    counters: readonly OldCounter[],
    bytes: Uint8Array,
    start: number,
    length: number,
  ): void {
    // What is held may be given back on the new counter, and not on those before: each of them tells something.
    const emptyUs = held > 0 ? 0 : this.#outlivedUs(rule.quota, carried);
    if (this.#leadsOn(rule, carried, emptyUs, bytes, start, length)) return;
    for (const { rule: past, block } of counters) {
      if (this.#keys.isHeld(block)) continue;
      if (!this.#outlasts(rule.quota, carried, emptyUs, past, block)) this.#keys.remove(block);
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

  /**
   * After a reset: a key that would be guessed to be full anew gets an unused counter, for as long as the guess would
   * count. Returns its block, or 0.
   */
  keepReset(
    rule: GovernedRule,
    hash: number,
    bytes: Uint8Array,
    start: number,
    length: number,
    stampUs: number,
  ): number {
    const { quota } = rule;
    const carried = quota.limit === 0 ? null : this.find(rule, bytes, start, length);
    if (!carried?.isGuessed) return 0;
    const untilUs = this.#emptyUs(quota, carried);
    if (untilUs <= stampUs) return 0;
    const keys = this.#keys;
    // Given back at once: the counter is empty, and knows its rule.
    const once = { cost: 1, fromUs: stampUs, datedUs: stampUs, expiryUs: stampUs + 1 };
    const block = keys.hold(quota, keys.create(quota, hash, bytes, start, length), once, stampUs);
    const home = keys.settle(quota, block, once, 0, stampUs);
    keys.keepUntil(home, untilUs);
    return home;
  }

  /**
   * The block of an old counter; 0: there is none, or its time is over and it is still there only because no sweep came by.
   * It is not over while it counts by its own rule, be that slower than all that is known of the epoch: a key's own
   * numbers, or a debt. Open holds prolong nothing: those that no inline rule asked for in time are nobody's.
   */
  #oldBlockOf(
    { stampUs, findsHeld }: GovernedRule,
    { epoch }: PreparedEpoch,
    past: QuotaRule,
    bytes: Uint8Array,
    start: number,
    length: number,
  ): number {
    const isKept = epoch.retainUs > stampUs;
    if (!(isKept || this.#keys.census.hasFrozen)) return 0;
    const block = this.#blockOf(past, bytes, start, length);
    if (block === 0 || isKept) return block;
    const isThere = this.#keys.isHeld(block) ? findsHeld : this.#keys.expiryOf(block) > stampUs;
    return isThere ? block : 0;
  }

  #blockOf(rule: QuotaRule, bytes: Uint8Array, start: number, length: number): number {
    this.#keys.prepare(rule);
    return this.#keys.find(rule, this.#keys.hashOf(rule, bytes, start, length), bytes, start, length);
  }
}

/** Whether a later one, which takes over all that the earlier one counts by then, counts at least as much from then on. */
function outdoes({ numbers, from }: Untouched, earlier: Untouched): boolean {
  const { algorithm, windowUs, limit, burst } = numbers;
  if (algorithm !== earlier.numbers.algorithm || windowUs !== earlier.numbers.windowUs) return false;
  if (algorithm !== Algorithm.tokenBucket) return algorithm !== Algorithm.slidingWindowCounter;
  return limit > 0 && limit <= earlier.numbers.limit && burst >= from.used;
}

/**
 * How much of what is carried over a counter takes: a bucket its burst, since it would take beyond all measure to drain
 * more at a lower rate; a window everything, since it forgets it with its window however much it is.
 */
function roomOf(algorithm: number, quota: Quota): number {
  return algorithm === Algorithm.tokenBucket ? quota.burst : MAX_USED;
}

/** Whether the new counter stays above an old one for as long as it counts: of a bucket only another bucket is known to. */
function isCovered({ algorithm }: Numbers, past: number): boolean {
  return algorithm !== Algorithm.tokenBucket || past === Algorithm.tokenBucket;
}
