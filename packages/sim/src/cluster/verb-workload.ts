import type { AskedItem } from "@quorumguard/audit";
import { Algorithm, type Bounds, type Rule } from "@quorumguard/limiter";
import type { Random } from "../world/random.ts";

/** What clients ask for beside plain takes: holds, resets, and rules that an operator may replace. */
export interface VerbWorkload {
  readonly callersPerClient: number;
  /** Mean pause of a caller between what it does. */
  readonly thinkUs: number;
  readonly timeoutMs: number;
  /** Whether an operator changes what it may; only then calls name policies. */
  readonly governed: boolean;
  /** Whether the operator sets policies, or quotas of keys, and what else there is without policies. */
  readonly operator: "policies" | "quotas";
  /** Mean pause of the operator between changes. */
  readonly changeUs: number;
  /** A key with its rule; `slots`: one of `concurrency`. */
  place(random: Random): Pick<AskedItem, "key" | "rule">;
}

const windowsUs = [200_000, 500_000, 1_000_000];

/** Names that calls use; an operator may set a policy for each, and take it away again. */
export const policyNames = ["plan", "meter"] as const;
/** Keys that are counted under names. */
export const namedKeys = ["user-0", "192.0.2.7", "2001:db8::7"] as const;

/** What there is so little of that calls are refused. */
export interface Scarcity {
  readonly bounds: Partial<Pick<Bounds, "maxKeys" | "maxHolds" | "maxHoldsPerSession">>;
  readonly quotas: boolean;
}

/**
 * Draws what is scarce, most often nothing. Where keys are, nobody sets policies: which counters those leave behind for
 * each other, and when they are swept, is no concern of the audit's model.
 */
export function planScarcity(random: Random): Scarcity {
  const what = random.float();
  const quotas = what < 0.06;
  const maxKeys = what >= 0.04 && what < 0.12 ? { maxKeys: random.between(3, 9) } : {};
  const holds = what >= 0.1 && what < 0.18;
  const maxHolds = holds ? { maxHolds: random.between(1, 4), maxHoldsPerSession: random.between(1, 3) } : {};
  return { bounds: { ...maxKeys, ...maxHolds }, quotas };
}

/** Draws who asks for what. */
export function planVerbs(random: Random, { bounds, quotas }: Scarcity): VerbWorkload {
  const algorithms = Object.values(Algorithm);
  const rules = Array.from({ length: random.between(2, 4) }, () => planRule(random, random.pick(algorithms)));
  if (random.chance(0.7)) rules.push(planRule(random, Algorithm.concurrency));
  const governed = (random.chance(0.6) && bounds.maxKeys === undefined) || quotas;
  // The windows of policies are others, so that every policy that takes over from inline numbers hands counts on.
  const named: readonly Rule[] = [
    { ...planRule(random, Algorithm.slidingWindowLog), policy: "plan" },
    { ...planRule(random, Algorithm.tokenBucket), policy: "meter" },
    nameAlone(random.pick(policyNames)),
  ];
  return {
    callersPerClient: random.between(1, 2),
    thinkUs: random.between(90, 200) * 1000,
    timeoutMs: random.pick([300, 1_000, 3_000]),
    governed,
    operator: quotas ? "quotas" : "policies",
    changeUs: random.pick([250, 500, 1_000]) * 1000,
    place(draw) {
      if (governed && draw.chance(0.6)) return { key: draw.pick(namedKeys), rule: draw.pick(named) };
      const at = draw.below(rules.length);
      return { key: `held-${at}`, rule: rules[at]! };
    },
  };
}

/** A policy's name, of which the cluster knows the numbers. */
export const nameAlone = (policy: string): Rule => ({
  algorithm: Algorithm.slidingWindowLog,
  limit: 0,
  windowUs: 0,
  burst: 0,
  policy,
});

function planRule(random: Random, algorithm: Algorithm): Rule {
  const burst = algorithm === Algorithm.tokenBucket ? random.pick([1, 3, 10]) : 0;
  return { algorithm, limit: random.pick([1, 2, 3, 5, 10]), windowUs: random.pick(windowsUs), burst, policy: "" };
}
