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

/**
 * Makes an unused counter of one identity.
 *
 * @throws {Error} for `concurrency`, which counts holders and not admissions.
 */
export function createNaiveCounter(algorithm: Algorithm): NaiveCounter {
  if (algorithm === Algorithm.tokenBucket) return createNaiveBucket();
  if (algorithm === Algorithm.slidingWindowLog) return createNaiveWindow();
  if (algorithm === Algorithm.slidingWindowCounter) return createNaiveEstimate();
  if (algorithm === Algorithm.fixedWindow) return createNaiveFixedWindow();
  throw new Error(`algorithm ${algorithm} has no counter of admissions`);
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

/** What was admitted, by the number of the window that it fell into, where windows begin at the multiples of their length. */
function createWindowSums() {
  const sums = new Map<number, number>();
  const numberOf = ({ windowUs }: Rule, stampUs: number) => Math.floor(stampUs / windowUs);
  const admittedIn = (number: number) => sums.get(number) ?? 0;
  return {
    numberOf,
    admittedIn,
    charge(rule: Rule, cost: number, stampUs: number): void {
      const number = numberOf(rule, stampUs);
      sums.set(number, admittedIn(number) + cost);
    },
  };
}

/** An admission counts to the end of the window that its stamp falls into. */
function createNaiveFixedWindow(): NaiveCounter {
  const { numberOf, admittedIn, charge } = createWindowSums();
  return {
    judge(rule, cost, stampUs) {
      const { limit, windowUs } = rule;
      const number = numberOf(rule, stampUs);
      const used = admittedIn(number);
      const allowed = used + cost <= limit;
      const untilNextMs = inMs((number + 1) * windowUs - stampUs);
      return {
        allowed,
        remaining: Math.max(0, limit - used - (allowed ? cost : 0)),
        resetAfterMs: allowed || used > 0 ? untilNextMs : 0,
        retryAfterMs: cost > limit ? -1 : allowed ? 0 : untilNextMs,
      };
    },
    charge,
  };
}

/**
 * A window of which two buckets are known: all of the current one counts, and of the one before as large a part as the
 * window that ends now still covers, rounded up.
 */
function createNaiveEstimate(): NaiveCounter {
  const { numberOf, admittedIn, charge } = createWindowSums();

  function usedAt(rule: Rule, stampUs: number): number {
    const window = BigInt(rule.windowUs);
    const number = numberOf(rule, stampUs);
    const covered = BigInt((number + 1) * rule.windowUs - stampUs);
    const share = (BigInt(admittedIn(number - 1)) * covered + window - 1n) / window;
    return admittedIn(number) + Number(share);
  }

  /** The first moment at which no more than so much counts, if nothing is admitted until then: found by halving. */
  function firstWith(most: number, rule: Rule, stampUs: number): number {
    let [tooEarlyUs, enoughUs] = [stampUs, stampUs + 2 * rule.windowUs];
    while (enoughUs - tooEarlyUs > 1) {
      const middleUs = Math.floor((tooEarlyUs + enoughUs) / 2);
      if (usedAt(rule, middleUs) <= most) enoughUs = middleUs;
      else tooEarlyUs = middleUs;
    }
    return enoughUs;
  }

  return {
    judge(rule, cost, stampUs) {
      const { limit, windowUs } = rule;
      const used = usedAt(rule, stampUs);
      const allowed = used + cost <= limit;
      const number = numberOf(rule, stampUs);
      const last = [number, number - 1].find((one) => admittedIn(one) > 0);
      // An admission is forgotten with the end of the bucket behind its own.
      const forgotten = allowed ? number : last;
      return {
        allowed,
        remaining: Math.max(0, limit - used - (allowed ? cost : 0)),
        resetAfterMs: forgotten === undefined ? 0 : inMs((forgotten + 2) * windowUs - stampUs),
        retryAfterMs: cost > limit ? -1 : allowed ? 0 : inMs(firstWith(limit - cost, rule, stampUs) - stampUs),
      };
    },
    charge,
  };
}

/** Tokens times window, in exact integers: it gains `limit` every microsecond, up to `burst × window`. */
function createNaiveBucket(): NaiveCounter {
  const admissions: Admission[] = [];

  /** Plays every admission again from a full bucket. */
  function levelAt({ limit, windowUs, burst }: Rule, stampUs: number): bigint {
    const [gain, window] = [BigInt(limit), BigInt(windowUs)];
    const full = BigInt(burst) * window;
    let level = full;
    let atUs = 0;
    const fill = (untilUs: number) => {
      level += BigInt(untilUs - atUs) * gain;
      if (level > full) level = full;
      atUs = untilUs;
    };
    for (const one of admissions) {
      fill(one.stampUs);
      level -= BigInt(one.cost) * window;
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
