import type { CallItem } from "./calls/call.ts";
import { createOwnTurns } from "./own-turns.ts";
import { realMs } from "./real-time.ts";
import type { Decision, Denied } from "./surface/guard.ts";
import { GuardError, isUnavailable } from "./surface/guard-error.ts";
import type { ResolvedRule } from "./surface/resolved-rule.ts";
import type { Runtime } from "./transport.ts";
import type { Line, Waiter, WaitTerms } from "./waiting-line.ts";

/** What the lines need of their guard. */
export interface WaitingLinesOptions {
  readonly runtime: Runtime;
  /** The deadline of one question, in milliseconds, however little is left of the wait: what is asked can be answered. */
  readonly askTimeoutMs: number;
  /** Callers that may wait at once; one more is `overloaded`. */
  readonly maxWaiting: number;
  /**
   * What one request began may end with it, unsettled: so nobody asks for another, nor wakes it. Each asks when nobody is left before
   * it, as far as that can be seen.
   */
  readonly perRequest: boolean;
  /** One `allow`. */
  readonly ask: (item: CallItem, terms: WaitTerms & { readonly timeoutMs: number }) => Promise<Decision>;
  /** What `onUnavailable` gives one whose time is up while the cluster did not answer, and for whom nothing was asked. */
  readonly lapse: (item: CallItem, terms: WaitTerms & { readonly timeoutMs: number }) => Promise<Decision>;
}

/** Callers of `wait`: one line per key and rule, served in the order in which they came. */
export interface WaitingLines {
  wait(item: CallItem, terms: WaitTerms): Promise<Decision>;
  /** Whoever pauses asks again now: the time may have passed unnoticed. */
  hurry(): void;
  /** Everyone who still waits is rejected with it. */
  close(errorOf: (key: string) => GuardError): void;
}

const newcomer = { release: () => {}, waits: true, movesByMs: Number.POSITIVE_INFINITY, asks: false };

/**
 * Lines that nobody waits in yet. Only the first of a line asks, and again no sooner than the cluster said that it could be
 * admitted; so a thousand callers of one key cost as many questions as there are admissions, and nobody overtakes.
 */
