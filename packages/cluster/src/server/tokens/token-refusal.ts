import { ErrorReason } from "@quorumguard/proto";
import { CallError, refusalDetail, StatusCode } from "../call-error.ts";

/** Why a call is refused for want of a token that counts: UNAUTHENTICATED, HTTP 401. */
export const tokenReasons = [
  ErrorReason.TOKEN_MISSING,
  ErrorReason.TOKEN_MALFORMED,
  ErrorReason.TOKEN_UNKNOWN_KEY,
  ErrorReason.TOKEN_WRONG_ALGORITHM,
  ErrorReason.TOKEN_BAD_SIGNATURE,
  ErrorReason.TOKEN_EXPIRED,
  ErrorReason.TOKEN_NOT_YET_VALID,
  ErrorReason.TOKEN_WRONG_AUDIENCE,
  ErrorReason.TOKEN_REPLAYED,
] as const;

/** Why a call is refused whose token counts, but not for this: PERMISSION_DENIED, HTTP 403. */
export const scopeReasons = [
  ErrorReason.OPERATION_FORBIDDEN,
  ErrorReason.KEY_FORBIDDEN,
  ErrorReason.POLICY_FORBIDDEN,
  ErrorReason.INLINE_LIMIT_FORBIDDEN,
  ErrorReason.NAMESPACE_FORBIDDEN,
] as const;

/** Why a call is refused whose token counts, but whose holder uses a node too much: RESOURCE_EXHAUSTED, HTTP 429. */
export const usageReasons = [ErrorReason.TOKEN_OVERUSED] as const;

/** A reason of {@link tokenReasons}. */
export type TokenReason = (typeof tokenReasons)[number];
/** A reason of {@link scopeReasons}. */
export type ScopeReason = (typeof scopeReasons)[number];

/** The refusal of a call without a token that counts. Nothing of it was proposed. */
export function unauthenticated(reason: TokenReason, message: string): CallError {
  return new CallError(StatusCode.unauthenticated, refusalDetail(reason, message));
}

/** The refusal of a call that its token does not allow. Nothing of it was proposed. */
export function forbidden(reason: ScopeReason, message: string): CallError {
  return new CallError(StatusCode.permissionDenied, refusalDetail(reason, message));
}

/** The refusal of a call or stream that is one too many for its token's holder. Nothing of it was proposed. */
export function overused(message: string, retryAfterMs = 0): CallError {
  return new CallError(StatusCode.resourceExhausted, refusalDetail(ErrorReason.TOKEN_OVERUSED, message, retryAfterMs));
}

/** Whether an error is one of those above. */
export function isTokenRefusal(error: unknown): error is CallError {
  return (
    error instanceof CallError &&
    (error.code === StatusCode.unauthenticated ||
      error.code === StatusCode.permissionDenied ||
      error.detail.reason === ErrorReason.TOKEN_OVERUSED)
  );
}
