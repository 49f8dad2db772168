import { QuotaRule } from "../keys/quota-rule.ts";
import { Algorithm } from "../rule.ts";
import type { PolicyDocument } from "./documents.ts";
import { callersSpanUs, type Lineage, type PastEpoch, spanUs } from "./lineage.ts";
import { numbersOf } from "./move-lineages.ts";
import type { NamespacePolicies } from "./namespace-policies.ts";
import { type OwnNumbers, rateOf, slowerLimit } from "./own-numbers.ts";

const MAX_INT32 = 2147483647;

/** One way in which a name was counted, made ready for look-ups. */
export interface PreparedEpoch {
  readonly epoch: PastEpoch;
  readonly rules: readonly QuotaRule[];
}

/** What a caller asks for: the numbers are all 0 when only a name was given. */
export interface AskedRule {
  algorithm: number;
  limit: number;
  windowUs: number;
  burst: number;
  /** The policy's name as bytes; empty for an inline rule. */
  source: Uint8Array;
  nameStart: number;
  nameLength: number;
}

/** Whether a rule is a name alone, to be decided by the cluster's policy of that name. */
export function isNameAlone(windowUs: number): boolean {
  return windowUs === 0;
}

/** A rule of an operation as it is in force in a namespace that has, or had, policies. Reused from rule to rule. */
export class GovernedRule {
  readonly quota: QuotaRule;
  name = "";
  policy: PolicyDocument | null = null;
  /** A name alone, and no policy of that name. */
  unknown = false;
  /** The policy's counters in the heap, or 0. */
  counters = 0;
  /** The rule's own numbers, where a key has none of its own. */
  limit = 0;
  burst = 0;
  /** Numbers of its own that the key has which is looked at. */
  own: OwnNumbers | null = null;
  /** What the name's counters are to be carried over from, the oldest first. */
  epochs: readonly PreparedEpoch[] = [];
  /** The name's present epoch: that of the counters in force. */
  epoch = 0;
  /** As of when it is in force. */
  stampUs = 0.5;
  /** At each change before this stamp, all keys are taken to have been full: not all that they had used is known. */
  fullUntilUs = 0;
  /** Length of the identity's bytes that say namespace and name: what bans are kept under. */
  nameEnd = 0;

  constructor(quota: QuotaRule) {
    this.quota = quota;
  }

  /** Finds out what is in force. The rule must be prepared for the key table afterwards. */
  resolve(
    policies: NamespacePolicies | null,
    namespace: Uint8Array,
    asked: AskedRule,
    name: string,
    stampUs: number,
  ): void {
    const { source, nameStart, nameLength } = asked;
    const policy = name === "" || policies === null ? null : policies.policy(name);
    const lineage = name === "" || policies === null ? undefined : policies.lineages.get(name);
    this.name = name;
    this.stampUs = stampUs;
    this.policy = policy;
    this.unknown = policy === null && isNameAlone(asked.windowUs);
    this.counters = policy === null ? 0 : policies!.countersOf(name);
    const { algorithm, limit, windowUs, burst } = policy === null ? asked : numbersOf(policy);
    this.limit = limit;
    this.burst = burst;
    this.quota.set(namespace, algorithm, limit, windowUs, burst, source, nameStart, nameLength);
    if (policy !== null) this.quota.isRateOpen = false;
    this.epoch = lineage?.epoch ?? 0;
    this.quota.setEpoch(this.epoch);
    this.nameEnd = 2 + namespace.length + nameLength;
    this.epochs = lineage === undefined ? [] : this.#prepareEpochs(lineage, namespace, asked);
    this.fullUntilUs = lineage?.fullUntilUs ?? 0;
  }

  /** Puts a key's own numbers into the quota; null: it has none, and the rule's count. */
  useNumbers(own: OwnNumbers | null): void {
    this.own = own;
    this.quota.limit = own?.limit ?? this.limit;
    if (this.quota.algorithm === Algorithm.tokenBucket) this.quota.burst = own?.burst ?? this.burst;
  }

  /**
   * At which limit what is carried over to the key drains. A limit of 0 of its own sets no rate, so its policy's counts.
   * Where callers bring the numbers, since when the key has its own is not known: the slower counts.
   */
  get carriedLimit(): number {
    const { algorithm, limit, burst } = this.quota;
    if (algorithm !== Algorithm.tokenBucket) return limit;
    const isOwn = this.policy !== null && limit > 0;
    return isOwn ? limit : rateOf(slowerLimit(limit, this.limit), burst);
  }

  /**
   * Looks also for a counter of an earlier epoch that need not be among those that are kept: it holds what must go along.
   * Follows {@link resolve}, whose arguments it repeats.
   */
  lookAlsoFor(namespace: Uint8Array, asked: AskedRule, epoch: number): void {
    const { algorithm, windowUs } = asked;
    const isOf = (rule: QuotaRule) => rule.algorithm === algorithm && rule.windowUs === windowUs;
    const [first, ...others] = this.epochs;
    if (first === undefined || this.epochs.some((each) => each.epoch.epoch === epoch && each.rules.some(isOf))) return;
    const held = pastRule(namespace, algorithm, windowUs, epoch, asked);
    this.epochs = [{ epoch: first.epoch, rules: [held, ...first.rules] }, ...others];
  }

  #prepareEpochs(lineage: Lineage, namespace: Uint8Array, asked: AskedRule): readonly PreparedEpoch[] {
    return lineage.past.map((epoch) => ({
      epoch,
      rules: epoch.shapes.map(({ algorithm, windowUs }) =>
        pastRule(namespace, algorithm, windowUs, epoch.epoch, asked),
      ),
    }));
  }

  /** For how long the numbers asked for would count, within bounds: heirs must find what a policy leaves behind for as long. */
  static askedSpanUs({ algorithm, limit, windowUs, burst }: AskedRule): number {
    return isNameAlone(windowUs) ? 0 : callersSpanUs(spanUs(algorithm, limit, windowUs, burst));
  }
}

/** What an earlier epoch's counters are found by. */
export function pastRule(
  namespace: Uint8Array,
  algorithm: number,
  windowUs: number,
  epoch: number,
  { source, nameStart, nameLength }: AskedRule,
): QuotaRule {
  const rule = new QuotaRule();
  // A bucket knows the limit that it was last charged under, which is the one that counts.
  const burst = algorithm === Algorithm.tokenBucket ? MAX_INT32 : 0;
  rule.set(namespace, algorithm, MAX_INT32, windowUs, burst, source, nameStart, nameLength);
  rule.setEpoch(epoch);
  return rule;
}
