import type { CallItem } from "./calls/call.ts";
import type { AbortSignalLike, Decision, OnUnavailable } from "./surface/guard.ts";

/** What a waiting caller chose. At least one of `timeoutMs` and `signal` is there. */
export interface WaitTerms {
  /** For how long it waits at most; null: until its signal says so. */
  readonly timeoutMs: number | null;
  readonly signal: AbortSignalLike | null;
  readonly onUnavailable: OnUnavailable | null;
}

/** One of those who wait. */
export interface Waiter {
  readonly item: CallItem;
  readonly terms: WaitTerms;
  /** On the clock of deadlines; infinite: there is none. */
  readonly deadlineMs: number;
  readonly resolve: (decision: Decision) => void;
  readonly reject: (error: unknown) => void;
  /** Ends its timer and its signal's listener. */
  release: () => void;
  waits: boolean;
  /** Where each asks for itself: it has moved by then, on the monotonic clock, or has gone. */
  movesByMs: number;
  /** The same: its question is on its way. */
  asks: boolean;
}

/** Those who wait for one key under one rule. */
export interface Line {
  readonly waiters: Set<Waiter>;
  /** Their time is up, and the answer to the question that is on its way says what that means. */
  readonly late: Set<Waiter>;
  /** What one of them was told last, and when on the monotonic clock; null: nothing yet, or that nobody answers. */
  answer: Decision | null;
  answeredAtMs: number;
  /** Until when the first one pauses, on the monotonic clock. */
  pausesUntilMs: number;
  /** Ends that pause before its time; null: it does not pause. */
  wake: (() => void) | null;
  /** Nobody waits in it any more. */
  readonly forget: () => void;
}
