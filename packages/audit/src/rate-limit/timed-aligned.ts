import { Algorithm, type Rule } from "@quorumguard/limiter";
import type { TimeScale, TimeSpan } from "./time-scale.ts";
import {
  fitsAll,
  fitsNot,
  hashAdmissions,
  sameAdmissions,
  type TimedAdmission,
  withAdmission,
} from "./timed-admissions.ts";
import type { TimedCounter, Wanted } from "./timed-counter.ts";

type Admissions = readonly TimedAdmission[];

/** Bounds of what is used. */
interface Used {
  readonly least: number;
  readonly most: number;
}

/**
 * Fixed windows and the sliding window counter under uncertain time. What is used is known as a range: exactly where a
 * moment and what was admitted have stamps; where the beginnings of windows are not known, an admission may have left
 * with the next boundary, and may still count in full until it is surely too old.
 */
export function createTimedAligned(algorithm: Algorithm, scale: TimeScale): TimedCounter<Admissions> {
  // For so many windows an admission can count: its own, and under the counter the next.
  const lifetime = algorithm === Algorithm.slidingWindowCounter ? 2 : 1;

  function usedAt(admissions: Admissions, { windowUs }: Rule, at: TimeSpan): Used {
    const now = scale.windowOf(at, windowUs);
    // In the window of the moment, in the one before, and at a moment that is not known to lie in either.
    let [current, previous, elsewhere] = [0, 0, 0];
    for (const admission of admissions) {
      const own = scale.windowOf(admission, windowUs);
      if (now !== null && own !== null) {
        if (own === now) current += admission.cost;
        else if (own === now - 1) previous += admission.cost;
      } else if (scale.atLeastUs(admission, at) < lifetime * windowUs) elsewhere += admission.cost;
    }
    if (lifetime === 1 || now === null) return { least: current, most: current + elsewhere };
    const covered = (stampUs: number) => BigInt((now + 1) * windowUs - stampUs);
    const share = (coveredUs: bigint) =>
      Number((BigInt(previous) * coveredUs + BigInt(windowUs) - 1n) / BigInt(windowUs));
    return {
      least: current + share(covered(at.toUs)),
      most: current + share(covered(at.fromUs)) + elsewhere,
    };
  }

  /** Whether anything within the bounds satisfies: asked at both ends and where the remaining amount says. */
  function some({ least, most }: Used, told: number | null, fits: (used: number) => boolean): boolean {
    if (fits(least) || fits(most)) return true;
    return told !== null && told > least && told < most && fits(told);
  }

  return {
    unused: [],
    admit(state, wanted, at, remaining) {
      const { rule, cost } = wanted.at(-1)!;
      const told = remaining === null ? null : rule.limit - cost - remaining;
      if (!some(usedAt(state, rule, at), told, (used) => fitsAll(wanted, remaining, used))) return null;
      const young = state.filter((one) => scale.atLeastUs(one, at) < lifetime * rule.windowUs);
      return withAdmission(young, at, cost);
    },
    denies(state, wanted: Wanted, at, remaining) {
      const told = remaining === null ? null : wanted.rule.limit - remaining;
      return some(usedAt(state, wanted.rule, at), told, (used) => fitsNot(wanted, remaining, used));
    },
    equal: sameAdmissions,
    hash: hashAdmissions,
  };
}
