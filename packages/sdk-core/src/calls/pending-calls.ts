import { realMs } from "../real-time.ts";
import type { Runtime } from "../transport.ts";
import type { Call } from "./call.ts";

/** No more often than this, so that calls with scattered deadlines cost one timer. Calls end at most this late. */
const GRANULARITY_MS = 5;
/** A call's own timer has fired by then, if it still can. */
const LATE_MS = 50;
/** Where too many wait, those that never end are looked for no more often than this. */
const LOOK_MS = 50;

/**
 * All calls that are not settled, and the one timer that watches their deadlines. The timer is also what keeps a
 * process alive while it waits for an answer; everything else of the SDK lets it end.
 */
export interface PendingCalls {
  readonly count: number;
  /** Whether there are more than so many; those whose time was over before do not count. */
  exceeds(max: number): boolean;
  add(call: Call): void;
  /** Once per added call. */
  remove(call: Call): void;
  /** The call may wait no longer than this, from now on. */
  shorten(call: Call, timeoutMs: number): void;
  /** Visits all; the visitor may remove the call that it is given. */
  forEach(visit: (call: Call) => void): void;
}

/**
 * Makes the list; `onDeadline` is called for each call whose deadline passed, and must remove it. Without a shared
 * timer each call has its own: on edge runtimes a timer lives and dies with the request that set it.
 */
export function createPendingCalls(
  runtime: Runtime,
  onDeadline: (call: Call) => void,
  sharedTimer = true,
): PendingCalls {
  let head: Call | null = null;
  let tail: Call | null = null;
  let count = 0;
  let timerAtMs = Number.POSITIVE_INFINITY;
  let cancelTimer: (() => void) | null = null;
  /** When calls that never end are looked for again. */
  let nextLostMs = 0;

  const forEach = (visit: (call: Call) => void): void => {
    for (let call = head; call !== null; ) {
      const next: Call | null = call.next;
      visit(call);
      call = next;
    }
  };
  const schedule = (atMs: number, nowMs: number): void => {
    cancelTimer?.();
    timerAtMs = atMs;
    cancelTimer = runtime.setTimer(scan, Math.max(0, atMs - nowMs), true);
  };
  const scan = (): void => {
    cancelTimer = null;
    timerAtMs = Number.POSITIVE_INFINITY;
    const nowMs = realMs(runtime);
    let earliest = Number.POSITIVE_INFINITY;
    forEach((call) => {
      if (call.deadlineMs <= nowMs) onDeadline(call);
      else if (call.deadlineMs < earliest) earliest = call.deadlineMs;
    });
    // An onDeadline may have added calls and so a timer of its own.
    const atMs = Math.max(earliest, nowMs + GRANULARITY_MS);
    if (count > 0 && earliest !== Number.POSITIVE_INFINITY && atMs < timerAtMs) schedule(atMs, nowMs);
  };

  const add = (call: Call): void => {
    call.previous = tail;
    if (tail === null) head = call;
    else tail.next = call;
    tail = call;
    count += 1;
    if (!sharedTimer) {
      call.cancelTimer = runtime.setTimer(() => onDeadline(call), call.timeoutMs, true);
      return;
    }
    if (call.deadlineMs < timerAtMs) schedule(call.deadlineMs, realMs(runtime));
  };
  const unlink = (call: Call): void => {
    if (call.previous === null && head !== call) return;
    if (call.previous === null) head = call.next;
    else call.previous.next = call.next;
    if (call.next === null) tail = call.previous;
    else call.next.previous = call.previous;
    call.previous = null;
    call.next = null;
    count -= 1;
  };
  const remove = (call: Call): void => {
    unlink(call);
    call.cancelTimer?.();
    call.cancelTimer = null;
    if (count > 0) return;
    cancelTimer?.();
    cancelTimer = null;
    timerAtMs = Number.POSITIVE_INFINITY;
  };

  /**
   * Takes out whose time is over without an end: a request that is over at the edge took its timers along. Elsewhere such a timer is
   * only late, and still ends the call.
   */
  const dropLost = (): void => {
    const nowMs = realMs(runtime);
    if (sharedTimer || nowMs < nextLostMs) return;
    nextLostMs = nowMs + LOOK_MS;
    forEach((call) => {
      if (call.deadlineMs + LATE_MS <= nowMs) unlink(call);
    });
  };

  return {
    get count() {
      return count;
    },
    exceeds(max) {
      if (count > max) dropLost();
      return count > max;
    },
    add,
    remove,
    shorten(call, timeoutMs) {
      remove(call);
      call.deadlineMs += timeoutMs - call.timeoutMs;
      call.timeoutMs = timeoutMs;
      add(call);
    },
    forEach,
  };
}
