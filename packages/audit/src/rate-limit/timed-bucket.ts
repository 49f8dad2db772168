import type { Rule } from "@quorumguard/limiter";
import type { TimeScale, TimeSpan } from "./time-scale.ts";
import type { TimedCounter } from "./timed-counter.ts";

/** Bounds of the level, in tokens times window, at a moment; null: full, since nothing was ever taken. */
type BucketState = { readonly least: bigint; readonly most: bigint; readonly at: TimeSpan } | null;

/** A range of levels. */
interface Levels {
  readonly least: bigint;
  readonly most: bigint;
}

const smaller = (one: bigint, other: bigint) => (one < other ? one : other);
const larger = (one: bigint, other: bigint) => (one > other ? one : other);

/** The token bucket under uncertain time: the level is known as a range, which every answer narrows. */
export function createTimedBucket(scale: TimeScale): TimedCounter<BucketState> {
  const fullOf = ({ burst, windowUs }: Rule) => BigInt(burst) * BigInt(windowUs);

  function levelsAt(state: BucketState, rule: Rule, at: TimeSpan): Levels {
    const full = fullOf(rule);
    if (state === null) return { least: full, most: full };
    const limit = BigInt(rule.limit);
    const shortestUs = Math.floor(scale.atLeastUs(state.at, at));
    const longestUs = Math.ceil(scale.atMostUs(state.at, at));
    const least = smaller(full, state.least + BigInt(shortestUs) * limit);
    const most = Number.isFinite(longestUs) ? smaller(full, state.most + BigInt(longestUs) * limit) : full;
    return { least, most };
  }

  /** What remains of a range when the whole tokens in it are known. */
  function narrow({ least, most }: Levels, remaining: number | null, rule: Rule, at: TimeSpan): BucketState {
    const window = BigInt(rule.windowUs);
    const from = remaining === null ? least : larger(least, BigInt(remaining) * window);
    const to = remaining === null ? most : smaller(most, (BigInt(remaining) + 1n) * window - 1n);
    return from <= to ? { least: from, most: to, at } : null;
  }

  return {
    unused: null,
    admit(state, wanted, at, remaining) {
      const { rule, cost } = wanted.at(-1)!;
      const take = BigInt(cost) * BigInt(rule.windowUs);
      const { least, most } = levelsAt(state, rule, at);
      if (rule.limit === 0 || most < take) return null;
      return narrow({ least: larger(least, take) - take, most: most - take }, remaining, rule, at);
    },
    denies(state, { rule, cost }, at, remaining) {
      // Limit 0 is always denied, whatever the bucket holds (SEMANTICS K3).
      if (rule.limit === 0) return remaining === null || remaining === 0;
      const take = BigInt(cost) * BigInt(rule.windowUs);
      const { least, most } = levelsAt(state, rule, at);
      return least < take && narrow({ least, most: smaller(most, take - 1n) }, remaining, rule, at) !== null;
    },
    equal: (one, other) =>
      one === other ||
      (one !== null &&
        other !== null &&
        one.least === other.least &&
        one.most === other.most &&
        one.at.fromUs === other.at.fromUs &&
        one.at.toUs === other.at.toUs),
    hash(state) {
      if (state === null) return 0;
      return (
        (Number(state.least & 0x7fffffffn) ^ Math.imul(Number(state.most & 0x7fffffffn), 31) ^ (state.at.toUs | 0)) | 0
      );
    },
  };
}
