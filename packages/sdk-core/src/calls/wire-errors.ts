import {
  Applied,
  decodeErrorDetail,
  type ErrorDetail,
  ErrorReason,
  Outcome,
  type PlainMessage,
} from "@quorumguard/proto";
import { carried } from "../surface/describe.ts";
import { type AppliedState, GuardError, type GuardErrorCode } from "../surface/guard-error.ts";
import { TransportError } from "../transport.ts";
import { FIRST_FAILURE_OUTCOME } from "./decisions.ts";

/** How an attempt failed, in the terms that decide what happens to its call. */
export interface AttemptFailure {
  readonly code: GuardErrorCode;
  readonly message: string;
  readonly applied: AppliedState;
  /** Another attempt may succeed. */
  readonly retryable: boolean;
  /** The server's wish, in milliseconds. */
  readonly retryAfterMs: number;
  readonly detail: PlainMessage<ErrorDetail> | null;
  /** For the caller's program, where there is more to say than the message. */
  readonly details?: GuardError["details"];
}

/** A failure as the server's typed detail tells it. */
export function failureOfDetail(detail: PlainMessage<ErrorDetail>): AttemptFailure {
  // Anything but a clear NO may have been applied.
  const applied = detail.applied === Applied.NO ? "no" : "unknown";
  const [code, retryable] = codeOf(detail.reason);
  const reason = reasonOf(detail.reason);
  return {
    code,
    message: detail.message === "" ? `the node gave reason ${detail.reason} and no message` : detail.message,
    applied: detail.reason === ErrorReason.NOT_LEADER ? "no" : applied,
    retryable,
    retryAfterMs: Number(detail.retryAfterMs),
    detail,
    ...(reason && { details: { reason } }),
  };
}

/** Why, as callers read it in `details`, where that is more than the code says. */
function reasonOf(reason: ErrorReason): string | undefined {
  return reason === ErrorReason.TOKEN_OVERUSED ? "token_overused" : refusals.get(reason)?.reason;
}

/** What nodes say of tokens: that this one is none, or that it is not for this. */
const refusals: ReadonlyMap<ErrorReason, Refusal> = new Map([
  [ErrorReason.TOKEN_MISSING, { code: "unauthenticated", reason: "token_missing" }],
  [ErrorReason.TOKEN_MALFORMED, { code: "unauthenticated", reason: "token_malformed" }],
  [ErrorReason.TOKEN_UNKNOWN_KEY, { code: "unauthenticated", reason: "token_unknown_key" }],
  [ErrorReason.TOKEN_WRONG_ALGORITHM, { code: "unauthenticated", reason: "token_wrong_algorithm" }],
  [ErrorReason.TOKEN_BAD_SIGNATURE, { code: "unauthenticated", reason: "token_bad_signature" }],
  [ErrorReason.TOKEN_EXPIRED, { code: "unauthenticated", reason: "token_expired" }],
  [ErrorReason.TOKEN_NOT_YET_VALID, { code: "unauthenticated", reason: "token_not_yet_valid" }],
  [ErrorReason.TOKEN_WRONG_AUDIENCE, { code: "unauthenticated", reason: "token_wrong_audience" }],
  [ErrorReason.TOKEN_REPLAYED, { code: "unauthenticated", reason: "token_replayed" }],
  [ErrorReason.OPERATION_FORBIDDEN, { code: "permission_denied", reason: "operation_forbidden" }],
  [ErrorReason.KEY_FORBIDDEN, { code: "permission_denied", reason: "key_forbidden" }],
  [ErrorReason.POLICY_FORBIDDEN, { code: "permission_denied", reason: "policy_forbidden" }],
  [ErrorReason.INLINE_LIMIT_FORBIDDEN, { code: "permission_denied", reason: "inline_limit_forbidden" }],
  [ErrorReason.NAMESPACE_FORBIDDEN, { code: "permission_denied", reason: "namespace_forbidden" }],
] as const);

/** A code, and the wire's reason as callers read it in `details`. */
interface Refusal {
  readonly code: "unauthenticated" | "permission_denied";
  readonly reason: string;
}

/** Whether a failure is about the token: then no wait helps, and no other node takes it. */
export function isRefusal({ code }: AttemptFailure): boolean {
  return code === "unauthenticated" || code === "permission_denied";
}

/** Why a node refused the token itself; null: it did not. */
export function tokenRefusal(error: unknown): ErrorReason | null {
  const reason = refusalReason(error);
  return reason !== null && refusals.get(reason)?.code === "unauthenticated" ? reason : null;
}

/** Why a node refused the token, or what it was asked for with it; null: it did neither. */
export function refusalReason(error: unknown): ErrorReason | null {
  const reason = error instanceof TransportError ? decodeDetail(error.detail)?.reason : undefined;
  return reason !== undefined && refusals.has(reason) ? reason : null;
}

function codeOf(reason: ErrorReason): readonly [GuardErrorCode, boolean] {
  switch (reason) {
    case ErrorReason.NOT_LEADER:
    case ErrorReason.UNAVAILABLE:
      return ["unavailable", true];
    case ErrorReason.OVERLOADED:
    case ErrorReason.TOKEN_OVERUSED:
      return ["overloaded", true];
    case ErrorReason.SESSION_EXPIRED:
      return ["session_expired", false];
    case ErrorReason.KEYS_FULL:
      return ["keys_full", false];
    case ErrorReason.INVALID_ARGUMENT:
      return ["invalid_argument", false];
    case ErrorReason.WRONG_CLUSTER:
      return ["wrong_cluster", false];
    case ErrorReason.REQUEST_ID_REUSED:
      return ["request_id_reused", false];
    case ErrorReason.NOT_HELD:
      return ["not_held", false];
    case ErrorReason.HOLDS_FULL:
      return ["holds_full", false];
    case ErrorReason.UNKNOWN_POLICY:
      return ["unknown_policy", false];
    case ErrorReason.NAMESPACE_FULL:
      return ["namespace_full", false];
    case ErrorReason.NEEDS_RESERVATION:
      return ["needs_reservation", false];
    default:
      return [refusals.get(reason)?.code ?? "internal", false];
  }
}

