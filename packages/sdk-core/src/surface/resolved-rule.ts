import { Algorithm as AlgorithmNumber, type Rule as LimiterRule } from "@quorumguard/limiter";
import type { KnownKey } from "../without-network/known-keys.ts";
import { missingPolicy } from "./allow-arguments.ts";
import { checkName, checkOneOf, checkWhole, invalidArgument, MAX_COUNT } from "./check-fields.ts";
import { windowUs } from "./duration.ts";
import type { Algorithm, OnUnavailable, Policy, Rule } from "./guard.ts";
import { checkNames } from "./known-names.ts";
import { policyNames } from "./option-names.ts";

const algorithmNumbers: Readonly<Record<Algorithm, AlgorithmNumber>> = {
  "sliding-window-log": AlgorithmNumber.slidingWindowLog,
  "token-bucket": AlgorithmNumber.tokenBucket,
  "sliding-window-counter": AlgorithmNumber.slidingWindowCounter,
  "fixed-window": AlgorithmNumber.fixedWindow,
  concurrency: AlgorithmNumber.concurrency,
};

/** What a policy of the cluster's says that is to be known before the cluster can be asked. */
export interface PolicyTerms extends Pick<LimiterRule, "limit" | "windowUs" | "burst"> {
  /** 0: one that this version does not know. */
  readonly algorithm: AlgorithmNumber | 0;
  /** It is counted, and never enforced. */
  readonly shadow: boolean;
  /** Null: it does not say. */
  readonly lease: boolean | null;
  readonly onUnavailable: OnUnavailable | null;
}

/** A rule, checked once and then shared by all calls under it; on the wire it is a WireRule as it stands. */
export interface ResolvedRule extends Omit<LimiterRule, "algorithm"> {
  /** 0: a policy by its name alone; all its numbers are 0, and the cluster knows them. */
  readonly algorithm: AlgorithmNumber | 0;
  /** The policy's name as decisions show it. */
  readonly name: string | null;
  /** What it says in this process, whatever the cluster's policy of that name does; `leaseElse`: what holds if neither says. */
  readonly own: {
    readonly onUnavailable: OnUnavailable | null;
    readonly lease: boolean | null;
    readonly leaseElse: boolean;
  };
  /** What the cluster's policy of that name says, as of `toldVersion` of its policies; null: there is none, or nothing is known. */
  told: PolicyTerms | null;
  toldVersion: number;
  /** Its own, else the cluster's; null: the guard's holds. */
  onUnavailable: OnUnavailable | null;
  /** Whether this process may lease its keys, as far as it is asked; the cluster may say no. */
  lease: boolean;
  /** The frame that is being built, and this rule's place in it: what saves a map per frame. */
  frameMark: number;
  frameIndex: number;
  /** What this process knows of its keys, by their text; null: of none. */
  known: Map<string, KnownKey> | null;
}

/**
 * Checks a rule and brings it into the wire's terms.
 * @throws {GuardError} invalid_argument, naming the field under `path`.
 */
export function resolveRule(
  rule: Rule | Policy,
  path: string,
  name: string | null = null,
  leases = false,
): ResolvedRule {
  if (typeof rule !== "object" || rule === null) throw invalidArgument(path, rule, "it must be a rule {limit, window}");
  const prefix = path === "" ? "" : `${path}.`;
  const limit = checkWhole(rule.limit, `${prefix}limit`, 0);
  const us = windowUs(rule.window, `${prefix}window`);
  const algorithm = algorithmNumber(rule.algorithm, `${prefix}algorithm`);
  let burst = 0;
  if (algorithm === AlgorithmNumber.tokenBucket) {
    burst = rule.burst === undefined ? Math.max(1, limit) : checkWhole(rule.burst, `${prefix}burst`, 1);
  } else if (rule.burst !== undefined) {
    throw invalidArgument(
      `${prefix}burst`,
      rule.burst,
      'only "token-bucket" has a burst; leave it out or set algorithm',
    );
  }
  return newRule({ algorithm, limit, windowUs: us, burst }, name, {
    onUnavailable: "onUnavailable" in rule ? checkOnUnavailable(rule.onUnavailable, `${prefix}onUnavailable`) : null,
    lease: "lease" in rule ? checkLease(rule.lease, algorithm, `${prefix}lease`) : null,
    leaseElse: leases,
  });
}

