/**
 * What every part of the web SDK shares. The guard for browsers, which holds a scoped token and never chooses a limit,
 * comes with scoped tokens; servers and edge runtimes use `@quorumguard/sdk-web/edge`.
 */
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
