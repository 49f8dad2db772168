import { Verb } from "@quorumguard/limiter";
import type { CallResult, ReceivedReply } from "@quorumguard/proto";
import type { Decision, GuardEvent } from "../surface/guard.ts";
import { GuardError, isUnavailable } from "../surface/guard-error.ts";
import type { Decider } from "../unavailable/degraded-warning.ts";
import type { LocalLimiter } from "../unavailable/local-limiter.ts";
import { appliedNow, type Call, type CallItem } from "./call.ts";
import {
  blindDecision,
  countedDecision,
  FIRST_FAILURE_OUTCOME,
  OUTCOME_ALLOWED,
  wireDecision,
  wireSource,
} from "./decisions.ts";
import type { PendingCalls } from "./pending-calls.ts";
import { type AttemptFailure, guardError } from "./wire-errors.ts";

/** Gives callers their answers, each exactly once. */
export interface Settler {
  byReply(call: Call, reply: ReceivedReply, item: number): void;
  byResult(call: Call, result: CallResult): void;
  /** By what this process knows for certain, whatever became of the cluster. */
  byLocalAnswer(call: Call, decision: Decision): void;
  /** An attempt's failure that ends the call: by `onUnavailable`, or by throwing. */
  byFailure(call: Call, failure: AttemptFailure): void;
  /** Ends the call with this error, whatever `onUnavailable` says. */
  byError(call: Call, error: GuardError): void;
}

/** What a settler decides with when the cluster does not, and whom it tells of it. */
export interface SettlerOptions {
  readonly pending: PendingCalls;
  readonly local: () => LocalLimiter;
  readonly monotonicMs: () => number;
  readonly emit: (event: GuardEvent) => void;
  /** The first decision of an outage that something else than the cluster made, and what made it. */
  readonly onDegraded: (reason: string, decider: Decider) => void;
}

/** A settler for one guard; it also tells of the first degraded decision, and of the first one after it that is not. */
export function createSettler({ pending, local, monotonicMs, emit, onDegraded }: SettlerOptions): Settler {
  let degradedSinceMs: number | null = null;
  /** An outage that only threw so far has degraded no decision. */
  let decidedAlone = false;

  const detach = (call: Call): void => {
    call.phase = "settled";
    pending.remove(call);
    if (call.onAbort !== null) call.signal?.removeEventListener("abort", call.onAbort);
    call.onAbort = null;
    call.signal = null;
  };
  const healthy = (): void => {
    if (degradedSinceMs === null) return;
    const degradedForMs = monotonicMs() - degradedSinceMs;
    degradedSinceMs = null;
    decidedAlone = false;
    emit({ type: "recovered", degradedForMs });
  };
  const give = (call: Call, decisions: readonly Decision[]): void => {
    detach(call);
    const resolve = call.resolve as (value: unknown, call: Call) => void;
    if (call.group === null) resolve(decisions[0], call);
    else resolve({ allowed: decisions.every((decision) => decision.allowed), decisions }, call);
  };
  const fail = (call: Call, error: GuardError): void => {
    detach(call);
    call.reject(error);
  };
  const unavailable = (call: Call, error: GuardError): void => {
    if (degradedSinceMs === null) {
      degradedSinceMs = monotonicMs();
      emit({ type: "degraded", reason: error.message });
    }
    const { onUnavailable } = call;
    // What is neither asked for nor reserved is done by the cluster or not at all.
    if (onUnavailable === "throw" || (call.verb !== Verb.take && call.verb !== Verb.reserve)) {
      fail(call, error);
      return;
    }
    if (!decidedAlone) {
      decidedAlone = true;
      onDegraded(error.message, onUnavailable);
    }
    give(call, withoutCluster(call, onUnavailable, local));
  };

  return {
    byReply(call, reply, item) {
      healthy();
      if (call.group !== null) {
        give(
          call,
          call.group.map((part, at) => replyDecision(part, reply, item + at)),
        );
        return;
      }
      call.opened = reply.handles[item]!;
      call.openForMs = reply.firmForMs[item]!;
      detach(call);
      (call.resolve as (value: Decision, call: Call) => void)(replyDecision(call, reply, item), call);
    },
    byResult(call, result) {
      healthy();
      const items = call.group ?? [call];
      call.opened = Number(result.decisions[0]?.handle ?? 0);
      call.openForMs = Number(result.decisions[0]?.firmForMs ?? 0);
      call.openedAtUs = Number(result.stampUs);
      give(
        call,
        items.map((item, at) => wireDecision(item.rule, result.decisions[at]!)),
      );
    },
    byLocalAnswer: (call, decision) => give(call, [decision]),
    byFailure(call, failure) {
      const error = guardError(failure, call.applied);
      if (isUnavailable(failure.code)) unavailable(call, error);
      else fail(call, error);
    },
    byError(call, error) {
      if (isUnavailable(error.code)) unavailable(call, error);
      else fail(call, error);
    },
  };
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

/** What `onUnavailable` gives. */
function withoutCluster(call: Call, decider: Decider, local: () => LocalLimiter): Decision[] {
  const items = call.group ?? [call];
  if (decider === "local") return localDecisions(call, items, local());
  return items.map((item) => blindDecision(item.rule, decider === "allow"));
}

function localDecisions(call: Call, items: readonly CallItem[], local: LocalLimiter): Decision[] {
  const results = local.decide(call);
  // Nothing to count by: as with keys that do not fit, this process does not let pass what it cannot count.
  if (results === null) return items.map((item) => blindDecision(item.rule, false));
  if (call.verb === Verb.reserve) {
    call.opened = results.handles[0]!;
    call.openForMs = results.firmForMs[0]!;
  }
  return items.map((item, at) => {
    const outcome = results.outcomes[at]!;
    // No room for another key here either: this process cannot count it, so it does not let it pass.
    if (outcome >= FIRST_FAILURE_OUTCOME) return blindDecision(item.rule, false);
    const limit = item.rule.limit;
    return countedDecision(
      item.rule,
      limit,
      "local",
      outcome === OUTCOME_ALLOWED ? OUTCOME_ALLOWED : outcome,
      results.remaining[at]!,
      results.resetAfterMs[at]!,
      results.retryAfterMs[at]!,
    );
  });
}

/** What a call that reached its deadline is told: where it stood, and what went wrong last. */
export function deadlineError(call: Call, connections: string): GuardError {
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
