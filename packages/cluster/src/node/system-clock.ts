import type { Clock } from "./clock.ts";
import { setExactTimer } from "./exact-timer.ts";

/** The clock of this machine, for a node that is not simulated. */
export function createSystemClock(): Clock {
  const monotonicMs = () => performance.now();
  const arm = (callback: () => void, delayMs: number) => {
    const timer = setTimeout(callback, delayMs);
    timer.unref();
    return () => clearTimeout(timer);
  };
  const timers = { monotonicMs, arm };
  return {
    monotonicMs,
    wallMs: () => Date.now(),
    setTimer: (callback, delayMs) => setExactTimer(timers, callback, delayMs),
    // Immediates run after the poll phase: every socket that was readable has been read by then.
    endOfTurn(callback) {
      setImmediate(callback);
    },
  };
}
