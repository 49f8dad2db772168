import type { AskedItem } from "./records.ts";

/** What a caller, or a tap on its wire, learned about one call. A value that was not to be seen is null. */
export interface CallDecision {
  /** All items were admitted. */
  readonly allowed: boolean;
  /** Of a call of one item; null for groups. */
  readonly remaining: number | null;
  /** As the SDK names it: quorum, leader, denial-cache, lease, local, fail-open, fail-closed. */
  readonly source: string;
  /** Decided without the cluster's counts: exempt from every bound here (DESIGN P1). */
  readonly degraded: boolean;
  /**
   * Index of the log entry that decided it. Without a final log it must be just that: an answer to a repeated attempt
   * bears the index of the repetition, and must be given as null.
   */
  readonly index: number | null;
  /** Which call of that entry it is, counted from 0 over those that it executed. */
  readonly position: number | null;
  /** The stamp at which it was decided. */
  readonly stampUs: number | null;
}

/**
 * One call as its caller saw it, on one monotonic clock that all calls of a history share. All attempts of a call, and
 * all repetitions of a request id, are one operation from the first asking to the first answer.
 */
export interface CallOperation {
  readonly clientId: string;
  /** Unlike that of every other call; where the final log is given, the name that the log has for the call. */
  readonly callId: string;
  /** The namespace of the caller; most histories have one only. */
  readonly namespace?: string;
  /** More than one: a group, all or nothing. */
  readonly items: readonly AskedItem[];
  /** When it was asked. */
  readonly startUs: number;
  /** When the caller learned the decision, or gave up. */
  readonly endUs: number;
  /** Null: no decision; then `applied` says what is known. */
  readonly decision: CallDecision | null;
  /** For a call without a decision: surely not charged ever, or charged at any time from its start on, or never. */
  readonly applied: "no" | "unknown" | null;
}

/** A call that the final log executed, at most once each, by ascending index and position. */
export interface CommittedCall {
  readonly callId: string;
  readonly namespace?: string;
  readonly items: readonly AskedItem[];
  readonly index: number;
  readonly position: number;
  readonly stampUs: number;
}
