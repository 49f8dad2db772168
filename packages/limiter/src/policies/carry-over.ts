import { createVerdict } from "../algorithms/algorithm.ts";
import type { Holds } from "../holds/holds.ts";
import type { KeyTable } from "../keys/key-table.ts";
import type { QuotaRule } from "../keys/quota-rule.ts";
import { Heap } from "../memory/heap.ts";
import { Algorithm } from "../rule.ts";
import { AsIfAsked, type Numbers, roomOf } from "./as-if-asked.ts";
import type { GovernedRule, PreparedEpoch } from "./governed-rule.ts";
import { type Lifted, liftHolds, type OldCounter } from "./lifted-holds.ts";
import { goesOn } from "./looked-for.ts";
import { numbersOf } from "./move-lineages.ts";
import { keptForOwnUs, slowerOf } from "./own-numbers.ts";

/** What a key is taken to have used of which not all is known: no limit is higher. */
const FULL = 2_147_483_647;

const NOTHING_LIFTED: Lifted = { used: 0, held: 0 };

/** What a key had used when the rule that counts it now took over. */
export interface Carried {
  readonly used: number;
  readonly atUs: number;
  /** The key has no counter at all, and is taken to be full because not all that it may have used is known. */
  readonly isGuessed: boolean;
  /** So much of it a bucket takes over beyond its burst: rules say it that the key was never asked under, and that are told by it. */
  readonly told: number;
}

/** A rule under which a key was never asked, and what it would have taken over. */
interface Untouched {
  readonly numbers: Numbers;
  readonly from: { readonly used: number; readonly atUs: number };
}

/** What waits for a key. It stands still until one of the key's counters changes, or what is held on them. */
export interface Waiting {
  /** What is to be carried over; null: nothing. */
  readonly carried: Carried | null;
  /** The rules on the way that have no counter of their own for it. */
  readonly untouched: readonly Untouched[];
  /** The key's old counters. */
  readonly counters: readonly OldCounter[];
  /** How many keys there were: if there are fewer, one of the counters may be gone. */
  readonly keyCount: number;
  /** The last epoch at whose end nothing was left of what the key had used until then, as its place among all; -1: there is none. */
  readonly emptied: number;
}

/**
 * Carries a key's counts over to the rule that took over from others (SEMANTICS K1): what was in force at the stamp of
 * the change, the fullest of all ways in which the key was counted, is charged to the new rule as of that stamp. Nothing
 * was charged to the old counters since then, so it makes no difference when this is done.
 */
export class CarryOver {
  readonly #keys: KeyTable;
  readonly #holds: Holds;
  readonly #asked: AsIfAsked;
  readonly #verdict = createVerdict();

  /** `scratch` is memory of its own, for what is only asked and must not touch the state. */
  constructor(keys: KeyTable, holds: Holds, scratch = new Heap()) {
    this.#keys = keys;
    this.#holds = holds;
    this.#asked = new AsIfAsked(scratch);
  }

