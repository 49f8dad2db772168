import type { AskedItem } from "@quorumguard/audit";
import { Algorithm, type Rule } from "@quorumguard/limiter";
import type { Random } from "../world/random.ts";

/** What clients ask for: few keys, shared by all, asked for more than they allow. */
export interface Workload {
  readonly clients: number;
  readonly callersPerClient: number;
  /** Mean pause of a caller between calls. */
  readonly thinkUs: number;
  readonly timeoutMs: number;
  /** Chance that a caller asks for many things in one turn. */
  readonly burstChance: number;
  readonly groupChance: number;
  /** Chance that a call goes outside the session, under a request id, and is asked twice. */
  readonly requestChance: number;
  /** Whether the clients' guards may lease what they are asked for often. */
  readonly leases: boolean;
  next(random: Random): readonly AskedItem[];
}

/** Draws who asks for what. */
export function planWorkload(random: Random): Workload {
  const rules = Array.from({ length: random.between(2, 4) }, () => planRule(random));
  const keys = random.between(2, 8);
  const item = (draw: Random): AskedItem => {
    const at = draw.below(keys);
    // A key has its rule, and now and then another one: limits of one window share a counter (SEMANTICS K1).
    const rule = rules[draw.chance(0.9) ? at % rules.length : draw.below(rules.length)]!;
    return { key: `key-${at}`, rule, cost: draw.chance(0.85) ? 1 : draw.between(1, rule.limit + 1) };
  };
  const groupChance = random.chance(0.6) ? 0.1 : 0;
  return {
    clients: random.between(2, 3),
    callersPerClient: random.between(2, 5),
    thinkUs: random.between(15, 50) * 1000,
    timeoutMs: random.pick([300, 1_000, 3_000]),
    burstChance: random.pick([0, 0.02, 0.08]),
    groupChance,
    requestChance: random.chance(0.5) ? 0.08 : 0,
    leases: false,
    next: (draw) =>
      draw.chance(groupChance) ? Array.from({ length: draw.between(2, 3) }, () => item(draw)) : [item(draw)],
  };
}

function planRule(random: Random): Rule {
  const windowUs = random.pick([200, 500, 1_000, 2_000]) * 1000;
  const limit = random.pick([1, 2, 3, 5, 10, 25, 50, 100]);
  if (random.chance(0.6)) return { algorithm: Algorithm.slidingWindowLog, limit, windowUs, burst: 0, policy: "" };
  return { algorithm: Algorithm.tokenBucket, limit, windowUs, burst: random.pick([1, 2, 5, 10]), policy: "" };
}
