import { createVerdict, type Quota, type Verdict } from "../algorithms/algorithm.ts";
import { NEVER, Outcome } from "../call-batch.ts";
import { u16At, u32At, u64At } from "../entry/byte-reader.ts";
import type { CallsLayout } from "../entry/calls-layout.ts";
import { RULE_FIXED_BYTES } from "../entry/format.ts";
import { textOf } from "../entry/utf8.ts";
import type { RollingHash } from "../hash/rolling-hash.ts";
import { digest, sipHash } from "../hash/sip.ts";
import type { KeyTable } from "../keys/key-table.ts";
import { QuotaRule } from "../keys/quota-rule.ts";
import { equalSpans, isSameIdentity } from "../keys/same-key.ts";
import type { GovernedCalls } from "../policies/governed-calls.ts";
import type { PolicyBook } from "../policies/policy-book.ts";
import type { GrowingResultColumns } from "../result-columns.ts";
import { Algorithm } from "../rule.ts";
import { Verb } from "../verb.ts";
import type { MachineState } from "./state.ts";
import { VerbCall } from "./verb-call.ts";
import type { VerbExecutor } from "./verb-executor.ts";

/** Stamps advance at most 1 % faster than the clocks by which callers wait (SEMANTICS T3). */
const FIRM_US_PER_MS = 1_010;

/**
 * Microseconds as milliseconds, rounded up. Exact below 2^53, where a plain division may round away the last one; what is longer, 285
 * years, is told as that long.
 */
export function ceilMs(us: number): number {
  if (us > Number.MAX_SAFE_INTEGER) return ceilMs(Number.MAX_SAFE_INTEGER);
  const ms = Math.floor(us / 1000);
  return ms * 1000 === us ? ms : ms + 1;
}

/** What a verdict was reached by. */
interface JudgedQuota extends Quota {
  /** {@link QuotaRule.isRateOpen}; absent: it is not. */
  readonly isRateOpen?: boolean;
}

/**
 * For how long a denial holds whatever comes back (SEMANTICS D2): today nothing can come back but by time. One that no
 * waiting cures depends on the rule alone and holds for a window at a time. Where the next charge may set any rate, no
 * time is sure: the bucket is as if never used once it is empty by that rate.
 */
function firmMs(verdict: Verdict, { windowUs, isRateOpen = false }: JudgedQuota): number {
  if (verdict.never) return firmMsOf(windowUs);
  return isRateOpen ? 0 : firmMsOf(verdict.retryAfterUs);
}

/** For how many of a client's milliseconds it is sure that so many microseconds of stamps have not passed. */
export function firmMsOf(us: number): number {
  return Math.floor(Math.min(us, Number.MAX_SAFE_INTEGER) / FIRM_US_PER_MS);
}

/** Writes a judgement as one item of results, with times in milliseconds rounded up. */
export function writeVerdict(
  verdict: Verdict,
  wanted: number,
  rule: JudgedQuota,
  results: GrowingResultColumns,
  at: number,
): void {
  if (verdict.allowed) {
    results.set(at, Outcome.allowed, verdict.available - wanted, ceilMs(verdict.resetChargedUs), 0, 0, rule.limit);
    return;
  }
  const retryMs = verdict.never ? NEVER : ceilMs(verdict.retryAfterUs);
  const firm = firmMs(verdict, rule);
  results.set(at, Outcome.limited, verdict.available, ceilMs(verdict.resetNowUs), retryMs, firm, rule.limit);
}

/** Mixes one item of results into the rolling hash. */
export function mixResult(hash: RollingHash, results: GrowingResultColumns, at: number): void {
  hash.word(results.outcomes[at]! ^ (results.remaining[at]! << 5));
  hash.number(results.resetAfterMs[at]!);
  if (results.outcomes[at] !== Outcome.allowed) hash.number(results.retryAfterMs[at]! + 1);
}

/** Executes the calls of one operation against the keys: judges, charges, writes results. */
export class CallExecutor {
  readonly #keys: KeyTable;
  readonly #hash: RollingHash;
  readonly #results: GrowingResultColumns;
  readonly #verbs: VerbExecutor;
  readonly #policies: PolicyBook;
  readonly #governed: GovernedCalls;
  readonly #state: MachineState;
  readonly #call = new VerbCall();
  readonly #rules: QuotaRule[] = [];
  readonly #verdict = createVerdict();
  #layout: CallsLayout | null = null;
  #namespace: Uint8Array = new Uint8Array(0);
  #stampUs = 0.5;
  #maxKeys = 0;
  #session = 0;
  #allPlain = true;
  /** The namespace has policies, or had some, or a rule is a name alone. */
  #isGoverned = false;
  /** Of every item of the operation: where its key begins, and the key's hash. */
  #starts = new Uint32Array(64);
  #hashes = new Uint32Array(64);
  #groupBlocks = new Uint32Array(16);
  #groupAhead = new Float64Array(16);

