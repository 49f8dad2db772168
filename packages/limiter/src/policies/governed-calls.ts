import type { BanIdentity } from "../abuse/ban-table.ts";
import type { Bans } from "../abuse/bans.ts";
import { createVerdict } from "../algorithms/algorithm.ts";
import { NEVER, Outcome } from "../call-batch.ts";
import { u16At, u32At, u64At } from "../entry/byte-reader.ts";
import type { CallsLayout } from "../entry/calls-layout.ts";
import { textOf } from "../entry/utf8.ts";
import type { RollingHash } from "../hash/rolling-hash.ts";
import type { KeyTable } from "../keys/key-table.ts";
import type { QuotaRule } from "../keys/quota-rule.ts";
import { equalSpans, isSameIdentity } from "../keys/same-key.ts";
import { ceilMs, firmMsOf, mixResult, writeVerdict } from "../machine/call-executor.ts";
import type { MachineState } from "../machine/state.ts";
import type { GrowingResultColumns } from "../result-columns.ts";
import { Algorithm } from "../rule.ts";
import { endsHold, opensHold, Verb } from "../verb.ts";
import { bringNamed } from "./bring-held.ts";
import { type Carried, CarryOver, type Waiting } from "./carry-over.ts";
import { Counter, count } from "./counters.ts";
import { type AskedRule, GovernedRule } from "./governed-rule.ts";
import { createJudged, type Judged, openAnyway } from "./judged.ts";
import { KeyQuota } from "./key-quota.ts";
import type { NamespacePolicies } from "./namespace-policies.ts";

/** A list's answer lasts as long as the list; clients are told of changes, but ask again after a minute. */
const LIST_FIRM_US = 60_000_000;
const noBytes = new Uint8Array(0);

/**
 * Executes calls in namespaces that have policies, or had some: the rule in force for each key, lists, bans, shadow
 * policies, quotas of keys, and counts that must be carried over. Other namespaces never come here.
 */
export class GovernedCalls {
  readonly #state: MachineState;
  readonly #keys: KeyTable;
  readonly #bans: Bans;
  readonly #hash: RollingHash;
  readonly #results: GrowingResultColumns;
  readonly carryOver: CarryOver;
  readonly #verdict = createVerdict();
  readonly #rules: GovernedRule[] = [];
  readonly #judged: Judged[] = [];
  readonly #identity: BanIdentity = { prefix: noBytes, prefixLength: 0, bytes: noBytes, start: 0, length: 0 };
  #policies: NamespacePolicies | null = null;
  #layout: CallsLayout | null = null;
  #stampUs = 0.5;
  #maxKeys = 0;
  readonly #quota: KeyQuota;
  /** Counters may have been freed since the call's items were judged. */
  #areBlocksStale = false;
  #starts: Uint32Array = new Uint32Array(0);
  #hashes: Uint32Array = new Uint32Array(0);

  constructor(state: MachineState) {
    this.#state = state;
    this.#keys = state.keys;
    this.#quota = new KeyQuota(state.keys);
    this.#bans = state.bans;
    this.#hash = state.hash;
    this.#results = state.results;
    this.carryOver = new CarryOver(state.keys, state.holds);
  }

  /** Begins an operation; its rules follow by {@link resolve}. */
  begin(policies: NamespacePolicies | null, layout: CallsLayout, stampUs: number, maxKeys: number): void {
    this.#policies = policies;
    this.#layout = layout;
    this.#stampUs = stampUs;
    this.#maxKeys = maxKeys;
    this.#quota.begin(policies?.maxKeys ?? null);
    this.#bans.reseed(this.#hash.high, this.#hash.low);
  }

