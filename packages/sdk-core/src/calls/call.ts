import { Verb } from "@quorumguard/limiter";
import type { CallObserver } from "../guard-observer.ts";
import type { AbortSignalLike, OnUnavailable } from "../surface/guard.ts";
import type { AppliedState } from "../surface/guard-error.ts";
import type { ResolvedRule } from "../surface/resolved-rule.ts";

/** One key of a call, under a rule that was checked, with its cost. */
export interface CallItem {
  readonly key: string;
  readonly rule: ResolvedRule;
  readonly cost: number;
}

/** What a call asks for, beside its items. */
export interface CallVerb {
  /** Of one item, unless it is a take. */
  readonly verb: Verb;
  /** Of what a reserve or grant opens; 0: as the rule has it. */
  readonly ttlMs: number;
  /** The hold that a commit, cancel or give-back means; else 0. */
  readonly handle: number;
}

/** What a call is that says nothing else. */
export const take: CallVerb = { verb: Verb.take, ttlMs: 0, handle: 0 };

/**
 * Where a call stands. `queued`: it has no number. `inFlight`: a frame or request carries it. `toResend`: its last
 * attempt ended without a decision, and another will be made. `settled`: the caller has its answer.
 */
export type CallPhase = "queued" | "inFlight" | "toResend" | "settled";

/** A frame on its way: how many of its calls are still open, and whose room it takes up. */
export interface FrameInFlight {
  open: number;
  readonly carrier: { framesInFlight: number };
}

/**
 * One call until it is settled. Mutable and flat, since there may be a few hundred thousand a second:
 * the promise is the only other object that a call costs.
 */
export interface Call extends CallVerb {
  /** The first item, in place; `group` holds all of them if the call is all-or-nothing. */
  readonly key: string;
  readonly rule: ResolvedRule;
  readonly cost: number;
  readonly group: readonly CallItem[] | null;
  readonly requestId: string | null;
  readonly onUnavailable: OnUnavailable;
  /** On the monotonic clock. */
  deadlineMs: number;
  timeoutMs: number;
  readonly resolve: (value: never, call: Call) => void;
  readonly reject: (error: Error) => void;
  signal: AbortSignalLike | null;
  onAbort: (() => void) | null;
  phase: CallPhase;
  /** Its number in the session; 0: none yet. */
  number: number;
  frame: FrameInFlight | null;
  /** The hold that it opened, once it is decided; 0: none. */
  opened: number;
  /** For how many milliseconds that hold stays open, counted from the first send. */
  openForMs: number;
  /** The stamp of the entry that opened it, in microseconds; 0: not told. */
  openedAtUs: number;
  /** When it first left this process, on the monotonic clock and on the wall clock. */
  sentMs: number;
  sentWallMs: number;
  /** The caller has an answer of another kind, and the cluster is still asked: what a reserve opens is given back, what settles a hold is done. */
  abandoned: boolean;
  /** It was admitted without the cluster, and is sent so that the cluster counts it (SEMANTICS U3). */
  reports: boolean;
  /** How often it left this process: only the first time it is a first attempt (SEMANTICS D1). */
  sends: number;
  /** Sticky: once an attempt's end is not known, the call's is not either (SEMANTICS U2). */
  applied: AppliedState;
  /** What the last attempt failed with, for the message if the deadline comes first. */
  lastFailure: string | null;
  /** Where each call is a request of its own: that was a refusal for too much work. */
  overloaded: boolean;
  readonly observer: CallObserver | null;
  /** Ends its own timer, where calls do not share one. */
  cancelTimer: (() => void) | null;
  previous: Call | null;
  next: Call | null;
}

/** What a caller chose for a call, and where its end goes. */
export type CallTerms = Pick<
  Call,
  "requestId" | "onUnavailable" | "deadlineMs" | "timeoutMs" | "resolve" | "reject" | "observer"
>;

/** A call that was not sent yet. Its fields are named one by one, so that all calls have one shape. */
export function createCall(
  item: CallItem,
  group: readonly CallItem[] | null,
  { verb, ttlMs, handle }: CallVerb,
  terms: CallTerms,
): Call {
  return {
    key: item.key,
    rule: item.rule,
    cost: item.cost,
    group,
    verb,
    ttlMs,
    handle,
    requestId: terms.requestId,
    onUnavailable: terms.onUnavailable,
    deadlineMs: terms.deadlineMs,
    timeoutMs: terms.timeoutMs,
    resolve: terms.resolve,
    reject: terms.reject,
    signal: null,
    onAbort: null,
    phase: "queued",
    number: 0,
    frame: null,
    opened: 0,
    openForMs: 0,
    openedAtUs: 0,
    sentMs: 0,
    sentWallMs: 0,
    abandoned: false,
    reports: false,
    sends: 0,
    applied: "no",
    lastFailure: null,
    overloaded: false,
    observer: terms.observer,
    cancelTimer: null,
    previous: null,
    next: null,
  };
}

/** Whether nothing else is asked for than one key's admission, by a call that is this one only (SEMANTICS D2). */
export function isPlainTake(verb: Verb, group: Call["group"], requestId: Call["requestId"]): boolean {
  return verb === Verb.take && group === null && requestId === null;
}

/** What may settle a hold. */
export function isSettling({ verb }: CallVerb): boolean {
  return verb === Verb.commit || verb === Verb.cancel;
}

/** Items of a call: what its answer has one value for each of. */
export function itemsOf(call: Call): number {
  return call.group === null ? 1 : call.group.length;
}

/** What an unsettled call's end would be reported as if it came now. */
export function appliedNow(call: Call): AppliedState {
  return call.phase === "inFlight" ? "unknown" : call.applied;
}

/** An attempt of this call ended without a decision; remembers for good if its end is not known. */
export function attemptEnded(call: Call, applied: AppliedState, failure: string, overloaded = false): void {
  if (applied === "unknown") call.applied = "unknown";
  call.lastFailure = failure;
  call.overloaded = overloaded;
  call.observer?.attemptFailed?.(failure, applied);
  releaseFrame(call);
}

/** Nobody waits for the call any more: it takes up no room on its way, but its answer is still looked for there. */
export function abandon(call: Call): void {
  const { frame } = call;
  call.abandoned = true;
  releaseFrame(call);
  if (frame !== null) call.frame = { open: Number.POSITIVE_INFINITY, carrier: frame.carrier };
}

/** The call as it is sent anew when its caller has long been answered; holds nothing of the caller's. */
export function unheard(call: Call): Call {
  const nobody = { resolve: () => {}, reject: () => {}, signal: null, onAbort: null, observer: null };
  const detached = { previous: null, next: null, cancelTimer: null, frame: null };
  return { ...call, ...nobody, ...detached, phase: "queued", number: 0, abandoned: true };
}

/** The call no longer counts as open in its frame; the last one gives the frame's room back. */
export function releaseFrame(call: Call): void {
  const { frame } = call;
  if (frame === null) return;
  call.frame = null;
  frame.open -= 1;
  if (frame.open === 0) frame.carrier.framesInFlight -= 1;
}