/** The policy of that name, whatever the cluster says it is. */
function ruleByName(name: string, leaseElse: boolean): ResolvedRule {
  const own = { onUnavailable: null, lease: null, leaseElse };
  return newRule({ algorithm: 0, limit: 0, windowUs: 0, burst: 0 }, name, own);
}

function newRule(
  { algorithm, limit, windowUs, burst }: Pick<ResolvedRule, "algorithm" | "limit" | "windowUs" | "burst">,
  name: string | null,
  own: ResolvedRule["own"],
): ResolvedRule {
  return {
    algorithm,
    limit,
    windowUs,
    burst,
    policy: name ?? "",
    name,
    own,
    told: null,
    toldVersion: 0,
    onUnavailable: own.onUnavailable,
    lease: own.lease ?? own.leaseElse,
    frameMark: 0,
    frameIndex: 0,
    known: null,
  };
}

/**
 * Takes over what the cluster's policy of the rule's name says; null: there is none. What the rule says itself stays: whoever
 * wrote it knows this process. True: its keys may be leased no more.
 */
export function learnTerms(rule: ResolvedRule, terms: PolicyTerms | null, version: number): boolean {
  const { own, lease } = rule;
  rule.told = terms;
  rule.toldVersion = version;
  rule.onUnavailable = own.onUnavailable ?? terms?.onUnavailable ?? null;
  rule.lease = own.lease ?? terms?.lease ?? own.leaseElse;
  return lease && !rule.lease;
}

/** The numbers in force, as far as they are known here: the cluster's policy wins, as it does there. */
export function numbersOf(rule: ResolvedRule): Pick<PolicyTerms, "algorithm" | "limit" | "windowUs" | "burst"> {
  return rule.told ?? rule;
}

function algorithmNumber(algorithm: unknown, field: string): AlgorithmNumber {
  if (algorithm === undefined) return AlgorithmNumber.slidingWindowLog;
  return algorithmNumbers[checkOneOf(algorithm, field, Object.keys(algorithmNumbers) as Algorithm[])];
}

/** What others, and the sources of decisions, call it. */
const meantUnavailable = { open: "allow", "fail-open": "allow", closed: "deny", "fail-closed": "deny" } as const;

/**
 * Holds `onUnavailable` to its four values; undefined becomes null.
 *
 * @throws {GuardError} invalid_argument on any other.
 */
export function checkOnUnavailable(value: unknown, field: string): OnUnavailable | null {
  if (value === undefined) return null;
  return checkOneOf(value, field, ["local", "allow", "deny", "throw"], meantUnavailable);
}

function checkLease(value: unknown, algorithm: AlgorithmNumber, field: string): boolean | null {
  if (value === undefined) return null;
  if (typeof value !== "boolean") throw invalidArgument(field, value, "it must be true or false");
  if (value && algorithm === AlgorithmNumber.concurrency)
    throw invalidArgument(field, value, "slots of concurrency are never leased; leave it out");
  return value;
}

/** Finds rules by what callers write, so that a call under a known rule allocates and checks nothing. */
export interface RuleBook {
  /** The names of all policies. */
  readonly names: readonly string[];
  /** All rules that have a name: the guard's policies, and the cluster's that are remembered. */
  named(): Iterable<ResolvedRule>;
  /** The policy of that name, if there is one. */
  find(name: string): ResolvedRule | undefined;
  /** The rule of `allow` without options, if it was used before; checks nothing. */
  used(policyOrLimit: unknown, window: unknown): ResolvedRule | undefined;
  /**
   * The policy of that name, or the cluster's by its name alone.
   * @throws {GuardError} invalid_argument when it cannot be a policy's name; the message says where it stands.
   */
  policy(name: unknown, field: string): ResolvedRule;
  inline(rule: Rule, path?: string): ResolvedRule;
  /** The same for `allow(key, limit, window)` without other options. */
  plain(limit: number, window: Rule["window"]): ResolvedRule;
}

