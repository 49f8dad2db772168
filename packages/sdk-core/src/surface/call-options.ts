import type { Call } from "../calls/call.ts";
import { checkName, checkSignal, checkWhole, invalidArgument } from "./check-fields.ts";
import type { CallOptions } from "./guard.ts";
import { checkNames } from "./known-names.ts";
import { readyNames } from "./option-names.ts";
import { checkOnUnavailable } from "./resolved-rule.ts";

const DEFAULT_READY_TIMEOUT_MS = 10_000;

/** A call's options, checked. */
export type CheckedOptions = Pick<Call, "timeoutMs" | "requestId"> & {
  readonly signal: CallOptions["signal"];
  readonly onUnavailable: Call["onUnavailable"] | null;
};

/**
 * Checks what a call chose for itself.
 * @throws {GuardError} invalid_argument, naming field, value and bound.
 */
export function checkCallOptions(options: CallOptions, defaultTimeoutMs: number): CheckedOptions {
  const { timeoutMs, requestId, signal, onUnavailable } = options;
  return {
    timeoutMs: timeoutMs === undefined ? defaultTimeoutMs : checkWhole(timeoutMs, "timeoutMs", 1),
    requestId: requestId === undefined ? null : checkName(requestId, "requestId"),
    signal: checkSignal(signal),
    onUnavailable: checkOnUnavailable(onUnavailable, "onUnavailable"),
  };
}

/**
 * How long `ready` waits.
 * @throws {GuardError} invalid_argument, naming field, value and bound.
 */
export function readyTimeoutMs(options: { readonly timeoutMs?: number }): number {
  if (typeof options !== "object" || options === null)
    throw invalidArgument("options", options, "write ready({ timeoutMs: 5_000 })");
  checkNames(options, readyNames);
  return checkWhole(options.timeoutMs ?? DEFAULT_READY_TIMEOUT_MS, "timeoutMs", 1);
}
