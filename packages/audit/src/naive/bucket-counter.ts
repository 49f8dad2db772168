import type { HeldAmount, Judgement, KeyCounter, Numbers } from "./key-counter.ts";

/**
 * What is used of a bucket, in tokens times window: it drains by `limit` every microsecond. What is held does not drain;
 * a hold that ends becomes used at its end (SEMANTICS R1).
 *
 * Under another limit than that of the last charge the slower of the two rates counts, and at the stamp at which the
 * bucket was to be empty by that charge's rate it is.
 */
export function createBucketCounter(): KeyCounter {
  let used = 0n;
  let atUs = 0;
  let chargedLimit = 0;
  let emptyUs = 0;
  let holds: HeldAmount[] = [];

  const rateUnder = ({ limit }: Numbers) => (limit === 0 || chargedLimit < limit ? chargedLimit : limit);
  const byEnd = (held: readonly HeldAmount[]) => [...held].sort((one, other) => one.expiryUs - other.expiryUs);
  const drained = (level: bigint, elapsedUs: number, rate: number) => {
    const left = level - BigInt(elapsedUs) * BigInt(rate);
    return left > 0n ? left : 0n;
  };

  /** The level at a stamp, holds that ended by then included, and what open holds keep. */
  function look(numbers: Numbers, stampUs: number) {
    if (emptyUs <= stampUs) return { level: 0n, open: [], rate: numbers.limit };
    const rate = rateUnder(numbers);
    let level = used;
    let sinceUs = atUs;
    for (const held of byEnd(holds).filter(({ expiryUs }) => expiryUs <= stampUs)) {
      level = drained(level, held.expiryUs - sinceUs, rate) + BigInt(held.cost) * BigInt(numbers.windowUs);
      sinceUs = held.expiryUs;
    }
    const open = holds.filter(({ expiryUs }) => expiryUs > stampUs);
    return { level: drained(level, stampUs - sinceUs, rate), open, rate };
  }

  /** The stamp at which nothing is used or held any more. */
  function emptyFrom(level: bigint, open: readonly HeldAmount[], rate: number, windowUs: number, stampUs: number) {
    let [left, sinceUs] = [level, stampUs];
    for (const { cost, expiryUs } of byEnd(open)) {
      left = drained(left, expiryUs - sinceUs, rate) + BigInt(cost) * BigInt(windowUs);
      sinceUs = expiryUs;
    }
    return sinceUs + (left === 0n ? 0 : Number((left + BigInt(rate) - 1n) / BigInt(rate)));
  }

  const tokensOf = (level: bigint, windowUs: number) => Number((level + BigInt(windowUs) - 1n) / BigInt(windowUs));
  const sum = (held: readonly HeldAmount[]) => held.reduce((total, { cost }) => total + cost, 0);

  function write(numbers: Numbers, level: bigint, open: HeldAmount[], stampUs: number): void {
    chargedLimit = numbers.limit > 0 ? numbers.limit : Math.max(1, chargedLimit);
    used = level;
    holds = open;
    atUs = stampUs;
    emptyUs = emptyFrom(level, open, chargedLimit, numbers.windowUs, stampUs);
  }

  /** The first stamp at which `wanted` fits: less and less is used or held, so it is found by halving. */
  function firstFit({ burst, windowUs }: Numbers, wanted: number, at: ReturnType<typeof look>, stampUs: number) {
    const { level, open, rate } = at;
    const fits = (whenUs: number) => {
      let [left, sinceUs] = [level, stampUs];
      for (const { cost, expiryUs } of byEnd(open).filter((held) => held.expiryUs <= whenUs)) {
        left = drained(left, expiryUs - sinceUs, rate) + BigInt(cost) * BigInt(windowUs);
        sinceUs = expiryUs;
      }
      const still = sum(open.filter((held) => held.expiryUs > whenUs));
      return tokensOf(drained(left, whenUs - sinceUs, rate), windowUs) + still + wanted <= burst;
    };
    let [tooEarlyUs, fitsUs] = [stampUs, emptyFrom(level, open, rate, windowUs, stampUs)];
    while (fitsUs - tooEarlyUs > 1) {
      const middleUs = Math.floor((tooEarlyUs + fitsUs) / 2);
      if (fits(middleUs)) fitsUs = middleUs;
      else tooEarlyUs = middleUs;
    }
    return fitsUs;
  }

  return {
    usedAt(numbers, stampUs) {
      const { level, open } = look(numbers, stampUs);
      return tokensOf(level, numbers.windowUs) + sum(open);
    },
    judge(numbers, wanted, stampUs): Judgement {
      const { limit, windowUs, burst } = numbers;
      if (limit === 0)
        return { allowed: false, never: true, available: 0, retryUs: 0, resetNowUs: 0, resetChargedUs: 0 };
      const at = look(numbers, stampUs);
      const available = burst - sum(at.open) - tokensOf(at.level, windowUs);
      const allowed = wanted <= available;
      const never = wanted > burst;
      const taken = at.level + BigInt(wanted) * BigInt(windowUs);
      // By another limit than the last charge's, the bucket is empty when that charge's rate says so, if not before.
      const most = chargedLimit !== limit && emptyUs > stampUs ? emptyUs - stampUs : Number.POSITIVE_INFINITY;
      return {
        allowed,
        never,
        available: Math.max(0, available),
        retryUs: allowed || never ? 0 : Math.min(most, firstFit(numbers, wanted, at, stampUs) - stampUs),
        resetNowUs: Math.min(most, emptyFrom(at.level, at.open, at.rate, windowUs, stampUs) - stampUs),
        resetChargedUs: allowed ? emptyFrom(taken, at.open, limit, windowUs, stampUs) - stampUs : 0,
      };
    },
    charge(numbers, cost, stampUs) {
      const { level, open } = look(numbers, stampUs);
      write(numbers, level + BigInt(cost) * BigInt(numbers.windowUs), open, stampUs);
    },
    open(numbers, held, stampUs) {
      const { level, open } = look(numbers, stampUs);
      if (held.expiryUs <= stampUs) write(numbers, level + BigInt(held.cost) * BigInt(numbers.windowUs), open, stampUs);
      else write(numbers, level, [...open, held], stampUs);
    },
    settle(numbers, held, actual, stampUs) {
      const { level, open } = look(numbers, stampUs);
      const rest = open.filter((one) => one !== held);
      write(numbers, level + BigInt(actual) * BigInt(numbers.windowUs), rest, stampUs);
    },
    clear() {
      // How fast it drains is no use of it: what stays held after a reset goes by it.
      used = 0n;
      atUs = 0;
      emptyUs = 0;
      holds = [];
    },
  };
}
