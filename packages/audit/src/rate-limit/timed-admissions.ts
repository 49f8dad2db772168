import type { TimeSpan } from "./time-scale.ts";
import type { Wanted } from "./timed-counter.ts";

/** What was admitted at a moment of which only bounds are known. */
export interface TimedAdmission extends TimeSpan {
  readonly cost: number;
}

/** Admissions with one more behind them: what came before a moment came no later than that moment may be. */
export function withAdmission(earlier: readonly TimedAdmission[], at: TimeSpan, cost: number): TimedAdmission[] {
  const all = earlier.slice();
  for (let place = all.length - 1; place >= 0 && all[place]!.toUs > at.toUs; place--)
    all[place] = { ...all[place]!, toUs: at.toUs };
  all.push({ fromUs: at.fromUs, toUs: at.toUs, cost });
  return all;
}

/** Whether all of a call fits where so much is used, and leaves what it was told. */
export function fitsAll(wanted: readonly Wanted[], remaining: number | null, used: number): boolean {
  const { rule, cost } = wanted.at(-1)!;
  return (
    wanted.every((one) => used + one.cost <= one.rule.limit) &&
    (remaining === null || rule.limit - used - cost === remaining)
  );
}

/** Whether a take does not fit where so much is used, and finds what it was told. */
export function fitsNot({ rule, cost }: Wanted, remaining: number | null, used: number): boolean {
  return used + cost > rule.limit && (remaining === null || Math.max(0, rule.limit - used) === remaining);
}

/** Whether two lists of admissions can have no different consequences. */
export function sameAdmissions(one: readonly TimedAdmission[], other: readonly TimedAdmission[]): boolean {
  if (one.length !== other.length) return false;
  for (let place = 0; place < one.length; place++) {
    const [mine, theirs] = [one[place]!, other[place]!];
    if (mine !== theirs && (mine.fromUs !== theirs.fromUs || mine.toUs !== theirs.toUs || mine.cost !== theirs.cost))
      return false;
  }
  return true;
}

/** Equal for the same admissions. */
export function hashAdmissions(admissions: readonly TimedAdmission[]): number {
  let hash = admissions.length;
  for (const { fromUs, toUs, cost } of admissions)
    hash = (Math.imul(hash, 31) + (fromUs | 0) + Math.imul(toUs | 0, 7) + Math.imul(cost, 131)) | 0;
  return hash;
}
