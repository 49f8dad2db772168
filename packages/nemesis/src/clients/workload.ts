import type { AskedItem } from "@quorumguard/audit";
import { Algorithm, type Rule } from "@quorumguard/limiter";
import { createRandom, type Random } from "../random.ts";

/** What clients ask for: few keys, shared by all, asked for more than they allow. */
export interface Workload {
  /** One item, or several that are all-or-nothing. */
  next(draw: Random, nowUs: number): readonly AskedItem[];
  /** The key that a caller has to itself at this time. */
  ledgerKey(caller: string, nowUs: number): string;
  /** A key of the caller that asks at a steady rate: one of few, in turn. */
  steadyKey(turn: number, nowUs: number): string;
}

/** Keys are left after so long: a naive model counts every admission of a key ever anew. */
const epochUs = 8_000_000;
const keysPerEpoch = 12;
const groupChance = 0.06;
/** So many that none of them is asked for more often within a window than is counted exactly. */
const steadyKeys = 10;

/** The rule of keys that one caller has to itself: whatever happens in a run, nothing of it expires. */
export const ledgerRule: Rule = {
  algorithm: Algorithm.slidingWindowLog,
  limit: 1_000_000,
  windowUs: 86_400_000_000,
  burst: 0,
  policy: "",
};

/** The rule of keys that always have room, and by default: whoever asks every few milliseconds is never denied. */
export const steadyRule: Rule = { ...ledgerRule, windowUs: 1_000_000 };

/** Whether only one caller uses the key. */
export function isLedgerKey(key: string): boolean {
  return key.startsWith("ledger/");
}

/** The workload of a seed: the same for every client, who then draw from it on their own. */
export function createWorkload(seed: number, startUs: number): Workload {
  const epochOf = (nowUs: number) => Math.max(0, Math.floor((nowUs - startUs) / epochUs));
  const rulesOf = (epoch: number) => {
    const draw = createRandom(seed).fork(`epoch ${epoch}`);
    return Array.from({ length: draw.between(3, 6) }, () => planRule(draw));
  };
  let known = { epoch: -1, rules: [] as Rule[] };
  const item = (draw: Random, nowUs: number): AskedItem => {
    const epoch = epochOf(nowUs);
    if (known.epoch !== epoch) known = { epoch, rules: rulesOf(epoch) };
    const at = draw.between(0, keysPerEpoch - 1);
    // A key has its rule, and now and then another one: limits of one window share a counter (SEMANTICS K1).
    const rule = draw.chance(0.93) ? known.rules[at % known.rules.length]! : draw.pick(known.rules);
    return { key: `key-${at}/${epoch}`, rule, cost: draw.chance(0.85) ? 1 : draw.between(1, rule.limit + 1) };
  };
  return {
    next: (draw, nowUs) =>
      Array.from({ length: draw.chance(groupChance) ? draw.between(2, 3) : 1 }, () => item(draw, nowUs)),
    ledgerKey: (caller, nowUs) => `ledger/${caller}/${epochOf(nowUs)}`,
    steadyKey: (turn, nowUs) => `steady/${turn % steadyKeys}/${epochOf(nowUs)}`,
  };
}

function planRule(draw: Random): Rule {
  const windowUs = draw.pick([1_000, 1_500, 2_000, 5_000]) * 1_000;
  const limit = draw.pick([1, 2, 5, 10, 25, 100, 300]);
  if (draw.chance(0.65)) return { algorithm: Algorithm.slidingWindowLog, limit, windowUs, burst: 0, policy: "" };
  return { algorithm: Algorithm.tokenBucket, limit, windowUs, burst: draw.pick([1, 2, 5, 20, 50]), policy: "" };
}
