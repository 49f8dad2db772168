import { Verb } from "@quorumguard/limiter";
import type { CallResult, PlainMessage, ReceivedReply } from "@quorumguard/proto";
import type { GuardObserver } from "../guard-observer.ts";
import type { Decision, GuardEvent } from "../surface/guard.ts";
import { GuardError, type GuardErrorCode, isUnavailable } from "../surface/guard-error.ts";
import type { Breaker } from "../unavailable/breaker.ts";
import type { Decider } from "../unavailable/degraded-warning.ts";
import type { Overload } from "../unavailable/overload.ts";
import type { WithoutCluster } from "../unavailable/without-cluster.ts";
import { appliedNow, type Call, type CallItem, type CallPhase } from "./call.ts";
import { countedDecision, wireDecision, wireSource } from "./decisions.ts";
import type { PendingCalls } from "./pending-calls.ts";
import { type AttemptFailure, guardError } from "./wire-errors.ts";

/** Gives callers their answers, each exactly once. */
export interface Settler {
  byReply(call: Call, reply: ReceivedReply, item: number): void;
  byResult(call: Call, result: PlainMessage<CallResult>): void;
  /** An attempt's failure that ends the call: by `onUnavailable`, or by throwing. */
  byFailure(call: Call, failure: AttemptFailure): void;
  /** Ends the call with this error, whatever it says of the cluster: by `onUnavailable`, or by throwing. */
  byError(call: Call, error: GuardError): void;
  /** The call's time is over; `connections` is asked only if somebody is told. */
  byDeadline(call: Call, connections: () => string): void;
  /** The breaker did not let it through. */
  byBreaker(call: Call): void;
  /** It was not sent, which says nothing about the cluster; `why` is asked only if somebody is told. */
  unsent(call: Call, why: () => string): void;
}

/** What a settler decides with when the cluster does not, and whom it tells of it. */
export interface SettlerOptions {
  readonly pending: PendingCalls;
  readonly breaker: Breaker;
  /** That a deadline passed says nothing about the cluster if its caller chose a shorter one than this, in milliseconds. */
  readonly fairTimeoutMs: number;
  readonly overload: Pick<Overload, "since">;
  readonly withoutCluster: WithoutCluster;
  /** This plain call was admitted while the cluster was away. */
  readonly onAdmittedAlone: (call: Call, phase: CallPhase) => void;
  readonly observer: GuardObserver;
  readonly monotonicMs: () => number;
  readonly emit: (event: GuardEvent) => void;
  /** The first decision of an outage that something else than the cluster made, and what made it. */
  readonly onDegraded: (reason: string, decider: Decider) => void;
  /** The cluster has no room for a key, which something else decides: the first one in a while. */
  readonly onKeyRefused: (reason: string, decider: Decider) => void;
}

/** So long nothing more is said of keys that the cluster has no room for, in milliseconds. */
const REFUSED_AGAIN_MS = 60_000;

