/**
 * The guard of a page that visitors open, and of its workers. It asks by the names of policies, under a short-lived token of the
 * visitor's: a page cannot be trusted with a limit. The whole guard, for servers and edge runtimes, is in
 * `@quorumguard/sdk-web/edge`; a hook for React in `@quorumguard/sdk-web/react`.
 */
export type { BrowserGuard, BrowserGuardEvent, KeyOptions, PolicyCheck } from "./browser-guard.ts";
export type { BrowserGuardOptions } from "./browser-options.ts";
export { createGuard, maxDenialAgeMs } from "./create-browser-guard.ts";
export type { Denial } from "./denial-watch.ts";
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
} from "./shared.ts";