  constructor(state: MachineState, verbs: VerbExecutor, governed: GovernedCalls) {
    this.#state = state;
    this.#keys = state.keys;
    this.#hash = state.hash;
    this.#results = state.results;
    this.#policies = state.policies;
    this.#verbs = verbs;
    this.#governed = governed;
  }

  /**
   * Makes the operation's rules ready. `namespace` must stay as it is while the operation is executed; `session` is the
   * caller's block, or 0.
   */
  begin(layout: CallsLayout, namespace: Uint8Array, stampUs: number, maxKeys: number, session: number): void {
    this.#layout = layout;
    this.#namespace = namespace;
    this.#session = session;
    this.#allPlain = layout.verbsStart === 0;
    this.#stampUs = stampUs;
    this.#maxKeys = maxKeys;
    const { bytes } = layout;
    if (this.#keys.count === 0) this.#keys.reseed(this.#hash.high, this.#hash.low);
    this.#isGoverned = this.#govern(layout, namespace);
    for (let i = 0; i < layout.rules; i++) {
      let rule = this.#rules[i];
      if (rule === undefined) {
        rule = new QuotaRule();
        this.#rules.push(rule);
      }
      const at = layout.ruleStarts[i]!;
      if (this.#isGoverned) {
        this.#governed.resolve(i, rule, namespace);
      } else {
        const limit = u32At(bytes, at + 1);
        const windowUs = u64At(bytes, at + 5);
        rule.set(namespace, bytes[at]!, limit, windowUs, u32At(bytes, at + 13), bytes, at + 19, u16At(bytes, at + 17));
      }
      this.#keys.prepare(rule);
      if (rule.algorithm === Algorithm.concurrency) this.#allPlain = false;
    }
    this.#hashKeys(layout);
    if (this.#isGoverned) this.#governed.place(this.#starts, this.#hashes);
    if (this.#verbs.lagging) this.#prepareKeys(layout);
  }

  /** Whether the operation needs to be looked at by the policies' rules; makes them ready if so. */
  #govern(layout: CallsLayout, namespace: Uint8Array): boolean {
    const policies = this.#policies.isEmpty ? null : this.#policies.namespaceOf(namespace);
    if (policies === null && !layout.hasNamesAlone) return false;
    this.#governed.begin(policies, layout, this.#stampUs, this.#maxKeys);
    this.#allPlain = false;
    return true;
  }

  /** More holds were over than one sweep looks at: those on the operation's keys are ended before it is executed. */
  #prepareKeys(layout: CallsLayout): void {
    for (let item = 0; item < layout.items; item++) {
      const rule = this.#rules[layout.ruleOf(item)]!;
      const length = layout.keyLengthOf(item);
      const block = this.#keys.find(rule, this.#hashes[item]!, layout.bytes, this.#starts[item]!, length);
      this.#verbs.prepareKey(block, this.#stampUs);
      if (block !== 0 || !this.#isGoverned) continue;
      // What is over must not be carried over as if it were held.
      for (const old of this.#governed.heldBefore(item)) this.#verbs.prepareKey(old, this.#stampUs);
    }
  }

  /**
   * Hashes all keys of the operation, and brings what they lead to close: the items' memory is fetched together, where
   * one after the other would wait for each in turn.
   */
  #hashKeys(layout: CallsLayout): void {
    const { bytes, items } = layout;
    if (this.#starts.length < items) {
      this.#starts = new Uint32Array(items * 2);
      this.#hashes = new Uint32Array(items * 2);
    }
    let start = layout.keysStart;
    for (let item = 0; item < items; item++) {
      const length = layout.keyLengthOf(item);
      this.#starts[item] = start;
      this.#hashes[item] = this.#keys.hashOf(this.#rules[layout.ruleOf(item)]!, bytes, start, length);
      start += length;
    }
    this.#keys.prefetch(this.#hashes, items);
    if (layout.verbsStart !== 0) this.#verbs.prefetch(layout);
  }

  /** Call `call`, items `[item, item + size)`; writes its results from `at` on. */
  execute(call: number, item: number, size: number, at: number): void {
    if (!this.#allPlain && this.#executeOther(this.#layout!.verbOf(call), item, size, at)) return;
    if (size === 1) this.#single(item, at);
    else this.#group(item, item + size, at);
  }

  /** Whatever is no take of something that can be taken; false if it is one. */
  #executeOther(verb: number, item: number, size: number, at: number): boolean {
    const layout = this.#layout!;
    if (this.#isGoverned) {
      if (verb === Verb.take) {
        this.#governed.takes(item, size, at);
        return true;
      }
      if (this.#governed.beforeVerb(verb, item, at)) return true;
    }
    if (verb === Verb.take) {
      for (let i = item; i < item + size; i++) {
        if (this.#rules[layout.ruleOf(i)]!.algorithm !== Algorithm.concurrency) continue;
        this.fill(at, at + size, Outcome.needsReservation);
        return true;
      }
      return false;
    }
    const call = this.#call;
    call.verb = verb;
    call.rule = this.#rules[layout.ruleOf(item)]!;
    call.hash = this.#hashes[item]!;
    call.bytes = layout.bytes;
    call.keyStart = this.#starts[item]!;
    call.keyLength = layout.keyLengthOf(item);
    call.cost = layout.costOf(item);
    call.ttlUs = layout.ttlMsOf(item) * 1000;
    call.handle = layout.handleOf(item);
    call.session = this.#session;
    call.stampUs = this.#stampUs;
    call.maxKeys = this.#maxKeys;
    this.#verbs.execute(call, this.#results, at);
    if (verb === Verb.reset) this.#noteReset(item);
    if (this.#isGoverned) this.#governed.afterVerb(verb, at);
    this.#hash.word(verb);
    this.#hash.number(this.#results.handles[at]!);
    this.#mix(at);
    return true;
  }

  /** Denials of the key are remembered elsewhere: they are to be forgotten now. */
  #noteReset(item: number): void {
    const layout = this.#layout!;
    const start = this.#starts[item]!;
    const namespace = textOf(this.#namespace, 0, this.#namespace.length);
    const rule = layout.rule(layout.ruleOf(item));
    if (namespace === null || rule === null) return;
    const key = layout.bytes.slice(start, start + layout.keyLengthOf(item));
    this.#state.resets.push({ namespace, rule, key });
  }

  /** A call of one item; writes the result at `at`. */
  #single(item: number, at: number): void {
    const layout = this.#layout!;
    const keys = this.#keys;
    const verdict = this.#verdict;
    const rule = this.#rules[layout.ruleOf(item)]!;
    const cost = layout.costOf(item);
    const length = layout.keyLengthOf(item);
    const hash = this.#hashes[item]!;
    const keyStart = this.#starts[item]!;
    let block = keys.find(rule, hash, layout.bytes, keyStart, length);
    keys.judge(rule, block, cost, 0, this.#stampUs, verdict);
    if (verdict.allowed) {
      if (block === 0) {
        if (!keys.makeRoom(1, this.#maxKeys, this.#stampUs)) {
          this.fill(at, at + 1, Outcome.keysFull);
          return;
        }
        block = keys.create(rule, hash, layout.bytes, keyStart, length);
      }
      this.#hash.word(keys.charge(rule, block, cost, this.#stampUs));
    }
    writeVerdict(verdict, cost, rule, this.#results, at);
    // What is held may come back at any moment.
    if (!verdict.allowed && keys.isHeld(block)) this.#results.firmForMs[at] = 0;
    this.#mix(at);
  }

  /** The all-or-nothing call of items `[from, to)` (SEMANTICS G1). */
  #group(from: number, to: number, at: number): void {
    const layout = this.#layout!;
    const keys = this.#keys;
    const items = to - from;
    this.#locate(from, to);
    let allowed = true;
    for (let i = 0; i < items; i++) {
      const rule = this.#rules[layout.ruleOf(from + i)]!;
      const cost = layout.costOf(from + i);
      keys.judge(rule, this.#groupBlocks[i]!, cost, this.#groupAhead[i]!, this.#stampUs, this.#verdict);
      writeVerdict(this.#verdict, this.#groupAhead[i]! + cost, rule, this.#results, at + i);
      allowed &&= this.#verdict.allowed;
    }
    if (!allowed) this.#undoGroup(from, items, at);
    else if (this.#roomForGroup(items)) this.#chargeGroup(from, items);
    else this.fill(at, at + items, Outcome.keysFull);
    for (let i = 0; i < items; i++) {
      this.#results.firmForMs[at + i] = 0;
      this.#mix(at + i);
    }
  }

  /** Finds the items' keys, and what the same key is asked for earlier in the group. */
  #locate(from: number, to: number): void {
    const layout = this.#layout!;
    const items = to - from;
    if (this.#groupBlocks.length < items) {
      this.#groupBlocks = new Uint32Array(items * 2);
      this.#groupAhead = new Float64Array(items * 2);
    }
    for (let i = 0; i < items; i++) {
      const item = from + i;
      const hash = this.#hashes[item]!;
      const rule = this.#rules[layout.ruleOf(item)]!;
      this.#groupBlocks[i] = this.#keys.find(rule, hash, layout.bytes, this.#starts[item]!, layout.keyLengthOf(item));
      let ahead = 0;
      for (let earlier = item - 1; earlier >= from; earlier--) {
        if (this.#hashes[earlier] !== hash || !this.#isSameKey(earlier, item)) continue;
        ahead = this.#groupAhead[earlier - from]! + layout.costOf(earlier);
        break;
      }
      this.#groupAhead[i] = ahead;
    }
  }

  #isSameKey(itemA: number, itemB: number): boolean {
    const layout = this.#layout!;
    const length = layout.keyLengthOf(itemA);
    if (length !== layout.keyLengthOf(itemB)) return false;
    if (!equalSpans(layout.bytes, this.#starts[itemA]!, this.#starts[itemB]!, length)) return false;
    return isSameIdentity(this.#rules[layout.ruleOf(itemA)]!, this.#rules[layout.ruleOf(itemB)]!);
  }

  /** A denied group charges nothing: items that would have passed keep what they had. */
  #undoGroup(from: number, items: number, at: number): void {
    const layout = this.#layout!;
    const results = this.#results;
    for (let i = 0; i < items; i++) {
      if (results.outcomes[at + i] !== Outcome.allowed) continue;
      const rule = this.#rules[layout.ruleOf(from + i)]!;
      this.#keys.judge(rule, this.#groupBlocks[i]!, 1, 0, this.#stampUs, this.#verdict);
      results.remaining[at + i] = this.#verdict.available;
      results.resetAfterMs[at + i] = ceilMs(this.#verdict.resetNowUs);
    }
  }

  #roomForGroup(items: number): boolean {
    const keys = this.#keys;
    let wanted = 0;
    for (let i = 0; i < items; i++) if (this.#groupBlocks[i] === 0 && this.#groupAhead[i] === 0) wanted++;
    if (keys.count + wanted <= this.#maxKeys) return true;
    // The sweep may free a block that the group found expired: such keys start anew, so they are freed here first.
    for (let i = 0; i < items; i++) {
      const block = this.#groupBlocks[i]!;
      if (block !== 0 && this.#groupAhead[i] === 0 && keys.freeExpired(block, this.#stampUs)) wanted++;
    }
    return keys.makeRoom(wanted, this.#maxKeys, this.#stampUs);
  }

  #chargeGroup(from: number, items: number): void {
    const layout = this.#layout!;
    const keys = this.#keys;
    for (let i = 0; i < items; i++) {
      const rule = this.#rules[layout.ruleOf(from + i)]!;
      const length = layout.keyLengthOf(from + i);
      const start = this.#starts[from + i]!;
      const hash = this.#hashes[from + i]!;
      // Looked up again, since charges and the sweep move and free blocks.
      let block = keys.find(rule, hash, layout.bytes, start, length);
      if (block === 0) block = keys.create(rule, hash, layout.bytes, start, length);
      this.#hash.word(keys.charge(rule, block, layout.costOf(from + i), this.#stampUs));
    }
  }

  /** Items `[from, to)` of the results were not decided. */
  fill(from: number, to: number, outcome: Outcome): void {
    for (let at = from; at < to; at++) this.#results.set(at, outcome, 0, 0, 0, 0, 0);
    this.#hash.word(outcome);
    this.#hash.word(to - from);
  }

  #mix(at: number): void {
    mixResult(this.#hash, this.#results, at);
  }

  /** 64 bits for what the call asks, its verb included, however the frame around it was made up. */
  fingerprint(): { readonly high: number; readonly low: number } {
    const layout = this.#layout!;
    const { bytes } = layout;
    let high = 0x6a09e667;
    let low = 0xbb67ae85;
    const numbers = new Uint8Array(24);
    const verb = layout.verbOf(0);
    for (let i = 0; i < layout.items; i++) {
      // The rule as it was asked for: what is in force may have changed when a retry comes.
      const at = layout.ruleStarts[layout.ruleOf(i)]!;
      sipHash(high, low, bytes, at, RULE_FIXED_BYTES + 2 + u16At(bytes, at + RULE_FIXED_BYTES));
      const ttlMs = layout.ttlMsOf(i);
      const handle = layout.handleOf(i);
      const values = [layout.costOf(i), verb, ttlMs, ttlMs / 4294967296, handle, handle / 4294967296];
      const length = verb === Verb.take ? 4 : 24;
      for (let byte = 0; byte < length; byte++) numbers[byte] = values[byte >> 2]! >>> ((byte & 3) * 8);
      sipHash(digest[0]!, digest[1]!, numbers, 0, length);
      sipHash(digest[0]!, digest[1]!, bytes, this.#starts[i]!, layout.keyLengthOf(i));
      high = digest[0]!;
      low = digest[1]!;
    }
    return { high, low };
  }
}
