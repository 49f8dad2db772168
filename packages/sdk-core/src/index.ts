/** The runtime-neutral client. Internal to QuorumGuard: no semver promise. */

export { createGuardCore, createRequestGuard } from "./create-guard-core.ts";
export { type PlatformTimers, setExactTimer } from "./exact-timer.ts";
export type { CallObserver, GuardObserver, ObservedCall, VerbName } from "./guard-observer.ts";
export type { Device, PlatformOptions } from "./platform-options.ts";
export { expectGuardOptions } from "./surface/allow-arguments.ts";
export { checkCallOptions } from "./surface/call-options.ts";
export { bindMethods, forCaller, promiseFor } from "./surface/caller.ts";
export { checkKey, checkName, checkOneOf, invalidArgument } from "./surface/check-fields.ts";
export { ttlMs } from "./surface/duration.ts";
export { checkEndpoints, type EndpointForm } from "./surface/endpoints.ts";
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
  InlineOptions,
  OnUnavailable,
  Policy,
  Reservation,
  ReserveOptions,
  Rule,
  Source,
  WaitOptions,
} from "./surface/guard.ts";
export {
  type AppliedState,
  GuardError,
  type GuardErrorCode,
  guardErrorCodes,
  isUnavailable,
  type RetrySafety,
} from "./surface/guard-error.ts";
export type { GuardOptions, TokenSource } from "./surface/guard-options.ts";
export { checkNames, type KnownNames, knownNames } from "./surface/known-names.ts";
export { guardOptionNames } from "./surface/option-names.ts";
export {
  type Runtime,
  type StreamConnection,
  type StreamHandlers,
  type StreamTransport,
  type Transport,
  TransportError,
  type UnaryCall,
} from "./transport.ts";
export type { BreakerState } from "./unavailable/breaker.ts";
export { DenialMemory } from "./without-network/denial-memory.ts";
export { createLocalAnswerCounts, type LocalAnswerCounts } from "./without-network/local-answer-counts.ts";
