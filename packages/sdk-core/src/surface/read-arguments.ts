import { Algorithm, Verb } from "@quorumguard/limiter";
import { type CallItem, type CallVerb, take } from "../calls/call.ts";
import type { WaitTerms } from "../waiting-line.ts";
import {
  allowKey,
  missingLimit,
  missingRule,
  missingWaitTerms,
  notCheck,
  notChecks,
  notGroupOptions,
  notOptions,
  notPolicyArgument,
  takesNoSlot,
} from "./allow-arguments.ts";
import { checkCallOptions } from "./call-options.ts";
import { checkKey, checkWhole, invalidArgument, MAX_COUNT } from "./check-fields.ts";
import { ttlMs } from "./duration.ts";
import type { CallOptions, Check, Duration, InlineOptions, ReserveOptions, WaitOptions } from "./guard.ts";
import { checkNames } from "./known-names.ts";
import {
  groupCallNames,
  inlineCallNames,
  inlineCheckNames,
  policyCallNames,
  policyCheckNames,
  reserveNames,
  waitNames,
} from "./option-names.ts";
import type { ResolvedRule, RuleBook } from "./resolved-rule.ts";

/** Checks of one group. */
const MAX_GROUP_ITEMS = 1_024;

/** What a call that chooses nothing for itself is given, so that it is known by identity. */
export const noOptions: CallOptions = {};

/** Reads what callers wrote into what is sent. Everything throws a {@link GuardError} `invalid_argument` that names field, value and bound. */
export interface ArgumentReader {
  /** The options of `allow`, wherever they stand. */
  allowOptions(policyOrLimit: unknown, windowOrOptions: unknown, inlineOptions: unknown): InlineOptions;
  /** The rule of `allow`. @throws {GuardError} also `needs_reservation` under concurrency. */
  allowRule(policyOrLimit: unknown, windowOrOptions: unknown, options: InlineOptions): ResolvedRule;
  /** The cost of a call that may have chosen one. */
  cost(options: CallOptions): number;
  /** The key of `allow`; `next` and `after` follow it, and are no objects in the place of a limit or a window. */
  key(key: unknown, next: unknown, after: unknown): string;
  /** The check that `method` was called with. */
  check(check: Check<string>, path: string, method: string): CallItem;
  /** The items of `allowAll`. @throws {GuardError} also `needs_reservation` under concurrency. */
  group(checks: unknown, options: unknown): readonly CallItem[];
  /** @throws {GuardError} also `needs_reservation` under concurrency. */
  wait(check: Check<string>, options: WaitOptions): { readonly item: CallItem; readonly terms: WaitTerms };
  reserve(check: Check<string>, options: ReserveOptions): { readonly item: CallItem; readonly verb: CallVerb };
}

/** A reader over the rules of one guard. */
export function createArgumentReader(rules: RuleBook): ArgumentReader {
  const named = (name: string, next: unknown): ResolvedRule => {
    const known = rules.find(name);
    if (known !== undefined) return known;
    const misread = notPolicyArgument(name, next);
    if (misread !== null) throw misread;
    return rules.policy(name, "policy");
  };
  const inline = (limit: number, window: Duration, { algorithm, burst }: InlineOptions): ResolvedRule => {
    if (limit === undefined) throw missingLimit();
    if (algorithm === undefined && burst === undefined) return rules.plain(limit, window);
    return rules.inline({
      limit,
      window,
      ...(algorithm === undefined ? {} : { algorithm }),
      ...(burst === undefined ? {} : { burst }),
    });
  };
  const check = (check: Check<string>, path: string, method: string): CallItem => {
    if (typeof check !== "object" || check === null) throw notCheck(path, check, method);
    const isNamed = "policy" in check;
    checkNames(check, isNamed ? policyCheckNames : inlineCheckNames, path);
    const key = checkKey(check.key, `${path}.key`);
    const cost = check.cost === undefined ? 1 : checkWhole(check.cost, `${path}.cost`, 1);
    if (!isNamed && check.limit === undefined) throw missingRule(path, key);
    const rule = isNamed ? rules.policy(check.policy, `${path}.policy`) : rules.inline(check, path);
    return { key, rule, cost };
  };

  return {
    check,
    key: allowKey,
    allowOptions(policyOrLimit, windowOrOptions, inlineOptions) {
      const isNamed = typeof policyOrLimit === "string";
      const options = (isNamed ? windowOrOptions : inlineOptions) ?? noOptions;
      // A limit in a name's place, or a window after a policy, is told of by the rule, which knows more.
      if (typeof options !== "object") {
        throw notOptions(options, isNamed ? named(policyOrLimit, windowOrOptions).name : null);
      }
      if (options !== noOptions) checkNames(options, isNamed ? policyCallNames : inlineCallNames);
      return options as InlineOptions;
    },
    allowRule(policyOrLimit, windowOrOptions, options) {
      const rule =
        typeof policyOrLimit === "string"
          ? named(policyOrLimit, windowOrOptions)
          : inline(policyOrLimit as number, windowOrOptions as Duration, options);
      if (rule.algorithm === Algorithm.concurrency) throw takesNoSlot();
      return rule;
    },
    cost: ({ cost }) => (cost === undefined ? 1 : checkWhole(cost, "cost", 1)),
    group(checks, options) {
      if (!Array.isArray(checks)) throw notChecks(checks);
      if (checks.length === 0) throw notChecks(checks);
      if (checks.length > MAX_GROUP_ITEMS) {
        throw invalidArgument("checks", checks.length, `give 1 to ${MAX_GROUP_ITEMS} checks`);
      }
      const group = checks.map((each: Check<string>, at) => check(each, `checks[${at}]`, "allowAll"));
      if (typeof options !== "object" || options === null) throw notGroupOptions(options);
      if (options !== noOptions) checkNames(options, groupCallNames);
      if (group.some(({ rule }) => rule.algorithm === Algorithm.concurrency)) throw takesNoSlot();
      return group;
    },
    wait(asked, options) {
      if (typeof asked !== "object") throw notCheck("check", asked, "wait");
      if (typeof options !== "object" || options === null) throw missingWaitTerms(options);
      checkNames(options, waitNames);
      const item = withCost(check(asked, "check", "wait"), asked, options);
      if (item.rule.algorithm === Algorithm.concurrency) throw takesNoSlot();
      if (options.timeoutMs === undefined && options.signal === undefined) throw missingWaitTerms(options);
      const { timeoutMs, signal, onUnavailable } = checkCallOptions(options, MAX_COUNT);
      const hasEnd = options.timeoutMs !== undefined;
      return { item, terms: { timeoutMs: hasEnd ? timeoutMs : null, signal: signal ?? null, onUnavailable } };
    },
    reserve(asked, options) {
      if (typeof asked !== "object") throw notCheck("check", asked, "reserve");
      if (typeof options !== "object" || options === null) throw notOptions(options, null);
      if (options !== noOptions) checkNames(options, reserveNames);
      return {
        item: withCost(check(asked, "check", "reserve"), asked, options),
        verb: { ...take, verb: Verb.reserve, ttlMs: options.ttl === undefined ? 0 : ttlMs(options.ttl, "ttl") },
      };
    },
  };
}

/** The cost may stand in the check or in the options, once. */
function withCost(item: CallItem, check: Check<string>, { cost }: Pick<CallOptions, "cost">): CallItem {
  if (cost === undefined) return item;
  if (check.cost !== undefined) throw invalidArgument("cost", cost, "the check has a cost already; give it once");
  return { ...item, cost: checkWhole(cost, "cost", 1) };
}
