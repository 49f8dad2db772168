import { Algorithm } from "@quorumguard/limiter";
import { type Call, type CallItem, type CallPhase, unheard } from "../calls/call.ts";
import type { GuardEvent } from "../surface/guard.ts";
import { numbersOf } from "../surface/resolved-rule.ts";
import type { Runtime } from "../transport.ts";
import type { Breaker } from "./breaker.ts";

/** Calls that are reported together, and how long it is until the next: no leader that is back is flooded by what happened meanwhile. */
const BATCH_CALLS = 100;
const BATCH_PAUSE_MS = 100;
/** How long the end of a guard may wait for reports to be answered. */
const CLOSE_WAIT_MS = 250;

/**
 * Reports to the cluster what was admitted without it (SEMANTICS U3), so that its counts know of it. A call that was sent
 * stays open under its number, and is charged by that or was already; one that was never sent gets a number when the cluster
 * is back. While no caller looks for it, the oldest of these does, alone. A report is the call itself: what has no room any more is denied, and nobody is told.
 */
export interface Reconciler {
  /** This call was admitted without the cluster; `phase`: where it stood until then. Marks it as one whose end still matters. */
  admitted(call: Call, phase: CallPhase): void;
  /** The cluster has decided it after all. */
  reported(call: Call, allowed: boolean): void;
  /** It will not be reported: its session is gone, and with it the knowledge of whether it was charged. */
  lost(call: Call): void;
  /** Sends what there is to report, and tells how it came out once all is answered, or shortly after. Null: there is nothing to wait for. */
  close(): Promise<void> | null;
}

/** What a reconciler needs of its guard. */
export interface ReconcilerOptions {
  readonly runtime: Runtime;
  /** Calls that were never sent, and wait to be reported, at once. */
  readonly maxCalls: number;
  readonly breaker: Pick<Breaker, "state">;
  /** Whether somebody is there who would take a call. */
  readonly isReachable: () => boolean;
  /** Sends a call whose end nobody waits for. */
  readonly send: (call: Call) => void;
  /** Ends a call that was sent, so that it is never executed unless it was already. */
  readonly forget: (call: Call) => void;
  readonly emit: (event: GuardEvent) => void;
}

interface Report {
  readonly call: Call;
  /** When it was admitted, on the monotonic clock. */
  readonly atMs: number;
}

/** A reconciler with nothing to report. */
export function createReconciler(options: ReconcilerOptions): Reconciler {
  const { runtime, maxCalls, breaker, isReachable, send, forget, emit } = options;
  /** Never sent, oldest first. */
  let waiting: Report[] = [];
  /** Reported calls without an answer, by the session's numbers or on their way to one; and when they were admitted. */
  const open = new Map<Call, number>();
  const told = { charged: 0, refused: 0, unreported: 0 };
  /** Until then, on the monotonic clock, all of them count. */
  let allCountUntilMs = Number.POSITIVE_INFINITY;
  let cancelTimer: (() => void) | null = null;
  /** Ends the end of the guard; null: it has not begun. */
  let finish: (() => void) | null = null;

  const isDone = (): boolean => waiting.length === 0 && open.size === 0;
  const watch = (): void => {
    if (cancelTimer === null && finish === null) cancelTimer = runtime.setTimer(tick, BATCH_PAUSE_MS, false);
  };
  const tick = (): void => {
    cancelTimer = null;
    leaveOut();
    if (isReachable()) {
      if (breaker.state === "closed") sendSome(BATCH_CALLS);
      // Its answer is what closes the breaker. One that is not answered stays on its way, and there is no other beside it.
      else if (breaker.state === "open") sendSome(1);
    }
    // What a ramp refuses belongs to the same outage.
    if (!isDone() || breaker.state === "ramping") watch();
    else tell();
  };
  /** What no longer counts is not charged now. */
  const leaveOut = (): void => {
    const nowMs = runtime.monotonicMs();
    if (nowMs < allCountUntilMs) return;
    allCountUntilMs = Number.POSITIVE_INFINITY;
    waiting = waiting.filter((report) => counts(report, nowMs));
    for (const [call, atMs] of open) {
      if (!counts({ call, atMs }, nowMs) && open.delete(call)) forget(call);
    }
  };
  const counts = ({ call, atMs }: Report, nowMs: number): boolean => {
    const untilMs = atMs + countsForMs(call);
    if (nowMs >= untilMs) return false;
    allCountUntilMs = Math.min(allCountUntilMs, untilMs);
    return true;
  };
  const sendSome = (mostOpen: number): void => {
    const nowMs = runtime.monotonicMs();
    let at = 0;
    for (; at < waiting.length && open.size < mostOpen; at++) {
      const { call, atMs } = waiting[at]!;
      // The cluster may have told of a shorter window since.
      if (!counts({ call, atMs }, nowMs)) continue;
      open.set(call, atMs);
      send(call);
    }
    waiting.splice(0, at);
  };
  const tell = (): void => {
    const { charged, refused, unreported } = told;
    if (charged + refused + unreported > 0) emit({ type: "reconciled", charged, refused, unreported });
    Object.assign(told, { charged: 0, refused: 0, unreported: 0 });
  };
  const ended = (call: Call, as: keyof typeof told): void => {
    call.phase = "settled";
    if (!open.delete(call)) return;
    told[as] += 1;
    if (finish === null) return;
    sendSome(BATCH_CALLS);
    if (isDone()) finish();
  };
  const giveUp = (): void => {
    told.unreported += waiting.length + open.size;
    waiting = [];
    open.clear();
    tell();
  };

  return {
    admitted(call, phase) {
      watch();
      const atMs = runtime.monotonicMs();
      allCountUntilMs = Math.min(allCountUntilMs, atMs + countsForMs(call));
      if (phase !== "queued") {
        call.reports = true;
        open.set(call, atMs);
      } else if (waiting.length < maxCalls) {
        const report = unheard(call);
        report.reports = true;
        waiting.push({ call: report, atMs });
      } else told.unreported += 1;
    },
    reported: (call, allowed) => ended(call, allowed ? "charged" : "refused"),
    lost: (call) => ended(call, "unreported"),
    close() {
      cancelTimer?.();
      leaveOut();
      finish = ignore;
      if (isDone() || !isReachable()) {
        giveUp();
        return null;
      }
      return new Promise((resolve) => {
        const end = (): void => {
          cancel();
          finish = ignore;
          giveUp();
          resolve();
        };
        const cancel = runtime.setTimer(end, CLOSE_WAIT_MS, true);
        finish = end;
        sendSome(BATCH_CALLS);
      });
    },
  };
}

const ignore = (): void => {};

/** For how long an admission counts at most, in milliseconds, as far as is known: for ever, under a name that nobody told the numbers of. */
function countsForMs(call: Call): number {
  return (call.group ?? [call]).reduce((longest, item) => Math.max(longest, itemCountsForMs(item)), 0);
}

function itemCountsForMs({ rule }: CallItem): number {
  const { algorithm, limit, burst, windowUs } = numbersOf(rule);
  const windowMs = windowUs / 1_000;
  switch (algorithm) {
    case 0:
      return Number.POSITIVE_INFINITY;
    case Algorithm.tokenBucket:
      return (windowMs * burst) / Math.max(1, limit) + windowMs;
    case Algorithm.slidingWindowCounter:
      // As part of the window before, too.
      return 2 * windowMs;
    default:
      return windowMs;
  }
}