export function createWaitingLines(options: WaitingLinesOptions): WaitingLines {
  const { runtime, askTimeoutMs, maxWaiting, perRequest } = options;
  const lines = new Map<ResolvedRule, Map<string, Line>>();
  let waiting = 0;
  let closed: ((key: string) => GuardError) | null = null;

  const leave = (line: Line, waiter: Waiter): boolean => {
    if (!waiter.waits) return false;
    waiter.waits = false;
    if (line.waiters.delete(waiter)) waiting -= 1;
    line.late.delete(waiter);
    waiter.release();
    if (perRequest && line.waiters.size === 0) line.forget();
    return true;
  };
  /** When its time is up, on the monotonic clock as it is now. */
  const endOf = ({ deadlineMs }: Waiter): number => deadlineMs + (runtime.monotonicMs() - realMs(runtime));
  const give = (line: Line, waiter: Waiter, decision: Decision): void => {
    if (leave(line, waiter)) waiter.resolve(decision);
  };
  const ask = ({ item, terms }: Waiter): Promise<Decision> => options.ask(item, { ...terms, timeoutMs: askTimeoutMs });

  /** What the line was told last, as a denial of this one now: before it others have their turn. */
  const denialNow = (line: Line, answer: Decision, { item }: Waiter): Denied => {
    const elapsedMs = runtime.monotonicMs() - line.answeredAtMs;
    // Whole milliseconds, as everywhere, and never so few that whoever comes back then is early.
    const left = (ms: number | null) => (ms === null ? null : Math.max(0, Math.ceil(ms - elapsedMs)));
    const resetAfterMs = left(answer.resetAfterMs);
    if (!answer.allowed) return { ...answer, retryAfterMs: left(answer.retryAfterMs), resetAfterMs };
    const hasRoom = answer.remaining === null || answer.remaining >= item.cost;
    return { ...answer, allowed: false, reason: "limited", retryAfterMs: hasRoom ? 0 : resetAfterMs, resetAfterMs };
  };
  /** Whose time is up before the first one asks again learns it at once: to wait in vain keeps from doing something else. */
  const dismiss = (line: Line, waiter: Waiter, wakeMs: number): boolean => {
    const [first] = line.waiters;
    // What was decided in the cluster's place goes by its caller's own `onUnavailable`, and says nothing to others.
    if (line.answer === null || endOf(waiter) >= wakeMs || (line.answer.degraded && waiter !== first)) return false;
    give(line, waiter, denialNow(line, line.answer, waiter));
    return true;
  };
  /** Its time is up, and this is what the line knows; null: the cluster did not say anything until its deadline. */
  const endInVain = (line: Line, waiter: Waiter, answer: Decision | null): void => {
    const { item, terms } = waiter;
    if (answer !== null && !answer.degraded) give(line, waiter, denialNow(line, answer, waiter));
    else if (terms.timeoutMs !== null && leave(line, waiter)) {
      // What that means is for `onUnavailable` to say. To ask for it now would be to overtake whoever is before it.
      options.lapse(item, { ...terms, timeoutMs: terms.timeoutMs }).then(waiter.resolve, waiter.reject);
    }
  };
  /** The question on which they waited has its answer. */
  const endLate = (line: Line, answer: Decision | null): void => {
    for (const waiter of line.late) endInVain(line, waiter, answer);
  };

  /** Waits until that time, or until somebody wakes the line. */
  const pauseUntil = (line: Line, wakeMs: number): Promise<void> =>
    new Promise((resolve) => {
      const [wake, delayMs] = [() => line.wake?.(), Math.max(0, wakeMs - runtime.monotonicMs())];
      const cancel = runtime.setPause?.(wake, delayMs) ?? runtime.setTimer(wake, delayMs, true);
      line.pausesUntilMs = wakeMs;
      line.wake = () => {
        line.wake = null;
        cancel();
        resolve();
      };
    });

  const serveFirst = async (line: Line, first: Waiter): Promise<void> => {
    const decision = await ask(first);
    const nowMs = runtime.monotonicMs();
    line.answer = decision;
    line.answeredAtMs = nowMs;
    if (decision.allowed || decision.retryAfterMs === null) give(line, first, decision);
    endLate(line, decision);
    if (decision.allowed || decision.retryAfterMs === null) return;
    const wakeMs = nowMs + decision.retryAfterMs;
    for (const waiter of line.waiters) dismiss(line, waiter, wakeMs);
    if (line.waiters.has(first)) await pauseUntil(line, wakeMs);
  };
  const serve = async (line: Line): Promise<void> => {
    for (let [first] = line.waiters; first !== undefined; [first] = line.waiters) {
      const waiter = first;
      await serveFirst(line, waiter).catch((error: unknown) => {
        if (leave(line, waiter)) waiter.reject(error);
        line.answer = null;
        if (error instanceof GuardError && isUnavailable(error.code)) endLate(line, null);
      });
    }
    line.forget();
  };

  const entered = (count: number): void => {
    waiting += count;
  };
  const ownTurns = createOwnTurns({ runtime, askTimeoutMs, ask, endOf, give, denialNow, endInVain, entered });
  const eachLine = (visit: (line: Line) => void): void => {
    for (const ofRule of lines.values()) for (const line of ofRule.values()) visit(line);
  };
  const lineOf = ({ rule, key }: CallItem): Line => {
    let ofRule = lines.get(rule);
    if (ofRule === undefined) {
      ofRule = new Map();
      lines.set(rule, ofRule);
    }
    const known = ofRule.get(key);
    if (known !== undefined) return known;
    const line: Line = {
      waiters: new Set(),
      late: new Set(),
      answer: null,
      answeredAtMs: 0,
      pausesUntilMs: 0,
      wake: null,
      forget() {
        if (lines.get(rule)?.get(key) !== line) return;
        ofRule.delete(key);
        if (ofRule.size === 0) lines.delete(rule);
      },
    };
    ofRule.set(key, line);
    // The first waiter steps in within this turn.
    if (!perRequest) void Promise.resolve().then(() => serve(line));
    return line;
  };

  /** The time is up for one that may be anywhere in its line. */
  const onTimeUp = (line: Line, waiter: Waiter): void => {
    const [first] = line.waiters;
    // The first one either asks, and what is asked is awaited, or pauses only where the pause ends before its time does.
    if (first === waiter) return;
    const { answer } = line;
    // While the first one pauses no answer is on its way.
    if ((answer !== null && !answer.degraded) || line.wake !== null) endInVain(line, waiter, answer);
    else line.late.add(waiter);
  };
  const onAbort = (line: Line, waiter: Waiter): void => {
    const [first] = line.waiters;
    // While it asks, its question hears of it too, and knows whether something was counted.
    if (perRequest ? waiter.asks : first === waiter && line.wake === null) return;
    if (!leave(line, waiter)) return;
    const cause = waiter.terms.signal?.reason;
    waiter.reject(
      new GuardError("aborted", "the call was aborted while it waited; nothing was counted", { applied: "no", cause }),
    );
    if (first === waiter) line.wake?.();
  };

  return {
    wait: (item, terms) =>
      new Promise<Decision>((resolve, reject) => {
        const { timeoutMs, signal } = terms;
        if (closed !== null) throw closed(item.key);
        if (signal?.aborted === true) {
          const message = "the signal was aborted already";
          throw new GuardError("aborted", message, { applied: "no", cause: signal.reason });
        }
        if (perRequest && waiting >= maxWaiting) eachLine(ownTurns.dropLost);
        if (waiting >= maxWaiting) {
          const message = `${maxWaiting} callers of wait wait in this process, the most that maxPendingCalls allows`;
          throw new GuardError("overloaded", message);
        }
        const deadlineMs = timeoutMs === null ? Number.POSITIVE_INFINITY : realMs(runtime) + timeoutMs;
        const waiter: Waiter = { item, terms, deadlineMs, resolve, reject, ...newcomer };
        const line = lineOf(item);
        line.waiters.add(waiter);
        waiting += 1;
        if (line.wake !== null && dismiss(line, waiter, line.pausesUntilMs)) return;
        const abort = () => onAbort(line, waiter);
        signal?.addEventListener("abort", abort, { once: true });
        const hasTimer = timeoutMs !== null && !perRequest;
        const cancel = hasTimer ? runtime.setTimer(() => onTimeUp(line, waiter), timeoutMs, true) : null;
        waiter.release = () => {
          signal?.removeEventListener("abort", abort);
          cancel?.();
        };
        if (!perRequest) return;
        ownTurns.serve(line, waiter).catch((error: unknown) => {
          line.answer = null;
          if (leave(line, waiter)) reject(error);
        });
      }),
    hurry() {
      eachLine((line) => line.wake?.());
    },
    close(errorOf) {
      closed = errorOf;
      eachLine((line) => {
        for (const waiter of line.waiters) {
          if (leave(line, waiter)) waiter.reject(errorOf(waiter.item.key));
        }
        line.wake?.();
      });
    },
  };
}
