import type { AskedItem } from "@quorumguard/audit";
import { Algorithm, type Rule } from "@quorumguard/limiter";
import { createRandom, type Random } from "../random.ts";

/** What clients ask for: few keys, shared by all, asked for more than they allow. */
export interface Workload {
  /** One item, or several that are all-or-nothing. */
  next(draw: Random, nowUs: number): readonly AskedItem[];
  /** The key that a caller has to itself at this time. */
  ledgerKey(caller: string, nowUs: number): string;
  /** What is asked for so often that it is worth leasing, and used up all the same: one of few items, shared by all. */
  leased(draw: Random, nowUs: number): AskedItem;
  /** A key that allows next to nothing, and that somebody asks for all the time. */
  attacked(nowUs: number): AskedItem;
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

/** What is asked for under attack. */
const attackedRule: Rule = { ...ledgerRule, limit: 5, windowUs: 2_000_000 };

/** Keys that are leased at a time; each has its rule. */
const leasedKeys = 2;

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
  const leasedRulesOf = (epoch: number) => {
    const draw = createRandom(seed).fork(`leased in epoch ${epoch}`);
    return Array.from({ length: leasedKeys }, () => planLeasedRule(draw));
  };
  let known = { epoch: -1, rules: [] as Rule[] };
  let leased = known;
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
    leased(draw, nowUs) {
      const epoch = epochOf(nowUs);
      if (leased.epoch !== epoch) leased = { epoch, rules: leasedRulesOf(epoch) };
      const at = draw.between(0, leasedKeys - 1);
      return { key: `leased-${at}/${epoch}`, rule: leased.rules[at]!, cost: draw.chance(0.9) ? 1 : draw.between(2, 4) };
    },
    attacked: (nowUs) => ({ key: `attacked/${epochOf(nowUs)}`, rule: attackedRule, cost: 1 }),
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

/** Large enough that a tenth of it is a lease; of the log, no more than is counted exactly. */
function planLeasedRule(draw: Random): Rule {
  const windowUs = draw.pick([2_000, 4_000]) * 1_000;
  if (draw.chance(0.5)) {
    const limit = draw.pick([100, 250]);
    return { algorithm: Algorithm.slidingWindowLog, limit, windowUs, burst: 0, policy: "" };
  }
  const limit = draw.pick([250, 500]);
  return { algorithm: Algorithm.tokenBucket, limit, windowUs, burst: draw.pick([100, limit]), policy: "" };
}
