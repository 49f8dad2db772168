import { create } from "@bufbuild/protobuf";
import { Outcome } from "@quorumguard/limiter";
import { Applied, type ErrorDetail, ErrorDetailSchema, ErrorReason } from "@quorumguard/proto";
import type { NodeFailure, NodeTopology } from "../node/node.ts";
import type { InvalidField } from "./invalid-field.ts";

/** Status codes that gRPC and Connect share, by their number. */
export const StatusCode = {
  unknown: 2,
  invalidArgument: 3,
  notFound: 5,
  alreadyExists: 6,
  permissionDenied: 7,
  resourceExhausted: 8,
  failedPrecondition: 9,
  aborted: 10,
  internal: 13,
  unavailable: 14,
  unauthenticated: 16,
} as const;
export type StatusCode = (typeof StatusCode)[keyof typeof StatusCode];

/** Why a unary call has no answer, before any transport has put it into its own terms. */
export class CallError extends Error {
  override readonly name = "CallError";
  readonly code: StatusCode;
  readonly detail: ErrorDetail;

  constructor(code: StatusCode, detail: ErrorDetail) {
    super(detail.message);
    this.code = code;
    this.detail = detail;
  }
}

const reasons: Readonly<Record<NodeFailure["reason"], ErrorReason>> = {
  "not-leader": ErrorReason.NOT_LEADER,
  overloaded: ErrorReason.OVERLOADED,
  "session-expired": ErrorReason.SESSION_EXPIRED,
  unavailable: ErrorReason.UNAVAILABLE,
  "invalid-argument": ErrorReason.INVALID_ARGUMENT,
  "wrong-cluster": ErrorReason.WRONG_CLUSTER,
};

/** A node's failure in the wire's terms, with the leader's addresses where they are known. */
export function failureDetail(failure: NodeFailure, topology: NodeTopology): ErrorDetail {
  const leader = topology.members.find((member) => member.nodeId === failure.leaderId);
  return create(ErrorDetailSchema, {
    reason: reasons[failure.reason],
    applied: failure.applied === "no" ? Applied.NO : Applied.UNKNOWN,
    message: failure.message,
    retryAfterMs: BigInt(Math.max(0, Math.ceil(failure.retryAfterMs))),
    leaderId: BigInt(failure.leaderId),
    term: BigInt(failure.term),
    leaderGrpcEndpoint: leader?.grpcEndpoint ?? "",
    leaderHttpUrl: leader?.httpUrl ?? "",
  });
}

/** The detail for a call that was refused before anything was proposed. */
export function refusalDetail(reason: ErrorReason, message: string, retryAfterMs = 0): ErrorDetail {
  return create(ErrorDetailSchema, { reason, applied: Applied.NO, message, retryAfterMs: BigInt(retryAfterMs) });
}

/** A field out of bounds, as the caller sees it. */
export function invalidFieldError(error: InvalidField): CallError {
  return new CallError(StatusCode.invalidArgument, refusalDetail(ErrorReason.INVALID_ARGUMENT, error.message));
}

/**
 * The status of a failed call. Generic clients retry UNAVAILABLE by themselves, so it is used only where that cannot
 * charge twice: nothing was applied, or a request id protects the retry. Otherwise the status is UNKNOWN, which says
 * just that.
 */
export function failureError(failure: NodeFailure, topology: NodeTopology, retrySafe: boolean): CallError {
  return new CallError(failureCode(failure, retrySafe), failureDetail(failure, topology));
}

function failureCode(failure: NodeFailure, retrySafe: boolean): StatusCode {
  switch (failure.reason) {
    case "invalid-argument":
      return StatusCode.invalidArgument;
    case "overloaded":
      return StatusCode.resourceExhausted;
    case "session-expired":
    case "wrong-cluster":
      return StatusCode.failedPrecondition;
    case "not-leader":
    case "unavailable":
      return failure.applied === "no" || retrySafe ? StatusCode.unavailable : StatusCode.unknown;
  }
}

/** What a call asked for, as far as its errors name it. */
interface AskedPolicy {
  readonly namespace: string;
  readonly policy: string;
}

const namespaceName = ({ namespace }: AskedPolicy): string =>
  namespace === "" ? "the default namespace" : `the namespace ${JSON.stringify(namespace)}`;

const unknownPolicyMessage = (asked: AskedPolicy): string =>
  `policy ${JSON.stringify(asked.policy)} is none of ${namespaceName(asked)}, and the rule has no limit of its own: put the policy (quorumguard policy put), or give limit and window`;

const namespaceFullMessage = (asked: AskedPolicy): string =>
  `${namespaceName(asked)} has as many live keys as its maxKeys allows (quorumguard policy get shows it): raise it with policy put, or try again once counts have expired`;

/**
 * The error for an item that was not decided, or null if it was (an outcome below 16 is a decision). It names what was
 * asked for.
 */
export function outcomeError(outcome: number, asked: AskedPolicy): CallError | null {
  switch (outcome) {
    case Outcome.allowed:
    case Outcome.limited:
    case Outcome.banned:
    case Outcome.blocked:
      return null;
    case Outcome.keysFull:
      return refused(
        StatusCode.resourceExhausted,
        ErrorReason.KEYS_FULL,
        "the key table is full, and no live count is evicted for a new key: raise --max-keys of all nodes, or try again later",
      );
    case Outcome.requestIdReused:
      return refused(
        StatusCode.alreadyExists,
        ErrorReason.REQUEST_ID_REUSED,
        "request_id was used for a different call; use a new id per call",
      );
    case Outcome.requestIdsFull:
      return refused(
        StatusCode.resourceExhausted,
        ErrorReason.OVERLOADED,
        "the memory for request ids is full; try again later",
      );
    case Outcome.sessionExpired:
      return refused(
        StatusCode.failedPrecondition,
        ErrorReason.SESSION_EXPIRED,
        "the session is not known, or expired",
      );
    case Outcome.unknownPolicy:
      return refused(StatusCode.notFound, ErrorReason.UNKNOWN_POLICY, unknownPolicyMessage(asked));
    case Outcome.notHeld:
      return refused(
        StatusCode.notFound,
        ErrorReason.NOT_HELD,
        "no such hold is open under this key and rule: it is settled, its time is over, or a session has it",
      );
    case Outcome.holdsFull:
      return refused(
        StatusCode.resourceExhausted,
        ErrorReason.HOLDS_FULL,
        "as many holds are open as there may be; settle some, or try again later",
      );
    case Outcome.namespaceFull:
      return refused(StatusCode.resourceExhausted, ErrorReason.NAMESPACE_FULL, namespaceFullMessage(asked));
    case Outcome.needsReservation:
      return refused(
        StatusCode.failedPrecondition,
        ErrorReason.NEEDS_RESERVATION,
        "slots of concurrency are reserved, not taken: call Reserve, and Commit or Cancel afterwards",
      );
    default:
      return refused(
        StatusCode.resourceExhausted,
        ErrorReason.OVERLOADED,
        `the call was not decided (outcome ${outcome}); try again later`,
      );
  }
}

function refused(code: StatusCode, reason: ErrorReason, message: string): CallError {
  return new CallError(code, refusalDetail(reason, message));
}
