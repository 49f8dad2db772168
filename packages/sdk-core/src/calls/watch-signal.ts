import type { CallOptions } from "../surface/guard.ts";
import { GuardError } from "../surface/guard-error.ts";
import { appliedNow, type Call, type CallPhase } from "./call.ts";
import type { Settler } from "./settle.ts";

/** Ties the call to its caller's signal; the cluster is told where it stood when it was given up. False: it was aborted already, and is settled. */
export function watchSignal(
  call: Call,
  signal: NonNullable<CallOptions["signal"]>,
  settler: Settler,
  cluster: { forget(call: Call, phase: CallPhase): void },
): boolean {
  const abort = (): void => {
    const { phase } = call;
    if (phase === "settled") return;
    const applied = appliedNow(call);
    const message =
      applied === "no" ? "the call was aborted; nothing was counted" : "the call was aborted after it was sent";
    settler.byError(call, new GuardError("aborted", message, { applied, cause: signal.reason }));
    cluster.forget(call, phase);
  };
  if (signal.aborted) {
    const cause = signal.reason;
    settler.byError(call, new GuardError("aborted", "the signal was aborted already", { applied: "no", cause }));
    return false;
  }
  call.signal = signal;
  call.onAbort = abort;
  signal.addEventListener("abort", abort, { once: true });
  return true;
}