/** Inline rules, and names of the cluster's policies, remembered at once; beyond it the memory starts anew, which costs time and nothing else. */
const MAX_INLINE_RULES = 1_024;

/** Makes a rule book over the policies of a guard's options; `leases`: what holds for rules that do not say whether they may be leased. */
export function createRuleBook(
  policies: { readonly [name: string]: Policy | undefined } | undefined,
  leases = false,
): RuleBook {
  const named = new Map<string, ResolvedRule>();
  if (policies !== undefined && (typeof policies !== "object" || policies === null || Array.isArray(policies))) {
    throw invalidArgument("policies", policies, "it must be an object of rules by their names");
  }
  for (const [name, policy] of Object.entries(policies ?? {})) {
    checkName(name, "policies");
    if (typeof policy === "object" && policy !== null) checkNames(policy, policyNames, `policies.${name}`);
    named.set(name, resolveRule(policy as Policy, `policies.${name}`, name, leases));
  }
  const inline = new Map<string, ResolvedRule>();
  const byName = new Map<string, ResolvedRule>();
  let last: { readonly limit: number; readonly window: unknown; readonly rule: ResolvedRule } | null = null;

  const remember = (key: string, rule: Rule, path: string): ResolvedRule => {
    const known = inline.get(key);
    if (known !== undefined) return known;
    const resolved = resolveRule(rule, path, null, leases);
    if (inline.size >= MAX_INLINE_RULES) inline.clear();
    inline.set(key, resolved);
    return resolved;
  };

  return {
    names: [...named.keys()],
    *named() {
      yield* named.values();
      yield* byName.values();
    },
    find: (name) => named.get(name),
    used(policyOrLimit, window) {
      if (typeof policyOrLimit === "string") return named.get(policyOrLimit) ?? byName.get(policyOrLimit);
      if (last !== null && last.limit === policyOrLimit && last.window === window) return last.rule;
      // Only what has a text of its own is looked for by it.
      if (typeof policyOrLimit !== "number" || (typeof window !== "string" && typeof window !== "number"))
        return undefined;
      return inline.get(plainKey(policyOrLimit, window));
    },
    policy(name, field) {
      const known = named.get(name as string) ?? byName.get(name as string);
      if (known !== undefined) return known;
      if (name === undefined) throw missingPolicy(field);
      const rule = ruleByName(checkName(name, field), leases);
      if (byName.size >= MAX_INLINE_RULES) byName.clear();
      byName.set(rule.policy, rule);
      return rule;
    },
    inline(rule, path = "") {
      if (typeof rule !== "object" || rule === null)
        throw invalidArgument(path, rule, "it must be a rule {limit, window}");
      const { limit, window, algorithm, burst } = rule;
      return remember(`${typeof limit}${limit}|${typeof window}${window}|${algorithm}|${burst}`, rule, path);
    },
    plain(limit, window) {
      if (last !== null && last.limit === limit && last.window === window) return last.rule;
      const rule = remember(plainKey(limit, window), { limit, window }, "");
      last = { limit, window, rule };
      return rule;
    },
  };
}

/** Under what an inline rule of these numbers and nothing else is remembered. */
function plainKey(limit: unknown, window: unknown): string {
  return `${typeof limit}${limit}|${typeof window}${window}|undefined|undefined`;
}

/** The rule as one of `clients` may apply it by itself (SEMANTICS U1); null: only the cluster knows it. */
export function localShare(rule: ResolvedRule, clients: number): LimiterRule | null {
  const { algorithm, limit, windowUs, burst } = numbersOf(rule);
  if (algorithm === 0) return null;
  const share = (whole: number) => (whole === 0 ? 0 : Math.max(1, Math.floor(Math.min(whole, MAX_COUNT) / clients)));
  return { algorithm, limit: share(limit), windowUs, burst: share(burst), policy: rule.policy };
}
