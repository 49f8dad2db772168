import { randomBytes } from "node:crypto";
import type { Runtime } from "@quorumguard/sdk-core";

/** Timers of Node end here, and what is longer would fire at once. */
const LONGEST_TIMER_MS = 2 ** 31 - 1;

/** Time and chance as Node has them: monotonic clock, timers that let a process end, the system's random bytes. */
export const nodeRuntime: Runtime = {
  monotonicMs: () => performance.now(),
  wallMs: () => Date.now(),
  setTimer(callback, delayMs, keepAlive = false) {
    // Who has to wait longer looks at the clock, or does no harm by coming early.
    const timer = setTimeout(callback, Math.min(delayMs, LONGEST_TIMER_MS));
    if (!keepAlive) timer.unref();
    return () => clearTimeout(timer);
  },
  // Promise reactions of this turn run first, so that calls made in them join the same frame.
  endOfTurn: (callback) => {
    setImmediate(callback);
  },
  random: Math.random,
  randomBytes: (length) => new Uint8Array(randomBytes(length)),
};
