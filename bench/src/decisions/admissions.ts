import type { Rule } from "../client.ts";

/** What a key was admitted between two times. */
interface Stretch {
  readonly fromMs: number;
  readonly toMs: number;
  admitted: number;
}

/** How often keys were admitted that many calls share, and whether that is more than their limit lets through. */
export class SharedAdmissions {
  /** In the order of time. */
  readonly #byKey = new Map<string, Stretch[]>();

  /** What was admitted between two times, by one of the processes that asked then. */
  add(admitted: ReadonlyMap<string, number>, fromMs: number, toMs: number): void {
    for (const [key, count] of admitted) {
      const stretches = this.#byKey.get(key);
      const last = stretches?.at(-1);
      if (stretches === undefined) this.#byKey.set(key, [{ fromMs, toMs, admitted: count }]);
      else if (last?.fromMs === fromMs) last.admitted += count;
      else stretches.push({ fromMs, toMs, admitted: count });
    }
  }

  /**
   * Admissions beyond what a full bucket and its refill give, over all keys: 0 of a system that keeps its limits. Each sample is judged,
   * and all samples in a row: what a full bucket could not keep while others were measured makes up for nothing.
   */
  over(rule: Rule): number {
    return [...this.#byKey.values()].reduce((sum, stretches) => sum + mostOver(stretches, rule), 0);
  }
}

function mostOver(stretches: readonly Stretch[], { limit, windowMs }: Rule): number {
  let most = 0;
  for (let first = 0; first < stretches.length; first++) {
    let admitted = 0;
    for (let last = first; last < stretches.length; last++) {
      admitted += stretches[last]!.admitted;
      const refilled = Math.floor((limit * (stretches[last]!.toMs - stretches[first]!.fromMs)) / windowMs);
      most = Math.max(most, admitted - limit - refilled);
    }
  }
  return most;
}
