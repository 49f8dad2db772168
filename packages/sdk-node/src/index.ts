/** Exact, replicated rate limiting for Node services. */
export {
  type AbortSignalLike,
  type Algorithm,
  type Allowed,
  type AppliedState,
  type CallOptions,
  type Check,
  type Decision,
  type DenialReason,
  type Denied,
  type Duration,
  type Facts,
  type GroupDecision,
  type Guard,
  GuardError,
  type GuardErrorCode,
  type GuardEvent,
  type GuardOptions,
  guardErrorCodes,
  type OnUnavailable,
  type Policy,
  type RetrySafety,
  type Rule,
  type Source,
  type TokenSource,
} from "@quorumguard/sdk-core";
export { createGuard, type NodeGuardOptions } from "./create-guard.ts";
export type { TlsOptions } from "./tls-options.ts";
