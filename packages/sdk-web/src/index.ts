/**
 * What every part of the web SDK shares: the types of a guard, its error and its codes. `createGuard` is in
 * `@quorumguard/sdk-web/edge`, for servers and edge runtimes. There is no guard for pages of visitors today:
 * a guard's token may spend any limit.
 */
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
  type Hold,
  type HoldSignal,
  type InlineOptions,
  type OnUnavailable,
  type Policy,
  type Reservation,
  type ReserveOptions,
  type RetrySafety,
  type Rule,
  type Source,
  type TokenSource,
  type WaitOptions,
} from "@quorumguard/sdk-core";
