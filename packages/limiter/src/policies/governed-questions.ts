import type { BanIdentity } from "../abuse/ban-table.ts";
import { createVerdict } from "../algorithms/algorithm.ts";
import { NEVER, Outcome } from "../call-batch.ts";
import { encodeUtf8, textOf } from "../entry/utf8.ts";
import type { OpenHold } from "../holds/open-holds.ts";
import { QuotaRule } from "../keys/quota-rule.ts";
import { ceilMs, firmMsOf, writeVerdict } from "../machine/call-executor.ts";
import type { MachineState } from "../machine/state.ts";
import type { GrowingResultColumns } from "../result-columns.ts";
import { Algorithm, type Rule } from "../rule.ts";
import type { Carried, CarryOver } from "./carry-over.ts";
import { type AskedRule, GovernedRule, isNameAlone } from "./governed-rule.ts";
import type { KeyNumbers, NamespacePolicies } from "./namespace-policies.ts";
import { Rehearsal, type Rehearsed } from "./rehearsal.ts";

/** A list's answer lasts as long as the list; clients are told of changes, but ask again after a minute. */
const LIST_FIRM_US = 60_000_000;

/** Where a key is asked about lies. */
export interface KeyBytes {
  readonly bytes: Uint8Array;
  readonly start: number;
  readonly length: number;
}

/** What applied state says of one key under one rule. Valid until the next question. */
export interface Look extends Rehearsed {
  readonly policies: NamespacePolicies | null;
  readonly rule: GovernedRule;
  readonly list: "allow" | "deny" | null;
  readonly numbers: KeyNumbers | null;
  /** What an earlier rule counted and the key has not been charged for yet. */
  readonly carried: Carried | null;
  /** The stamp until which the key is banned; 0: it is not. */
  readonly banUntilUs: number;
}

/**
 * Answers what would become of a call in a namespace that has policies, or had some, from applied state; changes nothing.
 */
