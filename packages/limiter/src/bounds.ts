import type { Bounds } from "./limiter.ts";

/** What a new cluster starts with; afterwards bounds change through the log only. */
export const defaultBounds: Bounds = {
  maxKeys: 1_000_000,
  maxSessions: 10_000,
  maxResultsPerSession: 4_096,
  sessionTtlUs: 60_000_000,
  maxRequestIds: 100_000,
  requestIdTtlUs: 60_000_000,
  maxHolds: 100_000,
  maxHoldsPerSession: 1_024,
};

const FOUR_HUNDRED_DAYS_US = 34_560_000_000_000;
/** The least and the most that each bound may be. */
export const boundRanges: { readonly [Field in keyof Bounds]: readonly [least: number, most: number] } = {
  maxKeys: [1, 100_000_000],
  maxSessions: [1, 1_000_000],
  maxResultsPerSession: [1, 1_000_000],
  sessionTtlUs: [1_000, FOUR_HUNDRED_DAYS_US],
  maxRequestIds: [1, 100_000_000],
  requestIdTtlUs: [1_000, FOUR_HUNDRED_DAYS_US],
  maxHolds: [1, 10_000_000],
  maxHoldsPerSession: [1, 1_000_000],
};

/** What is wrong with `bounds`, naming field, value and bound; null: nothing. */
export function checkBounds(bounds: Bounds): string | null {
  for (const field of Object.keys(boundRanges) as (keyof Bounds)[]) {
    const [least, most] = boundRanges[field];
    const value = bounds[field];
    if (!Number.isInteger(value) || value < least || value > most) {
      return `${field} is ${value}; it must be an integer from ${least} to ${most}`;
    }
  }
  return null;
}

/** Defaults completed by what is given. @throws {RangeError} naming field, value and bound. */
export function resolveBounds(bounds: Partial<Bounds> = {}): Bounds {
  const resolved = { ...defaultBounds, ...bounds };
  const problem = checkBounds(resolved);
  if (problem !== null) throw new RangeError(problem);
  return resolved;
}
