import { Algorithm, type Rule } from "@quorumguard/limiter";

/**
 * The most that an algorithm's doc comment lets through in any half-open stretch of one window's length, wherever it
 * begins.
 *
 * @throws {Error} for an algorithm that bounds no window.
 */
export function mostInAnyWindow({ algorithm, limit, burst, windowUs }: Rule): number {
  switch (algorithm) {
    case Algorithm.slidingWindowLog:
      return limit;
    case Algorithm.tokenBucket:
      return burst + limit;
    case Algorithm.slidingWindowCounter:
      return 2 * limit - Math.ceil((2 * limit) / windowUs);
    case Algorithm.fixedWindow:
      return 2 * limit;
    default:
      throw new Error(`algorithm ${algorithm} bounds no window`);
  }
}

/** The same for windows that begin at a multiple of their length; null: nothing better is known of those. */
export function mostInAlignedWindow({ algorithm, limit }: Rule): number | null {
  return algorithm === Algorithm.slidingWindowCounter || algorithm === Algorithm.fixedWindow ? limit : null;
}