export class GovernedQuestions {
  readonly #state: MachineState;
  readonly #carryOver: CarryOver;
  readonly #rehearsal: Rehearsal;
  readonly #rule = new GovernedRule(new QuotaRule());
  readonly verdict = createVerdict();
  /** What {@link #rule} was made from. */
  #prepared: {
    readonly policies: NamespacePolicies | null;
    readonly version: number;
    readonly seeds: number;
    readonly namespace: string;
    readonly asked: Rule;
  } | null = null;

  constructor(state: MachineState, carryOver: CarryOver) {
    this.#state = state;
    this.#carryOver = carryOver;
    this.#rehearsal = new Rehearsal(state, carryOver);
  }

  /** Whether calls under this rule are for this room to answer. */
  governs(namespace: string, rule: Rule): boolean {
    if (isNameAlone(rule.windowUs)) return true;
    return !this.#state.policies.isEmpty && this.#state.policies.namespace(namespace) !== null;
  }

  /** Looks a key up, and fills the verdict as a take of `cost` would come out. */
  look(namespace: string, asked: Rule, key: KeyBytes, cost: number, stampUs: number): Look {
    const look = this.#asDecided(this.#find(namespace, asked, key, stampUs), key, stampUs);
    this.#judge(look, cost, stampUs);
    return look;
  }

  #find(namespace: string, asked: Rule, { bytes, start, length }: KeyBytes, stampUs: number): Look {
    const { keys, bans, holds, policies: book } = this.#state;
    const policies = book.namespace(namespace);
    const rule = this.#prepare(policies, namespace, asked, stampUs);
    const text = policies?.hasKeyed ? textOf(bytes, start, length) : null;
    const list = text === null ? null : policies!.listOf(rule.name, text);
    const numbers = text === null || rule.name === "" ? null : policies!.numbersFor(rule.name, text);
    const { quota } = rule;
    rule.useNumbers(numbers);
    const found = { policies, rule, list, numbers, keys, holds, areHoldsLeft: false };
    if (rule.unknown) return { ...found, block: 0, carried: null, banUntilUs: 0 };
    const block = keys.find(quota, keys.hashOf(quota, bytes, start, length), bytes, start, length);
    const carried = block === 0 ? this.#carryOver.find(rule, bytes, start, length).carried : null;
    const identity: BanIdentity = { prefix: quota.prefix, prefixLength: rule.nameEnd, bytes, start, length };
    const banUntilUs = rule.policy?.ban === undefined ? 0 : bans.untilUs(identity, stampUs);
    return { ...found, block, carried, banUntilUs };
  }

  /** What is found as an entry of the stamp finds it when it decides. */
  #asDecided(look: Look, { bytes, start, length }: KeyBytes, stampUs: number): Look {
    const { rule, block, carried } = look;
    const { holds } = this.#state;
    // Who is only guessed to be full gets no counter where nothing is admitted.
    if (carried !== null && !(carried.isGuessed && rule.quota.limit === 0))
      return { ...look, ...this.#rehearsal.ofWaiting(rule, carried, bytes, start, length) };
    const isDue = (holds.nextDueUs() ?? Number.POSITIVE_INFINITY) <= stampUs;
    return isDue && holds.endsWithSession(block) ? { ...look, ...this.#rehearsal.ofOwn(block, stampUs) } : look;
  }

  #judge({ rule, keys, block }: Look, cost: number, stampUs: number): void {
    if (!rule.unknown) keys.judge(rule.quota, block, cost, 0, stampUs, this.verdict);
  }

  /** What the key of a look has used at `stampUs`, holds included, also where it is yet to be carried over. */
  usedOf({ rule, keys, block, carried }: Look, stampUs: number): number {
    const { quota } = rule;
    const used = block === 0 ? 0 : keys.usedAt(quota, block, stampUs);
    // What is guessed is that nothing was left at the change, not a number; since then it fades like what was counted.
    if (!carried?.isGuessed) return used;
    return Math.min(used, quota.algorithm === Algorithm.tokenBucket ? quota.burst : quota.limit);
  }

  /** The open holds of a look's key, at most `most` of them. */
  openOf(look: Look, { bytes, start, length }: KeyBytes, stampUs: number, most: number): readonly OpenHold[] {
    if (!look.areHoldsLeft) return look.holds.ofKey.openOn(look.block, stampUs, most);
    const { ofKey } = this.#state.holds;
    const blocks = this.#carryOver.heldBlocks(look.rule, bytes, start, length);
    return blocks.flatMap((block) => ofKey.openOn(block, stampUs, most)).slice(0, most);
  }

  #prepare(policies: NamespacePolicies | null, namespace: string, asked: Rule, stampUs: number): GovernedRule {
    const { keys } = this.#state;
    const before = this.#prepared;
    const version = policies?.version ?? 0;
    if (
      before !== null &&
      before.policies === policies &&
      before.version === version &&
      before.seeds === keys.seeds &&
      before.namespace === namespace &&
      isSameRule(before.asked, asked)
    ) {
      this.#rule.stampUs = stampUs;
      return this.#rule;
    }
    const source = encodeUtf8(asked.policy);
    const rule: AskedRule = { ...asked, source, nameStart: 0, nameLength: source.length };
    this.#rule.resolve(policies, encodeUtf8(namespace), rule, asked.policy, stampUs);
    keys.prepare(this.#rule.quota);
    this.#prepared = { policies, version, seeds: keys.seeds, namespace, asked };
    return this.#rule;
  }

  /**
   * Whether an entry of this stamp would surely deny a take (SEMANTICS D1); if so, its result is written at `at`. Under a
   * policy that bans, denials must be counted, so only the ban itself is answered from here; and a key whose counts are
   * yet to be carried over is left to the log, which may have no room for them, and so is one with a slot that ends with its
   * session, whose goodbye may not be applied yet, unless a list answers for it.
   */
  denies(
    namespace: string,
    asked: Rule,
    key: KeyBytes,
    cost: number,
    stampUs: number,
    results: GrowingResultColumns,
    at: number,
  ): boolean {
    const look = this.#find(namespace, asked, key, stampUs);
    const { rule } = look;
    if (rule.unknown || rule.quota.algorithm === Algorithm.concurrency || rule.policy?.shadow === true) return false;
    if (look.list === "allow") return false;
    if (look.list !== "deny") {
      if (look.carried !== null || this.#state.holds.endsWithSession(look.block)) return false;
      this.#judge(look, cost, stampUs);
      if (look.banUntilUs === 0 && (rule.policy?.ban !== undefined || this.verdict.allowed)) return false;
    }
    this.#write(look, cost, stampUs, results, at);
    return true;
  }

  /** How a take would come out, with what is left as it stands now. */
  peek(
    namespace: string,
    asked: Rule,
    key: KeyBytes,
    cost: number,
    stampUs: number,
    results: GrowingResultColumns,
    at: number,
  ): void {
    const look = this.look(namespace, asked, key, cost, stampUs);
    this.#write(look, cost, stampUs, results, at);
    const decided = results.outcomes[at]!;
    if (decided === Outcome.allowed && look.list !== "allow") {
      results.remaining[at] = this.verdict.available;
      results.resetAfterMs[at] = ceilMs(this.verdict.resetNowUs);
    }
    if (look.rule.policy?.shadow !== true || decided === Outcome.allowed || decided > Outcome.blocked) return;
    results.outcomes[at] = Outcome.allowed;
    results.retryAfterMs[at] = 0;
    results.firmForMs[at] = 0;
    results.shadows[at] = decided;
  }

  #write(look: Look, cost: number, stampUs: number, results: GrowingResultColumns, at: number): void {
    const { rule, list, banUntilUs } = look;
    const { quota } = rule;
    const { verdict } = this;
    if (rule.unknown) {
      results.set(at, Outcome.unknownPolicy, 0, 0, 0, 0, 0);
    } else if (list === "deny") {
      results.set(at, Outcome.blocked, 0, 0, NEVER, firmMsOf(Math.min(quota.windowUs, LIST_FIRM_US)), quota.limit);
    } else if (list === "allow") {
      results.set(at, Outcome.allowed, quota.limit, 0, 0, 0, quota.limit);
    } else if (banUntilUs > 0) {
      const leftUs = banUntilUs - stampUs;
      const retryMs = verdict.never ? NEVER : ceilMs(Math.max(leftUs, verdict.retryAfterUs));
      results.set(
        at,
        Outcome.banned,
        0,
        ceilMs(Math.max(leftUs, verdict.resetNowUs)),
        retryMs,
        firmMsOf(leftUs),
        quota.limit,
      );
    } else {
      writeVerdict(verdict, cost, quota, results, at);
      // What is held may come back at any moment, and so may slots, whoever asks for how many.
      const mayComeBack = look.areHoldsLeft || look.keys.isHeld(look.block);
      const isFirm = !mayComeBack && quota.algorithm !== Algorithm.concurrency && rule.policy?.ban === undefined;
      if (!isFirm) results.firmForMs[at] = 0;
    }
  }
}

function isSameRule(a: Rule, b: Rule): boolean {
  return (
    a.policy === b.policy &&
    a.algorithm === b.algorithm &&
    a.limit === b.limit &&
    a.windowUs === b.windowUs &&
    a.burst === b.burst
  );
}