  /**
   * What is to be carried over to a key that has no counter of its own yet. It is the fullest of all that is left of the old
   * counters at the last change, each having gone on by its own rule until then: so what a rule with less room could not
   * take over is not forgotten when one with more room comes back. A policy under which the key was never asked counts as
   * if it had been.
   */
  find(rule: GovernedRule, bytes: Uint8Array, start: number, length: number): Waiting {
    const { epochs, own } = rule;
    const keys = this.#keys;
    const counters = this.#countersOf(rule, bytes, start, length, true);
    const handedOn = this.#handedOnWith(epochs, counters);
    const changedUs = epochs.at(-1)?.epoch.endUs ?? 0;
    const held = counters.some(({ block }) => this.#holds.ofKey.hasOpenAt(block, changedUs));
    let untouched: Untouched[] = [];
    let emptied = -1;
    let left = { used: 0, atUs: 0 };
    for (const [at, { epoch }] of epochs.entries()) {
      const { endUs, numbers } = epoch;
      const isTouched =
        epoch.epoch <= handedOn + 1 || counters.some((one) => one.epoch === at && this.#says(one, endUs));
      // What becomes of a key that was taken to be full is in how long it is, unless its own numbers are slower.
      const isKnownSoFar = own !== null || rule.fullUntilUs <= left.atUs;
      if (!isTouched && numbers !== null && left.used > 0 && isKnownSoFar) {
        const next = { numbers: slowerOf(numbers, own), from: left };
        untouched = untouched.filter((each) => !outdoes(next, each));
        untouched.push(next);
      }
      let used = rule.fullUntilUs > endUs ? FULL : 0;
      for (const old of epoch.epoch > handedOn ? counters : []) {
        if (old.epoch <= at) used = Math.max(used, keys.usedAt(old.rule, old.block, endUs));
      }
      for (const { numbers: past, from } of untouched) {
        if (from.used > used) used = Math.max(used, this.#asked.usedAt(past, from, endUs));
      }
      left = { used, atUs: endUs };
      if (used > 0 || held) continue;
      untouched = [];
      if (epoch.epoch > handedOn) emptied = at;
    }
    const told = rule.policy !== null && (own !== null || held) ? this.#toldBy(rule, untouched, left.atUs) : 0;
    const carried = { ...left, isGuessed: left.used > 0 && counters.length === 0, told };
    // What a window has counted may have faded while its hold is open, and goes along all the same.
    return { carried: left.used > 0 || held ? carried : null, untouched, emptied, counters, keyCount: keys.count };
  }

  /**
   * Whether a counter shows that the key was asked under its rule. One that was empty when the rule ended may be swept or
   * not, and says as little as none.
   */
  #says({ rule, block }: OldCounter, endUs: number): boolean {
    return this.#keys.usedAt(rule, block, endUs) > 0;
  }

  /**
   * What only rules say that the key was never asked under, and that a bucket must have when they are told. No counter of
   * theirs says it again at a later change, so it is in debt rather than forgotten; what is but guessed locks nobody.
   */
  #toldBy({ quota }: GovernedRule, untouched: readonly Untouched[], stampUs: number): number {
    if (quota.algorithm !== Algorithm.tokenBucket) return 0;
    const known = untouched.filter(({ from }) => from.used < FULL);
    return this.#mostOf(known, stampUs);
  }

  /** The most that any of these rules would have counted by then. */
  #mostOf(untouched: readonly Untouched[], stampUs: number): number {
    return untouched.reduce((most, { numbers, from }) => Math.max(most, this.#asked.usedAt(numbers, from, stampUs)), 0);
  }

  /** The key's old counters that are looked for, or all of them: those too whose time is over and that no sweep came by. */
  #countersOf(
    rule: GovernedRule,
    bytes: Uint8Array,
    start: number,
    length: number,
    lookedFor: boolean,
  ): readonly OldCounter[] {
    const counters: OldCounter[] = [];
    for (const [epoch, { rules }] of rule.epochs.entries()) {
      for (const past of rules) {
        const block = lookedFor
          ? this.#oldBlockOf(rule, epoch, past, bytes, start, length)
          : this.#blockOf(past, bytes, start, length);
        if (block !== 0) counters.push({ rule: past, epoch, block });
      }
    }
    return counters;
  }

  /** The last epoch with whose end the key's counts were handed on, so that nothing before it is to be told again; or -1. */
  #handedOnWith(epochs: readonly PreparedEpoch[], counters: readonly OldCounter[]): number {
    const ended = epochs.at(-1)?.epoch.epoch ?? 0;
    let last = -1;
    for (const { block, epoch } of counters) {
      last = Math.max(last, this.#keys.handedOnWith(block, epochs[epoch]!.epoch.epoch, ended));
    }
    return last;
  }

  /**
   * Whether the key will have one counter more. So it is under an inline rule; for a key that has none; and if the old
   * ones must stay, because one of them would outlast what the new one takes over. They stay or go together: those that
   * the new one outlasts can tell a later change nothing that it does not tell.
   */
  addsCounter(rule: GovernedRule, carried: Carried, { untouched, counters }: Waiting): boolean {
    if (rule.policy === null || rule.own !== null || carried.isGuessed) return true;
    // What is held stays as used on the counter that it was on.
    const held = counters.some(({ block }) => this.#holds.ofKey.hasOpenAt(block, carried.atUs));
    return held || !this.#outlastsAll(rule, carried, this.#outlivedUs(rule, carried), counters, untouched);
  }

  /** Whether the new counter, which has all that is carried over until `emptyUs`, outlasts all that the key left behind. */
  #outlastsAll(
    rule: GovernedRule,
    carried: Carried,
    emptyUs: number,
    counters: readonly OldCounter[],
    untouched: readonly Untouched[],
  ): boolean {
    if (this.#leadsOn(rule, carried, emptyUs, untouched)) return false;
    return counters.every(({ rule: past, block }) => !this.#outlasts(rule.quota, carried, emptyUs, past, block));
  }

  /** Until when the new counter has at least all that is carried over to it; of a bucket: a level above another's. */
  #outlivedUs(rule: GovernedRule, carried: Carried): number {
    const { algorithm } = rule.quota;
    const isWhole = carried.used <= roomOf(algorithm, rule.quota);
    return isWhole && algorithm !== Algorithm.slidingWindowCounter ? this.#asked.emptyUs(chargedBy(rule), carried) : 0;
  }

  #outlasts(quota: QuotaRule, { atUs }: Carried, emptyUs: number, past: QuotaRule, block: number): boolean {
    if (this.#keys.usedAt(past, block, atUs) === 0) return false;
    // Not its expiry, which the sweep postpones: that would have what is swept decide.
    this.#keys.judge(past, block, 1, 0, atUs, this.#verdict);
    return !isCovered(quota, past.algorithm) || atUs + this.#verdict.resetNowUs > emptyUs;
  }

  /** Whether the old counters tell what rules under which the key was never asked would have counted for longer. */
  #leadsOn(rule: GovernedRule, { atUs }: Carried, emptyUs: number, untouched: readonly Untouched[]): boolean {
    return untouched.some(
      ({ numbers, from }) =>
        this.#asked.usedAt(numbers, from, atUs) > 0 &&
        (!isCovered(rule.quota, numbers.algorithm) || this.#asked.emptyUs(numbers, from) > emptyUs),
    );
  }

  /**
   * Gives the key a counter of its own with what is carried over, and the holds of the old ones. Under a policy the old
   * ones go if the new one outlasts them all; under an inline rule they stay, since other inline rules of that name may
   * ask for them, too.
   *
   * Must be called only while the key has none; `found` is what waits for it, if that was asked just before and nothing but
   * room was made since. Returns its block; 0: there is nothing to carry over.
   */
  carry(
    rule: GovernedRule,
    hash: number,
    bytes: Uint8Array,
    start: number,
    length: number,
    { found, isSettling = false }: { readonly found?: Waiting; readonly isSettling?: boolean } = {},
  ): number {
    const keys = this.#keys;
    const { carried, untouched, counters } = this.#withoutWhatIsOver(rule, bytes, start, length, found);
    if (carried === null) return 0;
    const { quota } = rule;
    const { atUs } = carried;
    const held = counters.some(({ block }) => keys.isHeld(block));
    const lifted = held ? liftHolds(keys, this.#holds, counters, atUs, rule.policy === null) : NOTHING_LIFTED;
    const isKnownToHold = held && carried.used < FULL;
    const used = isKnownToHold ? Math.max(lifted.used, this.#mostOf(untouched, atUs)) : carried.used;
    const amount = Math.min(used, Math.max(roomOf(quota.algorithm, quota), carried.told));
    if (amount === 0 && !held) {
      if (rule.policy !== null) this.forget(rule, bytes, start, length);
      return 0;
    }
    let block = this.#chargeNew(rule, hash, amount, atUs, bytes, start, length);
    const { limit } = quota;
    quota.limit = rule.carriedLimit;
    for (const { block: from } of counters) if (keys.isHeld(from)) this.#holds.rehome(from, block);
    if (keys.isHeld(block)) block = this.#holds.lay(block, quota, atUs);
    quota.limit = limit;
    this.#holds.forgetOver(block, rule.stampUs);
    if (rule.policy === null) return block;
    // What was given back on a counter that is swept since must not come back with those that it was carried over from;
    // nor what a key with numbers of its own has used since, which are not by those that a policy never asked counts by.
    if (held || rule.own !== null) this.#handOn(rule, rule.epochs.length - 1, counters);
    // A key's own numbers may be others soon, and its counter be over before those that it outlasts by these.
    if (rule.own !== null || isSettling) return block;
    // What is held may be given back on the new counter, and not on those before: each of them tells something.
    const outlivedUs = lifted.held > 0 ? 0 : this.#outlivedUs(rule, { ...carried, used });
    if (!this.#outlastsAll(rule, carried, outlivedUs, counters, held ? [] : untouched)) return block;
    for (const { block: old } of counters) keys.remove(old);
    return block;
  }

  /** What waits for a key once what was over at the last change is forgotten on its old counters. */
  #withoutWhatIsOver(rule: GovernedRule, bytes: Uint8Array, start: number, length: number, found?: Waiting): Waiting {
    const { count } = this.#keys;
    const waiting = found?.keyCount === count ? found : this.find(rule, bytes, start, length);
    const changedUs = rule.epochs.at(-1)?.epoch.endUs ?? 0;
    const held = waiting.counters.filter(({ block }) => this.#keys.isHeld(block));
    for (const { block } of held) this.#holds.forgetOver(block, changedUs);
    return held.length === 0 ? waiting : this.find(rule, bytes, start, length);
  }

  /**
   * To be called with a key's own counter (0: it has none) before it is asked. An empty one may be swept at any time, and its key be
   * carried over anew, which a key with numbers of its own notes as told. So that is noted here as well: whether the sweep came by
   * decides nothing. Returns whether there is one.
   */
  useOwn(rule: GovernedRule, block: number, bytes: Uint8Array, start: number, length: number): boolean {
    const keys = this.#keys;
    if (block === 0) return false;
    if (rule.policy === null || rule.own === null || keys.isHeld(block)) return true;
    if (keys.usedAt(rule.quota, block, rule.stampUs) > 0) return true;
    const { carried, counters } = this.find(rule, bytes, start, length);
    if (carried !== null) this.#handOn(rule, rule.epochs.length - 1, counters);
    return true;
  }

  /** As {@link carry}, but what is held stays on the old counters, and is used on the new one. */
  carryAsUsed(rule: GovernedRule, carried: Carried, bytes: Uint8Array, start: number, length: number): number {
    const { quota } = rule;
    const { used, atUs, told } = carried;
    const amount = Math.min(used, Math.max(roomOf(quota.algorithm, quota), told));
    if (amount === 0) return 0;
    const hash = this.#keys.hashOf(quota, bytes, start, length);
    return this.#chargeNew(rule, hash, amount, atUs, bytes, start, length);
  }

  /** Creates the key's counter, and charges it by the numbers that what is carried over goes by. Returns its block. */
  #chargeNew(
    rule: GovernedRule,
    hash: number,
    amount: number,
    atUs: number,
    bytes: Uint8Array,
    start: number,
    length: number,
  ): number {
    const { quota } = rule;
    const home = this.#keys.create(quota, hash, bytes, start, length);
    const { limit } = quota;
    quota.limit = rule.carriedLimit;
    if (amount > 0) this.#keys.charge(quota, home, amount, atUs);
    quota.limit = limit;
    return this.#blockOf(quota, bytes, start, length);
  }

  /**
   * Before a policy's key gets other numbers of its own: what waits for it is reckoned by those that it has. So the new ones do
   * not count for the time until then, whether or not its counters are swept.
   *
   * What waits goes by numbers of its own where the policy is a bucket, or one is on the way that the key was never asked
   * under. A window keeps what it has whatever its limit, and so does a counter that stands still: there, it is only noted of what
   * nothing is left, lest slower numbers bring it back.
   */
  renumber(rule: GovernedRule, bytes: Uint8Array, start: number, length: number): void {
    const isBucket = ({ algorithm }: Numbers) => algorithm === Algorithm.tokenBucket;
    const waiting = isBucket(rule.quota) ? null : this.find(rule, bytes, start, length);
    if (waiting === null || waiting.untouched.some(({ numbers }) => isBucket(numbers))) {
      this.#settle(rule, bytes, start, length);
    } else if (waiting.emptied >= 0) {
      this.#handOn(rule, waiting.emptied, this.#countersOf(rule, bytes, start, length, false));
    }
  }

  /** The key's counter has what waits for it, and what the old ones say of the time until their rules ended is told. */
  #settle(rule: GovernedRule, bytes: Uint8Array, start: number, length: number): void {
    const keys = this.#keys;
    const hash = keys.hashOf(rule.quota, bytes, start, length);
    const isNew = keys.find(rule.quota, hash, bytes, start, length) === 0;
    if (isNew) this.carry(rule, hash, bytes, start, length, { isSettling: true });
    // A key that has numbers of its own is told by being carried over.
    if (!isNew || rule.own === null) this.#tell(rule, hash, bytes, start, length);
    this.#handOn(rule, rule.epochs.length - 1, this.#countersOf(rule, bytes, start, length, false));
  }

  /** Before what rules say that the key was never asked under is told for good: its bucket has as much by now. */
  #tell(rule: GovernedRule, hash: number, bytes: Uint8Array, start: number, length: number): void {
    const keys = this.#keys;
    const { quota, stampUs } = rule;
    if (quota.algorithm !== Algorithm.tokenBucket) return;
    const told = this.#toldBy(rule, this.find(rule, bytes, start, length).untouched, stampUs);
    const block = told === 0 ? 0 : keys.find(quota, hash, bytes, start, length);
    if (block === 0) return;
    const missing = told - keys.usedAt(quota, block, stampUs);
    if (missing <= 0) return;
    const { limit } = quota;
    quota.limit = rule.carriedLimit;
    keys.charge(quota, block, missing, stampUs);
    quota.limit = limit;
  }

  /** Notes on the counters of the epochs until this place that all is told that they say of the time until it ended. */
  #handOn({ epochs }: GovernedRule, last: number, counters: readonly OldCounter[]): void {
    for (const { block, epoch } of counters) {
      if (epoch <= last) this.#keys.setHandedOn(block, epochs[last]!.epoch.epoch);
    }
  }

  /** The old counters of the key that are looked for. */
  oldBlocks(rule: GovernedRule, bytes: Uint8Array, start: number, length: number): readonly number[] {
    return this.#countersOf(rule, bytes, start, length, true).map(({ block }) => block);
  }

  /** Those of them that have open holds. */
  heldBlocks(rule: GovernedRule, bytes: Uint8Array, start: number, length: number): readonly number[] {
    return this.oldBlocks(rule, bytes, start, length).filter((block) => this.#keys.isHeld(block));
  }

  /** Whether something can be settled on an old counter of the key. */
  hasOpen(rule: GovernedRule, bytes: Uint8Array, start: number, length: number): boolean {
    return this.heldBlocks(rule, bytes, start, length).some((block) =>
      this.#holds.ofKey.hasOpenAt(block, rule.stampUs),
    );
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
   * count; one that has a counter, on which something is held, keeps it for as long. Returns the block of a new one, or 0.
   */
  keepReset(rule: GovernedRule, hash: number, bytes: Uint8Array, start: number, length: number, own: number): number {
    const { quota, stampUs } = rule;
    const carried = quota.limit === 0 ? null : this.find(rule, bytes, start, length).carried;
    if (!carried?.isGuessed) return 0;
    const untilUs = this.#asked.emptyUs(chargedBy(rule), carried);
    if (untilUs <= stampUs) return 0;
    const keys = this.#keys;
    if (own !== 0) {
      keys.keepUntil(own, untilUs);
      return 0;
    }
    // Given back at once: the counter is empty, and knows its rule.
    const once = { cost: 1, fromUs: stampUs, datedUs: stampUs, expiryUs: stampUs + 1 };
    const block = keys.hold(quota, keys.create(quota, hash, bytes, start, length), once, stampUs);
    const home = keys.settle(quota, block, once, 0, stampUs);
    keys.keepUntil(home, untilUs);
    return home;
  }

  /**
   * The block of an old counter; 0: there is none, or its time is over and it is still there only because no sweep came by.
   */
  #oldBlockOf(
    { stampUs, epochs, own, policy }: GovernedRule,
    at: number,
    past: QuotaRule,
    bytes: Uint8Array,
    start: number,
    length: number,
  ): number {
    const isKept = epochs[at]!.epoch.retainUs > stampUs;
    if (!(isKept || this.#keys.census.hasFrozen)) return 0;
    const block = this.#blockOf(past, bytes, start, length);
    if (block === 0 || isKept || goesOn(this.#keys, past, block, stampUs)) return block;
    if (own === null) return 0;
    const rules = epochs.map(({ epoch }) => epoch);
    return keptForOwnUs(rules, at, policy === null ? null : numbersOf(policy), own) > stampUs ? block : 0;
  }

  #blockOf(rule: QuotaRule, bytes: Uint8Array, start: number, length: number): number {
    this.#keys.prepare(rule);
    return this.#keys.find(rule, this.#keys.hashOf(rule, bytes, start, length), bytes, start, length);
  }
}

/** The numbers that what is carried over is charged by. */
function chargedBy(rule: GovernedRule): Numbers {
  const { algorithm, windowUs, burst } = rule.quota;
  return { algorithm, limit: rule.carriedLimit, windowUs, burst };
}

/** Whether a later one, which takes over all that the earlier one counts by then, counts at least as much from then on. */
function outdoes({ numbers, from }: Untouched, earlier: Untouched): boolean {
  const { algorithm, windowUs, limit, burst } = numbers;
  if (algorithm !== earlier.numbers.algorithm || windowUs !== earlier.numbers.windowUs) return false;
  if (algorithm !== Algorithm.tokenBucket) return algorithm !== Algorithm.slidingWindowCounter;
  return limit > 0 && limit <= earlier.numbers.limit && burst >= from.used;
}

/** Whether the new counter stays above an old one for as long as it counts: of a bucket only another bucket is known to. */
function isCovered({ algorithm }: Numbers, past: number): boolean {
  return algorithm !== Algorithm.tokenBucket || past === Algorithm.tokenBucket;
}
