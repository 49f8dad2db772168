import type { Clock } from "./clock.ts";

/** The clock of this machine, for a node that is not simulated. */
export function createSystemClock(): Clock {
  return {
    monotonicMs: () => performance.now(),
    wallMs: () => Date.now(),
    setTimer(callback, delayMs) {
      const timer = setTimeout(callback, delayMs);
      timer.unref();
      return () => clearTimeout(timer);
    },
    // Immediates run after the poll phase: every socket that was readable has been read by then.
    endOfTurn(callback) {
      setImmediate(callback);
    },
  };
}
