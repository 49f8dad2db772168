import { Algorithm, type Rule } from "@quorumguard/limiter";
import type { TimeScale, TimeSpan } from "./time-scale.ts";
import { createTimedAligned } from "./timed-aligned.ts";
import { createTimedBucket } from "./timed-bucket.ts";
import { createTimedWindow } from "./timed-window.ts";

/** What a call wants of one counter: each item with all that the call takes of it up to and with that item. */
export interface Wanted {
  readonly rule: Rule;
  readonly cost: number;
}

/**
 * A limit judged at moments of which only bounds are known. It accepts an answer if there are moments within the bounds
 * at which the limit gives it; where moments are exact it accepts one answer only. It never refuses an answer that could
 * be right, and forgets nothing that still could count. States are values.
 */
export interface TimedCounter<State> {
  readonly unused: State;
  /** The state after an admission of all that is wanted, or null if none is possible. */
  admit(state: State, wanted: readonly Wanted[], at: TimeSpan, remaining: number | null): State | null;
  /** Whether a denial of one take can be right; it leaves the state as it is. */
  denies(state: State, wanted: Wanted, at: TimeSpan, remaining: number | null): boolean;
  equal(one: State, other: State): boolean;
  hash(state: State): number;
}

/** Makes the counter of an algorithm over a scale of time. */
export function createTimedCounter(algorithm: Algorithm, scale: TimeScale): TimedCounter<unknown> {
  return counterOf(algorithm, scale) as TimedCounter<unknown>;
}

function counterOf(algorithm: Algorithm, scale: TimeScale) {
  if (algorithm === Algorithm.tokenBucket) return createTimedBucket(scale);
  if (algorithm === Algorithm.slidingWindowLog) return createTimedWindow(scale);
  return createTimedAligned(algorithm, scale);
}
