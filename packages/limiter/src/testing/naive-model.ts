import { NEVER, Outcome } from "../call-batch.ts";
import { Algorithm, type Rule } from "../rule.ts";
import type { Item, ItemResult } from "./harness.ts";

/** One item's answer without the firmness, which the model does not know. */
export type NaiveResult = Omit<ItemResult, "firmForMs">;

interface Judgement {
  readonly allowed: boolean;
  readonly available: number;
  readonly retryAfterUs: bigint | null;
  readonly resetNowUs: bigint;
  readonly resetChargedUs: bigint;
}

/** A deliberately dumb limiter: every admission ever made, in a list, looked through at each question. */
export class NaiveModel {
  readonly #admissions = new Map<string, { stampUs: number; cost: number }[]>();

  /** An all-or-nothing call; single items are groups of one. */
  call(namespace: string, items: readonly Item[], stampUs: number): NaiveResult[] {
    const ahead = new Map<string, number>();
    const judged = items.map((item) => {
      const id = identity(namespace, item.rule, item.key);
      const wanted = (ahead.get(id) ?? 0) + (item.cost ?? 1);
      ahead.set(id, wanted);
      return { id, item, wanted, judgement: this.#judge(id, item.rule, wanted, stampUs) };
    });
    const allowed = judged.every(({ judgement }) => judgement.allowed);
    if (allowed) {
      for (const { id, item } of judged) {
        const list = this.#admissions.get(id) ?? [];
        list.push({ stampUs, cost: item.cost ?? 1 });
        this.#admissions.set(id, list);
      }
    }
    return judged.map(({ item, judgement, wanted }) => ({
      outcome: judgement.allowed ? Outcome.allowed : Outcome.limited,
      remaining: judgement.available - (allowed ? wanted : 0),
      resetAfterMs: ceilMs(allowed ? judgement.resetChargedUs : judgement.resetNowUs),
      retryAfterMs: judgement.allowed ? 0 : judgement.retryAfterUs === null ? NEVER : ceilMs(judgement.retryAfterUs),
      handle: 0,
      limit: item.rule.limit,
      shadow: 0,
    }));
  }

  /** Forgets every admission of the key. */
  reset(namespace: string, item: Item): NaiveResult {
    this.#admissions.delete(identity(namespace, item.rule, item.key));
    const { algorithm, burst, limit } = item.rule;
    const remaining = algorithm === Algorithm.tokenBucket && limit > 0 ? burst : limit;
    return { outcome: Outcome.allowed, remaining, resetAfterMs: 0, retryAfterMs: 0, handle: 0, limit, shadow: 0 };
  }

  #judge(id: string, rule: Rule, wanted: number, stampUs: number): Judgement {
    const admissions = this.#admissions.get(id) ?? [];
    return rule.algorithm === Algorithm.slidingWindowLog
      ? judgeLog(admissions, rule, wanted, stampUs)
      : judgeBucket(admissions, rule, wanted, stampUs);
  }
}

function identity(namespace: string, rule: Rule, key: string): string {
  const inlineBucket = rule.policy === "" && rule.algorithm === Algorithm.tokenBucket;
  return JSON.stringify([
    namespace,
    rule.policy,
    rule.algorithm,
    rule.windowUs,
    key,
    inlineBucket && [rule.limit, rule.burst],
  ]);
}

function judgeLog(
  admissions: readonly { stampUs: number; cost: number }[],
  { limit, windowUs }: Rule,
  wanted: number,
  stampUs: number,
): Judgement {
  const usedAt = (at: number) =>
    admissions.reduce((sum, each) => (each.stampUs + windowUs > at ? sum + each.cost : sum), 0);
  const used = usedAt(stampUs);
  const frees = admissions.map((each) => each.stampUs + windowUs).filter((at) => at > stampUs);
  const firstFit = frees.find((at) => usedAt(at) + wanted <= limit);
  return {
    allowed: used + wanted <= limit,
    available: Math.max(0, limit - used),
    retryAfterUs: wanted > limit ? null : BigInt((firstFit ?? stampUs) - stampUs),
    resetNowUs: BigInt((frees.at(-1) ?? stampUs) - stampUs),
    resetChargedUs: BigInt(windowUs),
  };
}

/** The level is counted in tokens × window, so that everything is an integer. */
function judgeBucket(
  admissions: readonly { stampUs: number; cost: number }[],
  rule: Rule,
  wanted: number,
  stampUs: number,
): Judgement {
  const [limit, window, burst] = [BigInt(rule.limit), BigInt(rule.windowUs), BigInt(rule.burst)];
  let level = 0n;
  let at = 0n;
  const drainTo = (to: bigint) => {
    level -= (to - at) * limit;
    if (level < 0n) level = 0n;
    at = to;
  };
  for (const each of admissions) {
    drainTo(BigInt(each.stampUs));
    level += BigInt(each.cost) * window;
  }
  drainTo(BigInt(stampUs));
  const after = level + BigInt(wanted) * window;
  const ceil = (amount: bigint) => (limit === 0n ? 0n : (amount + limit - 1n) / limit);
  const fits = limit > 0n && after <= burst * window;
  return {
    allowed: fits,
    available: limit === 0n ? 0 : Number((burst * window - level) / window),
    retryAfterUs: limit === 0n || BigInt(wanted) > burst ? null : ceil(after - burst * window),
    resetNowUs: ceil(level),
    resetChargedUs: ceil(after),
  };
}

function ceilMs(us: bigint): number {
  if (us > BigInt(Number.MAX_SAFE_INTEGER)) return 9_007_199_254_741;
  return Number((us + 999n) / 1000n);
}
