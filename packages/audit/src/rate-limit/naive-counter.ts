import { Algorithm, type Rule } from "@quorumguard/limiter";

/** What a naive counter says to one take, in the units of the wire. */
export interface NaiveVerdict {
  readonly allowed: boolean;
  readonly remaining: number;
  readonly resetAfterMs: number;
  /** -1: never. */
  readonly retryAfterMs: number;
}

/**
 * A limit kept in the dumbest way that is right: it remembers every admission for ever and counts anew each time.
 * It shares no line with the limiter, so that one cannot hide the other's mistake.
 */
export interface NaiveCounter {
  judge(rule: Rule, cost: number, stampUs: number): NaiveVerdict;
  charge(rule: Rule, cost: number, stampUs: number): void;
}

interface Admission {
  readonly stampUs: number;
  readonly cost: number;
}

const inMs = (durationUs: number) => Math.ceil(durationUs / 1000);

/** Makes an unused counter of one identity. */
export function createNaiveCounter(algorithm: Algorithm): NaiveCounter {
  return algorithm === Algorithm.tokenBucket ? createNaiveBucket() : createNaiveWindow();
}

/** An admission counts from its stamp until one window later; a take fits if what counts, and it, stay within the limit. */
function createNaiveWindow(): NaiveCounter {
  const admissions: Admission[] = [];
  return {
    judge({ limit, windowUs }, cost, stampUs) {
      const counted = admissions.filter((one) => one.stampUs + windowUs > stampUs);
      const used = counted.reduce((sum, one) => sum + one.cost, 0);
      const allowed = used + cost <= limit;
      const lastUs = counted.at(-1)?.stampUs;
      const resetUs = allowed ? windowUs : lastUs === undefined ? 0 : lastUs + windowUs - stampUs;
      let retryAfterMs = 0;
      if (cost > limit) retryAfterMs = -1;
      else if (!allowed) {
        let left = used;
        const freeing = counted.find((one) => {
          left -= one.cost;
          return left + cost <= limit;
        });
        retryAfterMs = inMs(freeing!.stampUs + windowUs - stampUs);
      }
      const remaining = Math.max(0, limit - used - (allowed ? cost : 0));
      return { allowed, remaining, resetAfterMs: inMs(resetUs), retryAfterMs };
    },
    charge(_rule, cost, stampUs) {
      admissions.push({ stampUs, cost });
    },
  };
}

/** Tokens times window, in exact integers: it gains `limit` every microsecond, up to `burst × window`. */
function createNaiveBucket(): NaiveCounter {
  const admissions: Admission[] = [];

  /** Plays every admission again from a full bucket. */
  function levelAt({ limit, windowUs, burst }: Rule, stampUs: number): bigint {
    const full = BigInt(burst) * BigInt(windowUs);
    let level = full;
    let atUs = 0;
    const fill = (untilUs: number) => {
      level += BigInt(untilUs - atUs) * BigInt(limit);
      if (level > full) level = full;
      atUs = untilUs;
    };
    for (const one of admissions) {
      fill(one.stampUs);
      level -= BigInt(one.cost) * BigInt(windowUs);
    }
    fill(stampUs);
    return level;
  }

  const roundUp = (value: bigint, unit: bigint) => (value <= 0n ? 0n : (value + unit - 1n) / unit);

  return {
    judge(rule, cost, stampUs) {
      if (rule.limit === 0) return { allowed: false, remaining: 0, resetAfterMs: 0, retryAfterMs: -1 };
      const window = BigInt(rule.windowUs);
      const full = BigInt(rule.burst) * window;
      const wanted = BigInt(cost) * window;
      const before = levelAt(rule, stampUs);
      const allowed = wanted <= before;
      const after = allowed ? before - wanted : before;
      const fillUs = (missing: bigint) => Number(roundUp(missing, BigInt(rule.limit)));
      const retryAfterMs = allowed ? 0 : wanted > full ? -1 : inMs(fillUs(wanted - before));
      return {
        allowed,
        remaining: Number(after / window),
        resetAfterMs: inMs(fillUs(full - after)),
        retryAfterMs,
      };
    },
    charge(_rule, cost, stampUs) {
      admissions.push({ stampUs, cost });
    },
  };
}
