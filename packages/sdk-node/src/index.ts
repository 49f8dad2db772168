/** Exact, replicated rate limiting for Node services. */
export {
  type Algorithm,
  type Allowed,
  type CallOptions,
  type Check,
  type Decision,
  type DenialReason,
  type Denied,
  type Duration,
  type GroupDecision,
  type Guard,
  GuardError,
  type GuardErrorCode,
  type GuardEvent,
  guardErrorCodes,
  type OnUnavailable,
  type Policy,
  type Rule,
  type Source,
} from "@quorumguard/sdk-core";
export { createGuard, type NodeGuardOptions } from "./create-guard.ts";
export type { TlsOptions } from "./tls-options.ts";
