import type { Verdict } from "../algorithms/algorithm.ts";
import { textOf } from "../entry/utf8.ts";
import type { OpenHold } from "../holds/open-holds.ts";
import { ceilMs } from "../machine/call-executor.ts";
import type { MachineState } from "../machine/state.ts";
import type { Rule } from "../rule.ts";
import { type AlgorithmName, algorithmNames, type OverrideDocument, type PolicyDocument } from "./documents.ts";
import type { GovernedQuestions } from "./governed-questions.ts";
import type { HistoryEntry } from "./history.ts";
import type { NamespacePolicies } from "./namespace-policies.ts";
import { overrideId, type PolicyRecord, recordId } from "./records.ts";

/** Holds of a key that are told one by one. */
const MAX_HOLDS = 100;

/** Everything about one key under one rule, as applied state has it: for people, and for tools that ask on their behalf. */
export interface Explanation {
  readonly namespace: string;
  readonly key: string;
  /** The rule's name; empty for an inline rule. */
  readonly name: string;
  /** The namespace's version of policies, and the stamp at which this holds. */
  readonly version: number;
  readonly stampUs: number;
  /** Where the numbers in force come from; `unknown`: a name alone, and no policy of that name. */
  readonly source: "inline" | "policy" | "override" | "tier" | "unknown";
  readonly tier: string | null;
  /** The numbers in force for this key. */
  readonly rule: {
    readonly algorithm: AlgorithmName;
    readonly limit: number;
    readonly windowMs: number;
    readonly burst: number | null;
  } | null;
  /** The policy as it is set, and the override of this key under the rule's name. */
  readonly policy: PolicyDocument | null;
  readonly override: OverrideDocument | null;
  readonly list: "allow" | "deny" | null;
  readonly shadow: boolean;
  /** What is used, holds included, list or not. */
  readonly used: number;
  /** What a take could have at once, the ban aside: nothing on the deny-list, the limit on the allow-list. */
  readonly available: number;
  /** Milliseconds until a take of 1 would be admitted, the ban aside: 0 now, null never. */
  readonly nextFreeMs: number | null;
  /** Milliseconds until nothing is used any more, list or not. */
  readonly resetAfterMs: number;
  /** What is used, and the holds, were counted under an earlier rule, and are carried over at the next call. */
  readonly isCarriedOver: boolean;
  readonly ban: { readonly untilUs: number; readonly leftMs: number; readonly strikes: number } | null;
  readonly holds: readonly OpenHold[];
  /** The last change that the history still tells of the policy, the key or its tier; edits left out. */
  readonly lastChange: Omit<HistoryEntry, "edits"> | null;
}

/** Explains a key under a rule, at a stamp; changes nothing. */
export function explain(
  state: MachineState,
  questions: GovernedQuestions,
  namespace: string,
  asked: Rule,
  keyBytes: Uint8Array,
  stampUs: number,
): Explanation {
  const at = { bytes: keyBytes, start: 0, length: keyBytes.length };
  const look = questions.look(namespace, asked, at, 1, stampUs);
  const { rule, policies, numbers, list, carried } = look;
  const { verdict } = questions;
  const { quota } = rule;
  const key = textOf(keyBytes, 0, keyBytes.length) ?? "";
  const override = policies?.records.get(overrideId(rule.name, key));
  const known = !rule.unknown;
  return {
    namespace,
    key,
    name: rule.name,
    version: policies?.version ?? 0,
    stampUs,
    source: known ? (numbers?.from.kind ?? (rule.policy === null ? "inline" : "policy")) : "unknown",
    tier: numbers?.from.kind === "tier" ? numbers.from.tier : null,
    rule: known
      ? {
          algorithm: algorithmNames[quota.algorithm - 1]!,
          limit: quota.limit,
          windowMs: quota.windowUs / 1_000,
          burst: quota.burst === 0 ? null : quota.burst,
        }
      : null,
    policy: rule.policy,
    override: override?.kind === "override" ? override.value : null,
    list,
    shadow: rule.policy?.shadow === true,
    used: questions.usedOf(look, stampUs),
    ...(known ? leftOf(list, quota.limit, verdict) : { available: 0, nextFreeMs: null }),
    resetAfterMs: known ? ceilMs(verdict.resetNowUs) : 0,
    isCarriedOver: carried !== null,
    ban: banOf(state, namespace, rule.name, key, stampUs, look.banUntilUs),
    holds: questions.openOf(look, at, stampUs, MAX_HOLDS),
    lastChange: policies === null ? null : lastChangeOf(policies, rule.name, key, numbers?.from),
  };
}

/** What a call finds left, and when: a list answers whatever is used. */
function leftOf(
  list: Explanation["list"],
  limit: number,
  { available, never, retryAfterUs }: Verdict,
): Pick<Explanation, "available" | "nextFreeMs"> {
  if (list === "deny") return { available: 0, nextFreeMs: null };
  if (list === "allow") return { available: limit, nextFreeMs: 0 };
  return { available, nextFreeMs: never ? null : ceilMs(retryAfterUs) };
}

function banOf(
  { bans }: MachineState,
  namespace: string,
  name: string,
  key: string,
  stampUs: number,
  untilUs: number,
): Explanation["ban"] {
  if (untilUs === 0) return null;
  const strikes = bans.find(namespace, name, key, stampUs)?.strikes ?? 1;
  return { untilUs, leftMs: ceilMs(untilUs - stampUs), strikes };
}

function lastChangeOf(
  policies: NamespacePolicies,
  name: string,
  key: string,
  from: { readonly kind: string; readonly tier?: string } | undefined,
): Explanation["lastChange"] {
  const concerns = (record: PolicyRecord | null): boolean => {
    switch (record?.kind) {
      case "policy":
        return record.value.name === name;
      case "override":
        return recordId(record) === overrideId(name, key);
      case "tierKey":
        return record.value.key === key;
      case "tier":
        return record.value.name === from?.tier;
      case "listEntry":
        return record.value.policy === undefined || record.value.policy === name;
      default:
        return false;
    }
  };
  const newestFirst = [...policies.history.view.values()].reverse();
  const last = newestFirst.find(
    (entry) =>
      (entry.kind === "liftBan" && entry.about === `${name}: ${key}`) ||
      entry.edits.some(({ before, after }) => concerns(before) || concerns(after)),
  );
  if (last === undefined) return null;
  const { edits: _, ...rest } = last;
  return rest;
}
