/** What a caller asks for, after the edge has checked it. */

/** The algorithms, by their number in the log entry and on the wire. Numbers are never reused. */
export const Algorithm = {
  slidingWindowLog: 1,
  tokenBucket: 2,
} as const;
export type Algorithm = (typeof Algorithm)[keyof typeof Algorithm];

/**
 * One limit. What makes two rules share a counter is SEMANTICS K1: for an inline rule (no policy) the namespace, the
 * algorithm, the window and the key, for buckets also limit and burst; for a named one also the policy's name, but
 * then neither limit nor burst.
 */
export interface Rule {
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
