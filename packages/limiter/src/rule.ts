/** What a caller asks for, after the edge has checked it. */

/** The algorithms, by their number in the log entry and on the wire. Numbers are never reused. */
export const Algorithm = {
  slidingWindowLog: 1,
  tokenBucket: 2,
  slidingWindowCounter: 3,
  fixedWindow: 4,
  concurrency: 5,
} as const;
/** One of {@link Algorithm}'s numbers. */
export type Algorithm = (typeof Algorithm)[keyof typeof Algorithm];

/**
 * One limit. Inline rules (those without a policy) share a counter if namespace, algorithm, window and key agree, and
 * for token buckets also limit and burst. Named rules share one if namespace, policy, algorithm, window and key agree.
 * An inline rule and a named one never share.
 */
export interface Rule {
  /** How admissions are counted. */
  readonly algorithm: Algorithm;
  /** Admissions per window, 0 (always denied) to 2^31-1. */
  readonly limit: number;
  /** Microseconds, 1,000 (1 ms) to 34,560,000,000,000 (400 days). */
  readonly windowUs: number;
  /** Token bucket: how many at once, 1 to 2^31-1. Other algorithms: 0. */
  readonly burst: number;
  /** The policy's name; empty for an inline limit. At most 128 bytes. */
  readonly policy: string;
}
