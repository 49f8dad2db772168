import { Verb } from "@quorumguard/limiter";
import type { CallItem, CallVerb } from "./calls/call.ts";
import type { Decision, GuardEvent, Source } from "./surface/guard.ts";
import type { AppliedState, GuardError } from "./surface/guard-error.ts";
import type { BreakerState } from "./unavailable/breaker.ts";
import type { LocalAnswerCounts } from "./without-network/local-answer-counts.ts";

/** What a caller asked for, as far as a watcher is told. */
export interface ObservedCall {
  /** What is done with the key, such as `"take"` or `"reserve"`. */
  readonly verb: VerbName;
  /** Of the first check. */
  readonly key: string;
  /** Of the first check; null: a limit of its own. */
  readonly policy: string | null;
  /** How many checks are decided together. */
  readonly checks: number;
  readonly timeoutMs: number;
}

/** The verbs of the wire, by name: `allow` and `allowAll` take, leases are granted and given back. */
export type VerbName = "take" | "reserve" | "commit" | "cancel" | "reset" | "grant" | "giveBack";

/**
 * Follows one call from when it is asked until its caller has an answer. As with everything of an observer, what it does must
 * be quick, and must not throw.
 */
export interface CallObserver {
  /**
   * It leaves this process for that endpoint: its first attempt is number 1. `number`: what names it in its session, the same for
   * all its attempts there; 0: it goes as a request of its own.
   */
  sent?(endpoint: string, attempt: number, number: number): void;
  /** That attempt ended without a decision, and what is known of it; another one may follow. */
  attemptFailed?(reason: string, applied: AppliedState): void;
  /** The caller has its decisions, one per check. */
  decided?(decisions: readonly Decision[]): void;
  /** The caller has an error in their place. */
  failed?(error: GuardError): void;
}

/** Told of what operators watch. What it does must be quick, and must not throw: callers wait for it. */
export interface GuardObserver {
  /** Follows a call that this process does not answer at once by itself; null: not this one. */
  callStarted?(call: ObservedCall): CallObserver | null;
  /** So many checks were decided without the cluster's counts. */
  degradedDecisions?(source: Extract<Source, "local" | "fail-open" | "fail-closed">, checks: number): void;
  /** Told once, when the guard is made: the totals of what it answers by itself, which go on being counted. */
  localAnswers?(counts: Readonly<LocalAnswerCounts>): void;
  /** Calls stop or start going to the cluster. */
  breakerChanged?(state: BreakerState): void;
  /** What listeners of the guard are told too. */
  event?(event: GuardEvent): void;
  /** The guard was closed: nothing more will be told. */
  closed?(): void;
}

const verbNames: Readonly<Record<Verb, VerbName>> = {
  [Verb.take]: "take",
  [Verb.reserve]: "reserve",
  [Verb.commit]: "commit",
  [Verb.cancel]: "cancel",
  [Verb.reset]: "reset",
  [Verb.grant]: "grant",
  [Verb.giveBack]: "giveBack",
};

/** What a watcher is told of a call. */
export function observedCall(
  { key, rule }: CallItem,
  group: readonly CallItem[] | null,
  { verb }: CallVerb,
  timeoutMs: number,
): ObservedCall {
  return { verb: verbNames[verb], key, policy: rule.name, checks: group?.length ?? 1, timeoutMs };
}
