import type { Rule } from "../client.ts";

interface Admissions {
  admitted: number;
  readonly firstMs: number;
  lastMs: number;
}

/** How often keys were admitted that many calls share, and whether that is more than their limit lets through. */
export class SharedAdmissions {
  readonly #byKey = new Map<string, Admissions>();

  /** What was admitted between two times. */
  add(admitted: ReadonlyMap<string, number>, fromMs: number, toMs: number): void {
    for (const [key, count] of admitted) {
      const known = this.#byKey.get(key);
      if (known === undefined) this.#byKey.set(key, { admitted: count, firstMs: fromMs, lastMs: toMs });
      else {
        known.admitted += count;
        known.lastMs = toMs;
      }
    }
  }

  /** Admissions beyond what a full bucket and its refill give, over all keys: 0 of a system that keeps its limits. */
  over({ limit, windowMs }: Rule): number {
    return [...this.#byKey.values()].reduce((sum, { admitted, firstMs, lastMs }) => {
      const bound = limit + Math.floor((limit * (lastMs - firstMs)) / windowMs);
      return sum + Math.max(0, admitted - bound);
    }, 0);
  }
}