  /** Makes rule `index` of the operation what is in force. */
  resolve(index: number, quota: QuotaRule, namespace: Uint8Array): void {
    const { bytes, ruleStarts } = this.#layout!;
    const at = ruleStarts[index]!;
    const asked: AskedRule = {
      algorithm: bytes[at]!,
      limit: u32At(bytes, at + 1),
      windowUs: u64At(bytes, at + 5),
      burst: u32At(bytes, at + 13),
      source: bytes,
      nameStart: at + 19,
      nameLength: u16At(bytes, at + 17),
    };
    const rule = this.#rules[index]?.quota === quota ? this.#rules[index]! : new GovernedRule(quota);
    this.#rules[index] = rule;
    const name = textOf(bytes, asked.nameStart, asked.nameLength) ?? "";
    rule.resolve(this.#policies, namespace, asked, name, this.#stampUs);
    if (rule.policy !== null) this.#policies!.noteAsked(name, GovernedRule.askedSpanUs(asked));
  }

  /** Where the items' keys lie, and their hashes. */
  place(starts: Uint32Array, hashes: Uint32Array): void {
    this.#starts = starts;
    this.#hashes = hashes;
  }

  /** The counters with open holds that an item's key may have to be carried over from. */
  heldBefore(item: number): readonly number[] {
    const layout = this.#layout!;
    const rule = this.#rules[layout.ruleOf(item)]!;
    return this.carryOver.heldBlocks(rule, layout.bytes, this.#starts[item]!, layout.keyLengthOf(item));
  }

  /** A call of takes, items `[from, from + size)`; writes its results from `at` on. */
  takes(from: number, size: number, at: number): void {
    const refusal = this.#refusal(from, size);
    if (refusal !== null) {
      this.#fill(at, size, refusal);
      return;
    }
    for (let i = 0; i < size; i++) {
      const judged = this.#read(from + i, i);
      // A list answers without a counter: what is to be carried over is charged nothing, and wants no room.
      const unsettled = judged.free || judged.outcome === Outcome.blocked ? null : this.#settleCounter(judged);
      if (unsettled === null) continue;
      this.#fill(at, size, unsettled);
      return;
    }
    let allowed = true;
    for (let i = 0; i < size; i++) {
      const judged = this.#judged[i]!;
      this.#judge(judged, i, at + i);
      allowed &&= judged.outcome === Outcome.allowed || judged.rule.policy?.shadow === true;
    }
    const room = allowed ? this.#makeRoom(size) : null;
    if (room !== null) {
      this.#fill(at, size, room);
      return;
    }
    for (let i = 0; i < size; i++) this.#finish(this.#judged[i]!, allowed, size === 1, at + i);
  }

  /** Why a call is not decided; null: it is. */
  #refusal(from: number, size: number): Outcome | null {
    for (let item = from; item < from + size; item++) {
      const rule = this.#rules[this.#layout!.ruleOf(item)]!;
      if (rule.unknown) return Outcome.unknownPolicy;
      if (rule.quota.algorithm === Algorithm.concurrency) return Outcome.needsReservation;
    }
    return null;
  }

  #fill(at: number, size: number, outcome: Outcome): void {
    for (let i = at; i < at + size; i++) this.#results.set(i, outcome, 0, 0, 0, 0, 0);
    this.#hash.word(outcome);
    this.#hash.word(size);
  }