/** A settler for one guard; it also tells of the first degraded decision, and of the first one after it that is not. */
export function createSettler(options: SettlerOptions): Settler {
  const {
    pending,
    breaker,
    fairTimeoutMs,
    overload,
    withoutCluster,
    observer,
    monotonicMs,
    emit,
    onDegraded,
    onKeyRefused,
    onAdmittedAlone,
  } = options;
  let degradedSinceMs: number | null = null;
  /** An outage that only threw so far has degraded no decision. */
  let decidedAlone = false;
  let refusedMs = Number.NEGATIVE_INFINITY;

  const detach = (call: Call): void => {
    call.phase = "settled";
    pending.remove(call);
    if (call.onAbort !== null) call.signal?.removeEventListener("abort", call.onAbort);
    call.onAbort = null;
    call.signal = null;
  };
  const decided = (): void => {
    breaker.answered();
    // While calls return in shares, the next one may be degraded again.
    if (degradedSinceMs === null || breaker.state !== "closed") return;
    const degradedForMs = monotonicMs() - degradedSinceMs;
    degradedSinceMs = null;
    decidedAlone = false;
    emit({ type: "recovered", degradedForMs });
  };
  const give = (call: Call, decisions: readonly Decision[]): void => {
    detach(call);
    call.observer?.decided?.(decisions);
    const resolve = call.resolve as (value: unknown, call: Call) => void;
    if (call.group === null) resolve(decisions[0], call);
    else resolve({ allowed: decisions.every((decision) => decision.allowed), decisions }, call);
  };
  const fail = (call: Call, error: GuardError): void => {
    detach(call);
    call.observer?.failed?.(error);
    call.reject(error);
  };
  /** An outage is told of when it begins; that a cluster which is well has no room for a key is none, and is told of now and then. */
  const tell = (decider: Decider, ofKey: boolean, makeError: () => GuardError): void => {
    if (!ofKey) {
      if (!decidedAlone) onDegraded(makeError().message, decider);
      decidedAlone = true;
    } else if (monotonicMs() - refusedMs >= REFUSED_AGAIN_MS) {
      refusedMs = monotonicMs();
      onKeyRefused(makeError().message, decider);
    }
  };
  /** The error is made only for who is told of it: in an outage most calls are not. Returns what was decided in its place. */
  const unavailable = (call: Call, makeError: () => GuardError, ofKey = false): readonly Decision[] => {
    const { onUnavailable } = call;
    // Nobody waits for a lease: that none can be had, or given back, degrades no call.
    if (call.verb === Verb.grant || call.verb === Verb.giveBack) {
      fail(call, makeError());
      return [];
    }
    if (degradedSinceMs === null && !ofKey) {
      degradedSinceMs = monotonicMs();
      emit({ type: "degraded", reason: makeError().message });
    }
    // What is neither asked for nor reserved is done by the cluster or not at all.
    if (onUnavailable === "throw" || (call.verb !== Verb.take && call.verb !== Verb.reserve)) {
      fail(call, makeError());
      return [];
    }
    tell(onUnavailable, ofKey, makeError);
    const decisions = withoutCluster.decide(call, onUnavailable);
    const { source, degraded } = decisions[0]!;
    if (degraded) observer.degradedDecisions?.(source as "local", decisions.length);
    give(call, decisions);
    return decisions;
  };
  const reconcilable = (decisions: readonly Decision[], call: Call, phase: CallPhase): void => {
    if (decisions.length === 0 || call.verb !== Verb.take || call.requestId !== null) return;
    if (decisions.every(({ allowed }) => allowed)) onAdmittedAlone(call, phase);
  };
  const unsent = (call: Call, why: () => string): void => {
    const decisions = unavailable(call, () => new GuardError("unavailable", why(), { applied: "no" }));
    reconcilable(decisions, call, "queued");
  };
  const letDown = (call: Call, reason: () => string): void => {
    const busy = call.overloaded || overload.since(call.deadlineMs - call.timeoutMs);
    if (busy || call.timeoutMs < fairTimeoutMs) breaker.ended(call);
    else breaker.failed(call, reason);
  };
  const end = (call: Call, code: GuardErrorCode, makeError: () => GuardError): void => {
    if (isUnavailable(code)) unavailable(call, makeError, code === "keys_full" || code === "namespace_full");
    else fail(call, makeError());
  };

  return {
    byReply(call, reply, item) {
      decided();
      if (call.group !== null) {
        give(
          call,
          call.group.map((part, at) => replyDecision(part, reply, item + at)),
        );
        return;
      }
      call.opened = reply.handles[item]!;
      call.openForMs = reply.firmForMs[item]!;
      const decision = replyDecision(call, reply, item);
      detach(call);
      call.observer?.decided?.([decision]);
      (call.resolve as (value: Decision, call: Call) => void)(decision, call);
    },
    byResult(call, result) {
      decided();
      const items = call.group ?? [call];
      call.opened = Number(result.decisions[0]?.handle ?? 0);
      call.openForMs = Number(result.decisions[0]?.firmForMs ?? 0);
      call.openedAtUs = Number(result.stampUs);
      give(
        call,
        items.map((item, at) => wireDecision(item.rule, result.decisions[at]!)),
      );
    },
    byFailure(call, failure) {
      const { code } = failure;
      if (code === "unavailable" || code === "timed_out") letDown(call, () => failure.message);
      else if (answeringCodes.has(code)) breaker.answered();
      else breaker.ended(call);
      end(call, code, () => guardError(failure, call.applied));
    },
    byError(call, error) {
      breaker.ended(call);
      end(call, error.code, () => error);
    },
    byDeadline(call, connections) {
      const { phase } = call;
      const makeError = once(() => deadlineError(call, connections()));
      letDown(call, () => makeError().message);
      reconcilable(unavailable(call, makeError), call, phase);
    },
    byBreaker: (call) => unsent(call, () => breaker.explain()),
    unsent,
  };
}

/** Refusals that the log, or the leader by it, has come to: whoever says so decides. */
const answeringCodes: ReadonlySet<GuardErrorCode> = new Set([
  "keys_full",
  "namespace_full",
  "holds_full",
  "not_held",
  "unknown_policy",
  "needs_reservation",
  "request_id_reused",
]);

function once<T>(make: () => T): () => T {
  let made: T | null = null;
  return () => (made ??= make());
}

function replyDecision(item: CallItem, reply: ReceivedReply, at: number): Decision {
  return countedDecision(
    item.rule,
    reply.limits?.[at] ?? item.rule.limit,
    wireSource(reply.source),
    reply.outcomes[at]!,
    reply.remaining[at]!,
    reply.resetAfterMs[at]!,
    reply.retryAfterMs[at]!,
    reply.shadows[at]!,
  );
}

/** What a call that reached its deadline is told: where it stood, and what went wrong last. */
function deadlineError(call: Call, connections: string): GuardError {
  const applied = appliedNow(call);
  const { lastFailure } = call;
  // What a connection says of itself need not be said twice.
  const trouble = [lastFailure !== null && connections.includes(lastFailure) ? null : lastFailure, connections]
    .filter((part) => part !== null && part !== "")
    .join("; ");
  if (applied === "no") {
    const message = `no leader took the call within ${call.timeoutMs} ms; nothing was counted (${trouble})`;
    return new GuardError("unavailable", message, { applied });
  }
  const message = `no answer within ${call.timeoutMs} ms; whether the call was counted is not known (${trouble})`;
  return new GuardError("timed_out", message, { applied });
}
