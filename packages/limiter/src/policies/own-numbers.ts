import { Algorithm } from "../rule.ts";
import { MAX_CALLERS_US, type PastEpoch, safeSum, spanUs } from "./lineage.ts";

/** Numbers of its own that a key has by an override or its tier. */
export interface OwnNumbers {
  readonly limit: number;
  readonly burst?: number | undefined;
}

/** The numbers of a policy as rules have them. */
export interface RuleNumbers {
  readonly algorithm: number;
  readonly limit: number;
  readonly windowUs: number;
  readonly burst: number;
}

/** The smaller of two limits; one of 0 admits nothing, so it sets no rate. */
export function slowerLimit(one: number, other: number): number {
  return one === 0 || other === 0 ? one + other : Math.min(one, other);
}

/** A bucket that admits nothing drains what it took over within its window: no rate is known, and none locks it for good. */
export function rateOf(limit: number, burst: number): number {
  return limit === 0 ? Math.max(1, burst) : limit;
}

/**
 * By which numbers what a key had used goes on under a policy that it is not asked under: a bucket at the slower of the
 * policy's rate and the key's own, with the larger burst. So it never gets back more than either allows, whichever
 * counted when: that is nowhere kept for single keys.
 */
export function slowerOf<T extends RuleNumbers>(numbers: T, own: OwnNumbers | null): T {
  if (numbers.algorithm !== Algorithm.tokenBucket) return numbers;
  const burst = Math.max(numbers.burst, own?.burst ?? 0);
  return { ...numbers, limit: rateOf(slowerLimit(numbers.limit, own?.limit ?? 0), burst), burst };
}

/**
 * Until when what a key with numbers of its own left on a counter of epoch `from` can matter under policies that it was
 * not asked under since: longer than for other keys, if its numbers are slower. `inForce` are the present policy's
 * numbers; null: there is none, and what callers may bring with numbers of the key's own is kept as long as anything of theirs.
 */
export function keptForOwnUs(
  epochs: readonly PastEpoch[],
  from: number,
  inForce: RuleNumbers | null,
  own: OwnNumbers,
): number {
  let untilUs = 0;
  let most = 0;
  for (let at = from; at < epochs.length; at++) {
    const { endUs, numbers } = epochs[at]!;
    most = Math.max(most, numbers === null ? 0 : mostOf(numbers, own));
    const next = at + 1 < epochs.length ? epochs[at + 1]!.numbers : inForce;
    untilUs = Math.max(untilUs, safeSum(endUs, next === null ? MAX_CALLERS_US : ownSpanUs(next, own, most)));
  }
  return untilUs;
}

/** How much a key with numbers of its own may have used by a rule. */
function mostOf({ algorithm, limit, burst }: RuleNumbers, own: OwnNumbers): number {
  return algorithm === Algorithm.tokenBucket ? Math.max(burst, own.burst ?? 0) : Math.max(limit, own.limit);
}

/** For how long a rule that the key is not asked under counts what it took over: as much as those before had, since a bucket may be in debt. */
function ownSpanUs(rule: RuleNumbers, own: OwnNumbers, most: number): number {
  const { algorithm, limit, windowUs, burst } = slowerOf(rule, own);
  return spanUs(algorithm, limit, windowUs, Math.max(burst, most));
}
