import { Algorithm } from "@quorumguard/limiter";
import { type Call, type CallPhase, unheard } from "../calls/call.ts";
import type { GuardEvent } from "../surface/guard.ts";
import type { ResolvedRule } from "../surface/resolved-rule.ts";
import type { Runtime } from "../transport.ts";

/** Calls that are reported together, and how long it is until the next: no leader that is back is flooded by what happened meanwhile. */
const BATCH_CALLS = 100;
const BATCH_PAUSE_MS = 100;

/**
 * Reports to the cluster what was admitted without it (SEMANTICS U3), so that its counts know of it. A call that was sent
 * stays open under its number, and is charged by that or was already; one that was never sent gets a number when the cluster
 * is back. A report is the call itself: what has no room any more is denied, and nobody is told.
 */
export interface Reconciler {
  /** This call was admitted without the cluster; `phase`: where it stood until then. Marks it as one whose end still matters. */
  admitted(call: Call, phase: CallPhase): void;
  /** The cluster has decided it after all. */
  reported(call: Call, allowed: boolean): void;
  /** It will not be reported: its session is gone, and with it the knowledge of whether it was charged. */
  lost(call: Call): void;
  close(): void;
}

/** What a reconciler needs of its guard. */
export interface ReconcilerOptions {
  readonly runtime: Runtime;
  /** Calls that were never sent, and wait to be reported, at once. */
  readonly maxCalls: number;
  /** Whether the cluster takes all calls. */
  readonly isBack: () => boolean;
  /** Sends a call whose end nobody waits for. */
  readonly send: (call: Call) => void;
  readonly emit: (event: GuardEvent) => void;
}

/** A reconciler with nothing to report. */
export function createReconciler({ runtime, maxCalls, isBack, send, emit }: ReconcilerOptions): Reconciler {
  /** Never sent, oldest first, each with the time of its admission. */
  let waiting: { readonly call: Call; readonly atMs: number }[] = [];
  /** Reported calls without an answer, by the session's numbers or on their way to one. */
  const open = new Set<Call>();
  const counts = { charged: 0, refused: 0, unreported: 0 };
  let cancelTimer: (() => void) | null = null;
  let closed = false;

  const watch = (): void => {
    if (cancelTimer === null && !closed) cancelTimer = runtime.setTimer(tick, BATCH_PAUSE_MS, false);
  };
  const tick = (): void => {
    cancelTimer = null;
    if (!isBack()) {
      watch();
      return;
    }
    sendSome();
    if (waiting.length > 0 || open.size > 0) watch();
    else tell();
  };
  const sendSome = (): void => {
    const nowMs = runtime.monotonicMs();
    let at = 0;
    for (; at < waiting.length && open.size < BATCH_CALLS; at++) {
      const { call, atMs } = waiting[at]!;
      if (nowMs - atMs >= countsForMs(call.rule)) continue;
      open.add(call);
      send(call);
    }
    waiting = waiting.slice(at);
  };
  const tell = (): void => {
    const { charged, refused, unreported } = counts;
    if (charged + refused + unreported > 0) emit({ type: "reconciled", charged, refused, unreported });
    Object.assign(counts, { charged: 0, refused: 0, unreported: 0 });
  };

  return {
    admitted(call, phase) {
      watch();
      if (phase !== "queued") {
        call.reports = true;
        open.add(call);
      } else if (waiting.length < maxCalls) {
        const report = unheard(call);
        report.reports = true;
        waiting.push({ call: report, atMs: runtime.monotonicMs() });
      } else counts.unreported += 1;
    },
    reported(call, allowed) {
      call.phase = "settled";
      if (!open.delete(call)) return;
      if (allowed) counts.charged += 1;
      else counts.refused += 1;
    },
    lost(call) {
      call.phase = "settled";
      if (open.delete(call)) counts.unreported += 1;
    },
    close() {
      closed = true;
      cancelTimer?.();
      waiting = [];
      open.clear();
    },
  };
}

/** For how long an admission counts at most, in milliseconds. Under a name the cluster's policy wins, and it may have a longer window. */
function countsForMs({ policy, algorithm, limit, burst, windowUs }: ResolvedRule): number {
  if (policy !== "") return Number.POSITIVE_INFINITY;
  const windowMs = windowUs / 1_000;
  return algorithm === Algorithm.tokenBucket ? (windowMs * burst) / Math.max(1, limit) + windowMs : windowMs;
}
