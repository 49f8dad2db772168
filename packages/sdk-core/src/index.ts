/** The runtime-neutral client. Internal to QuorumGuard: no semver promise. */
export { createGuardCore, type PlatformOptions } from "./create-guard-core.ts";
export type {
  AbortSignalLike,
  Algorithm,
  Allowed,
  CallOptions,
  Check,
  Decision,
  DenialReason,
  Denied,
  Duration,
  Facts,
  GroupDecision,
  Guard,
  GuardEvent,
  Hold,
  HoldSignal,
  OnUnavailable,
  Policy,
  Reservation,
  ReserveOptions,
  Rule,
  Source,
} from "./guard.ts";
export {
  type AppliedState,
  GuardError,
  type GuardErrorCode,
  guardErrorCodes,
  isUnavailable,
  type RetrySafety,
} from "./guard-error.ts";
export type { GuardOptions, TokenSource } from "./guard-options.ts";
export { checkNames, type KnownNames, knownNames } from "./known-names.ts";
export { guardOptionNames } from "./option-names.ts";
export { resolveToken } from "./resolve-token.ts";
export {
  type Runtime,
  type StreamConnection,
  type StreamHandlers,
  type Transport,
  TransportError,
  type TransportErrorKind,
  type UnaryCall,
} from "./transport.ts";