  #read(item: number, i: number): Judged {
    const layout = this.#layout!;
    const rule = this.#rules[layout.ruleOf(item)]!;
    const judged = this.#judged[i] ?? createJudged(rule);
    this.#judged[i] = judged;
    judged.rule = rule;
    judged.outcome = Outcome.allowed;
    judged.free = false;
    judged.limit = rule.limit;
    judged.own = null;
    judged.cost = layout.costOf(item);
    judged.ahead = 0;
    judged.keyStart = this.#starts[item]!;
    judged.keyLength = layout.keyLengthOf(item);
    judged.hash = this.#hashes[item]!;
    judged.block = 0;
    const policies = this.#policies;
    if (policies?.hasKeyed) {
      const key = textOf(layout.bytes, judged.keyStart, judged.keyLength);
      const list = key === null ? null : policies.listOf(rule.name, key);
      const numbers = key === null || rule.name === "" ? null : policies.numbersFor(rule.name, key);
      judged.free = list === "allow";
      if (list === "deny") judged.outcome = Outcome.blocked;
      if (numbers !== null) {
        judged.limit = numbers.limit;
        judged.own = numbers;
      }
    }
    return judged;
  }

  /** Puts the key's own numbers into its rule, which items may share. */
  #use({ rule, own }: Judged): QuotaRule {
    rule.useNumbers(own);
    return rule.quota;
  }

  #find({ rule, hash, keyStart, keyLength }: Judged): number {
    return this.#keys.find(rule.quota, hash, this.#layout!.bytes, keyStart, keyLength);
  }

  /** Carries over what an earlier rule counted; says which bound is in the way of the counter that this would need. */
  #settleCounter(judged: Judged, isSettling = false): Outcome | null {
    const { rule, hash, keyStart, keyLength } = judged;
    if (rule.epochs.length === 0) return null;
    this.#use(judged);
    const { bytes } = this.#layout!;
    if (this.carryOver.useOwn(rule, this.#find(judged), bytes, keyStart, keyLength)) return null;
    const found = this.carryOver.find(rule, bytes, keyStart, keyLength);
    const { carried } = found;
    // What is only guessed is lost with no counter: a rule that admits nothing must not fill the table with whom it denies.
    if (carried === null || (carried.isGuessed && judged.limit === 0)) return null;
    const refusal = this.#noRoomToCarry(judged, carried, found);
    if (refusal !== null && !isSettling) return refusal;
    // What is held must be settled, whatever there is room for; who holds nothing is told so without.
    if (refusal !== null && !this.carryOver.hasOpen(rule, bytes, keyStart, keyLength)) return null;
    const block = this.carryOver.carry(rule, hash, bytes, keyStart, keyLength, { found });
    if (block !== 0) this.#hash.word(this.#keys.fingerprint(block));
    return null;
  }

  #noRoomToCarry(judged: Judged, carried: Carried, found: Waiting): Outcome | null {
    const { quota } = judged.rule;
    if (carried.isGuessed && !this.#quota.makeRoom(1, quota.prefix, this.#stampUs)) return Outcome.namespaceFull;
    const isOneMore = this.carryOver.addsCounter(judged.rule, carried, found);
    return isOneMore && !this.#keys.makeRoom(1, this.#maxKeys, this.#stampUs) ? Outcome.keysFull : null;
  }

  #keepReset(judged: Judged): void {
    this.#use(judged);
    const { rule, hash, keyStart, keyLength } = judged;
    const own = this.#find(judged);
    const block = this.carryOver.keepReset(rule, hash, this.#layout!.bytes, keyStart, keyLength, own);
    if (block !== 0) this.#hash.word(this.#keys.fingerprint(block));
  }

  /** Judges one item and writes its own result, as if it were enforced. */
  #judge(judged: Judged, i: number, at: number): void {
    const results = this.#results;
    if (judged.outcome === Outcome.blocked) {
      const firm = firmMsOf(Math.min(judged.rule.quota.windowUs, LIST_FIRM_US));
      results.set(at, Outcome.blocked, 0, 0, NEVER, firm, judged.limit);
      return;
    }
    if (judged.free) {
      results.set(at, Outcome.allowed, judged.limit, 0, 0, 0, judged.limit);
      return;
    }
    judged.ahead = this.#aheadOf(judged, i);
    const verdict = this.#verdict;
    const quota = this.#use(judged);
    const block = this.#find(judged);
    judged.block = block;
    this.#keys.judge(quota, block, judged.cost, judged.ahead, this.#stampUs, verdict);
    judged.never = verdict.never;
    judged.retryAfterUs = verdict.retryAfterUs;
    judged.resetNowUs = verdict.resetNowUs;
    writeVerdict(verdict, judged.ahead + judged.cost, quota, results, at);
    if (!verdict.allowed && this.#keys.isHeld(block)) results.firmForMs[at] = 0;
    judged.outcome = results.outcomes[at]!;
    this.#meetBan(judged, at);
  }

  /** A ban in force goes before whatever the rule itself would say. */
  #meetBan(judged: Judged, at: number): void {
    if (judged.rule.policy?.ban === undefined) return;
    const untilUs = this.#bans.untilUs(this.#identityOf(judged), this.#stampUs);
    if (untilUs > 0) this.#writeBanned(judged, untilUs, at);
  }

  /** What earlier items of the call take of the same key. */
  #aheadOf(judged: Judged, i: number): number {
    const bytes = this.#layout!.bytes;
    for (let earlier = i - 1; earlier >= 0; earlier--) {
      const other = this.#judged[earlier]!;
      if (other.hash !== judged.hash || other.keyLength !== judged.keyLength || other.free) continue;
      if (other.outcome !== Outcome.allowed && other.rule.policy?.shadow === true) continue;
      if (!equalSpans(bytes, other.keyStart, judged.keyStart, judged.keyLength)) continue;
      if (isSameIdentity(other.rule.quota, judged.rule.quota)) return other.ahead + other.cost;
    }
    return 0;
  }

  #identityOf({ rule, keyStart, keyLength }: Judged): BanIdentity {
    const identity = this.#identity;
    identity.prefix = rule.quota.prefix;
    identity.prefixLength = rule.nameEnd;
    identity.bytes = this.#layout!.bytes;
    identity.start = keyStart;
    identity.length = keyLength;
    return identity;
  }

  /** A ban, told by the verdict of the rule itself: the same call is admitted once both have had enough. */
  #writeBanned(judged: Judged, untilUs: number, at: number): void {
    judged.outcome = Outcome.banned;
    const leftUs = untilUs - this.#stampUs;
    const retryMs = judged.never ? NEVER : ceilMs(Math.max(leftUs, judged.retryAfterUs));
    const resetMs = ceilMs(Math.max(leftUs, judged.resetNowUs));
    this.#results.set(at, Outcome.banned, 0, resetMs, retryMs, firmMsOf(leftUs), judged.limit);
  }

  /** Makes room for the counters that are to be created; says which bound is in the way, if one is. */
  #makeRoom(size: number): Outcome | null {
    const keys = this.#keys;
    const { prefix } = this.#judged[0]!.rule.quota;
    let wanted = 0;
    for (let i = 0; i < size; i++) {
      const judged = this.#judged[i]!;
      if (judged.block === 0 && judged.ahead === 0 && this.#charges(judged)) wanted++;
    }
    this.#areBlocksStale = false;
    if (this.#quota.fits(wanted, prefix) && keys.count + wanted <= this.#maxKeys) return null;
    this.#areBlocksStale = true;
    wanted += this.#freeExpired(size);
    if (!this.#quota.makeRoom(wanted, prefix, this.#stampUs)) return Outcome.namespaceFull;
    return keys.makeRoom(wanted, this.#maxKeys, this.#stampUs) ? null : Outcome.keysFull;
  }

  /** The sweep may free a block that this call is about to charge: such keys start anew, so they are freed here first. */
  #freeExpired(size: number): number {
    let freed = 0;
    for (let i = 0; i < size; i++) {
      const judged = this.#judged[i]!;
      const block = this.#charges(judged) && judged.ahead === 0 ? judged.block : 0;
      if (block !== 0 && this.#keys.freeExpired(block, this.#stampUs)) freed++;
    }
    return freed;
  }

  #charges(judged: Judged): boolean {
    return judged.outcome === Outcome.allowed && !judged.free;
  }

  /** Charges, or takes note of the denial, and completes the item's result. */
  #finish(judged: Judged, allowed: boolean, alone: boolean, at: number): void {
    const { rule } = judged;
    const results = this.#results;
    const shadow = rule.policy?.shadow === true;
    // An earlier item of the call may have begun a ban of this one's key: one call begins one ban of a key at most (G1).
    if (!alone && (judged.outcome === Outcome.limited || this.#charges(judged))) this.#meetBan(judged, at);
    if (judged.outcome === Outcome.limited) this.#feed(judged, at);
    else if (this.#charges(judged)) {
      if (allowed) this.#charge(judged);
      else this.#untake(judged, at);
    }
    if (shadow && judged.outcome !== Outcome.allowed) {
      results.outcomes[at] = Outcome.allowed;
      results.retryAfterMs[at] = 0;
      results.shadows[at] = judged.outcome;
    }
    if (!alone || shadow) results.firmForMs[at] = 0;
    this.#count(judged, allowed, shadow);
    mixResult(this.#hash, results, at);
  }

  /** Counts a denial toward a ban; the one that starts it is told as banned. */
  #feed(judged: Judged, at: number): void {
    if (judged.rule.policy?.ban === undefined) return;
    this.#results.firmForMs[at] = 0;
    const untilUs = this.#countDenial(judged);
    if (untilUs > 0) this.#writeBanned(judged, untilUs, at);
  }

  /** Counts a denial toward a ban, if the policy has one; the stamp until which it then bans, or 0. */
  #countDenial(judged: Judged): number {
    const { policy, counters } = judged.rule;
    if (policy?.ban === undefined) return 0;
    const untilUs = this.#bans.feed(this.#identityOf(judged), policy.ban, this.#stampUs);
    this.#hash.number(untilUs);
    if (untilUs === 0) return 0;
    judged.outcome = Outcome.banned;
    if (counters !== 0) count(this.#state.heap, counters, Counter.bans);
    return untilUs;
  }

  #charge(judged: Judged): void {
    const quota = this.#use(judged);
    // An earlier item of the same key may have created or moved its counter, and the sweep may have freed it.
    let block = this.#areBlocksStale || judged.ahead > 0 ? this.#find(judged) : judged.block;
    if (block === 0) {
      block = this.#keys.create(quota, judged.hash, this.#layout!.bytes, judged.keyStart, judged.keyLength);
    }
    this.#hash.word(this.#keys.charge(quota, block, judged.cost, this.#stampUs));
  }

  /** The call was denied for another item: this one keeps what it had. */
  #untake(judged: Judged, at: number): void {
    this.#keys.judge(this.#use(judged), this.#find(judged), 1, 0, this.#stampUs, this.#verdict);
    this.#results.remaining[at] = this.#verdict.available;
    this.#results.resetAfterMs[at] = ceilMs(this.#verdict.resetNowUs);
  }

  #count({ rule, outcome }: Judged, allowed: boolean, shadow: boolean): void {
    if (rule.counters === 0) return;
    const denied = outcome !== Outcome.allowed;
    if (denied) count(this.#state.heap, rule.counters, shadow ? Counter.wouldHaveDenied : Counter.denied);
    if (allowed) count(this.#state.heap, rule.counters, Counter.allowed);
  }

  /**
   * Before a call that is no take, of one item: settles what keeps it from being executed, and makes its rule and its
   * counter ready. True: its result is written at `at`.
   */
  beforeVerb(verb: number, item: number, at: number): boolean {
    const rule = this.#rules[this.#layout!.ruleOf(item)]!;
    if (rule.unknown) {
      this.#fill(at, 1, Outcome.unknownPolicy);
      return true;
    }
    const judged = this.#read(item, 0);
    const { bytes } = this.#layout!;
    const { keyStart, keyLength } = judged;
    this.#use(judged);
    if (endsHold(verb)) {
      const key = bytes.subarray(keyStart, keyStart + keyLength);
      bringNamed(this.#state, this.carryOver, rule, this.#layout!.handleOf(item), key);
    }
    const isBlocked = judged.outcome === Outcome.blocked && opensHold(verb) && rule.policy?.shadow !== true;
    const unsettled = isBlocked ? null : this.#settleCounter(judged, endsHold(verb));
    if (unsettled !== null) {
      this.#fill(at, 1, unsettled);
      return true;
    }
    if (verb === Verb.reset) this.carryOver.forget(rule, bytes, keyStart, keyLength);
    // Slots are never leased: that is said by whoever executes the verb.
    const isLeaseOfSlots = verb === Verb.grant && rule.quota.algorithm === Algorithm.concurrency;
    if (!opensHold(verb) || isLeaseOfSlots) return false;
    if (verb === Verb.grant && rule.policy?.lease === false) {
      // No lease now or ever: the caller goes on asking for each admission.
      this.#results.set(at, Outcome.limited, 0, 0, NEVER, 0, judged.limit);
      mixResult(this.#hash, this.#results, at);
      return true;
    }
    return this.#beforeOpening(judged, at);
  }

  /** Judges a reservation or lease as a take; one that is free, or would only be denied in a shadow, is opened whatever is left. */
  #beforeOpening(judged: Judged, at: number): boolean {
    const shadow = judged.rule.policy?.shadow === true;
    const isFree = judged.free;
    judged.free = false;
    this.#judge(judged, 0, at);
    const denied = judged.outcome !== Outcome.allowed;
    judged.free = isFree;
    const isOpenedAnyway = isFree || (shadow && denied);
    if (!isOpenedAnyway && (judged.outcome === Outcome.blocked || judged.outcome === Outcome.banned)) {
      this.#finish(judged, false, true, at);
      return true;
    }
    // Whoever executes the verb denies it, and tells what only holds know.
    if (denied && !isOpenedAnyway) return false;
    if (!this.#hasPlace(judged)) {
      this.#fill(at, 1, Outcome.namespaceFull);
      return true;
    }
    if (isOpenedAnyway) openAnyway(judged);
    return false;
  }

  /** Whether its namespace has room for the key's counter; one that has expired is not there (SEMANTICS K2). */
  #hasPlace({ block, rule }: Judged): boolean {
    const { prefix } = rule.quota;
    if (this.#quota.fits(block === 0 ? 1 : 0, prefix)) return true;
    const isNew = block === 0 || this.#keys.freeExpired(block, this.#stampUs);
    return this.#quota.makeRoom(isNew ? 1 : 0, prefix, this.#stampUs);
  }

  /** After a call that is no take: what it came to counts like that of a take. */
  afterVerb(verb: number, at: number): void {
    const judged = this.#judged[0]!;
    const results = this.#results;
    if (results.limits[at] !== 0) results.limits[at] = judged.limit;
    if (verb === Verb.reset && judged.rule.epochs.length > 0) this.#keepReset(judged);
    if (!opensHold(verb)) return;
    const shadow = judged.rule.policy?.shadow === true;
    if (judged.free || (shadow && judged.outcome !== Outcome.allowed)) {
      this.#afterOpeningAnyway(judged, shadow, at);
    } else if (results.outcomes[at] === Outcome.allowed) {
      this.#count(judged, true, shadow);
    } else if (results.outcomes[at] === Outcome.limited && judged.outcome === Outcome.limited) {
      // Nobody is denied by a lease that is not granted: whoever asks next, with a take, is, and is counted then.
      if (verb !== Verb.grant) this.#feed(judged, at);
      else if (judged.rule.policy?.ban !== undefined) results.firmForMs[at] = 0;
      this.#count(judged, false, false);
    }
  }

  /**
   * It was opened by numbers that are not its own, so that it fitted: what is left is told by its own. A denial in a shadow
   * leads to bans in a shadow, of a reservation as of a take.
   */
  #afterOpeningAnyway(judged: Judged, shadow: boolean, at: number): void {
    const results = this.#results;
    const isOpened = results.outcomes[at] === Outcome.allowed;
    if (!isOpened && results.outcomes[at] !== Outcome.limited) return;
    this.#keys.judge(this.#use(judged), this.#find(judged), 1, 0, this.#stampUs, this.#verdict);
    results.remaining[at] = isOpened && judged.free ? judged.limit : this.#verdict.available;
    results.resetAfterMs[at] = ceilMs(this.#verdict.resetNowUs);
    if (!isOpened) return;
    // Whom a list lets in nobody denied, whatever the rule says.
    if (judged.free) judged.outcome = Outcome.allowed;
    else {
      if (judged.outcome === Outcome.limited) this.#countDenial(judged);
      results.shadows[at] = judged.outcome;
    }
    this.#count(judged, true, shadow);
  }
}
