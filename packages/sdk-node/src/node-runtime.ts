import { randomBytes } from "node:crypto";
import type { Runtime } from "@quorumguard/sdk-core";

/** Time and chance as Node has them: monotonic clock, timers that let a process end, the system's random bytes. */
export const nodeRuntime: Runtime = {
  monotonicMs: () => performance.now(),
  wallMs: () => Date.now(),
  setTimer(callback, delayMs, keepAlive = false) {
    const timer = setTimeout(callback, delayMs);
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