/** A failure as the transport tells it. */
export function failureOfTransport(error: TransportError): AttemptFailure {
  const detail = decodeDetail(error.detail);
  if (error.kind === "rejected" && detail !== null) return failureOfDetail(detail);
  const base = { message: error.message, retryAfterMs: 0, detail };
  switch (error.kind) {
    case "not-sent":
      return { ...base, code: "unavailable", applied: "no", retryable: true };
    case "misconfigured":
      return { ...base, code: misconfigurationCode(error, detail), applied: "no", retryable: false };
    default:
      return { ...base, code: "unavailable", applied: "unknown", retryable: true };
  }
}

function misconfigurationCode(error: TransportError, detail: PlainMessage<ErrorDetail> | null): GuardErrorCode {
  if (detail?.reason === ErrorReason.WRONG_CLUSTER) return "wrong_cluster";
  return error.message.startsWith("unauthenticated") ? "unauthenticated" : "misconfigured";
}

function decodeDetail(bytes: Uint8Array | null): PlainMessage<ErrorDetail> | null {
  if (bytes === null) return null;
  try {
    return decodeErrorDetail(bytes);
  } catch {
    // A proxy's own error body: the transport's class of the failure stands.
    return null;
  }
}

/** A failure as an item's outcome tells it; null if the outcome is a decision. Nothing was charged. */
export function failureOfOutcome(outcome: number): AttemptFailure | null {
  if (outcome > 0 && outcome < 16) return null;
  const refused = (code: GuardErrorCode, message: string, retryable: boolean): AttemptFailure => ({
    code,
    message,
    applied: "no",
    retryable,
    retryAfterMs: 0,
    detail: null,
  });
  switch (outcome) {
    case Outcome.KEYS_FULL:
      return refused(
        "keys_full",
        "the cluster's key table is full; raise --max-keys of all nodes, or wait for keys to expire",
        false,
      );
    case Outcome.RESULTS_FULL:
      return refused("overloaded", "the session holds as many results as it may", true);
    case Outcome.SESSION_EXPIRED:
      return refused("session_expired", "the session is not known to the cluster", false);
    case Outcome.REQUEST_ID_REUSED:
      return refused("request_id_reused", "requestId: it was used for a different call; use a new one", false);
    case Outcome.REQUEST_IDS_FULL:
      return refused("overloaded", "the cluster's memory for request ids is full", true);
    case Outcome.OVERLOADED:
      return refused("overloaded", "the node's queue is full", true);
    case Outcome.UNKNOWN_POLICY:
      return refused("unknown_policy", "the cluster has no such policy, and the rule has no limit of its own", false);
    case Outcome.NOT_HELD:
      return refused(
        "not_held",
        "no such hold is open: it is settled, its time is over, or the session that made it has ended",
        false,
      );
    case Outcome.HOLDS_FULL:
      return refused("holds_full", "as many holds are open as there may be; settle some, or try again later", false);
    case Outcome.NAMESPACE_FULL:
      return refused("namespace_full", "the namespace has as many keys as its quota allows", false);
    case Outcome.NEEDS_RESERVATION:
      return refused("needs_reservation", "slots of concurrency are reserved, not taken: call reserve", false);
    default:
      return { ...refused("internal", `outcome ${outcome} is not one this version knows`, false), applied: "unknown" };
  }
}

/** The error that ends a call, with what is known about whether it was applied. */
export function guardError(failure: AttemptFailure, applied: AppliedState): GuardError {
  const known = applied === "unknown" || failure.applied === "unknown" ? "unknown" : "no";
  const { code, message, details } = failure;
  return new GuardError(code, message, { applied: known, ...(details && { details }) });
}

/** The guard was closed while a call waited for that. Its message goes into spans and logs, so the key is for the caller's program only. */
export function closedWhile(awaited: string, key: string, applied: AppliedState): GuardError {
  const message = `the guard was closed while the call waited for ${awaited}; await it before close()`;
  return new GuardError("closed", message, { applied, details: { key: carried(key) } });
}

/** The session was over before the call was answered in it. */
export const endedInFlight: AttemptFailure = {
  code: "session_expired",
  message: "the session ended while the call was in flight; whether it was counted is not known",
  applied: "unknown",
  retryable: false,
  retryAfterMs: 0,
  detail: null,
};

/** What a hold was kept in is no more. */
export const heldElsewhere: AttemptFailure = {
  code: "session_expired",
  message: "the cluster that held it was replaced by another one, and what it held is gone",
  applied: "no",
  retryable: false,
  retryAfterMs: 0,
  detail: null,
};

/** Why the items `[from, to)` of a reply are no decision: a call is decided by all of its items, or by none. Null: it is. */
export function failureAmong(outcomes: ArrayLike<number>, from: number, to: number): AttemptFailure | null {
  for (let at = from; at < to; at++) {
    const outcome = outcomes[at]!;
    if (outcome >= FIRST_FAILURE_OUTCOME || outcome === 0) return failureOfOutcome(outcome);
  }
  return null;
}
