import type { Source } from "./surface/guard.ts";
import type { BreakerState } from "./unavailable/breaker.ts";
import type { LocalAnswerCounts } from "./without-network/local-answer-counts.ts";

/** Told of what operators count. What it does must be quick, and must not throw: callers wait for it. */
export interface GuardObserver {
  /** So many checks were decided without the cluster's counts. */
  degradedDecisions?(source: Extract<Source, "local" | "fail-open" | "fail-closed">, checks: number): void;
  /** Told once, when the guard is made: the totals of what it answers by itself, which go on being counted. */
  localAnswers?(counts: Readonly<LocalAnswerCounts>): void;
  /** Calls stop or start going to the cluster. */
  breakerChanged?(state: BreakerState): void;
}
