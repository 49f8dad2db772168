import type { Call } from "../calls/call.ts";
import { checkName, checkSignal, checkWhole } from "./check-fields.ts";
import type { CallOptions } from "./guard.ts";
import { checkOnUnavailable } from "./resolved-rule.ts";

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
