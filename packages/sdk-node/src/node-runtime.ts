import { randomBytes } from "node:crypto";
import { type PlatformTimers, type Runtime, setExactTimer } from "@quorumguard/sdk-core";

const platform: PlatformTimers = {
  monotonicMs: () => performance.now(),
  arm(callback, delayMs, keepAlive) {
    const timer = setTimeout(callback, delayMs);
    if (!keepAlive) timer.unref();
    return () => clearTimeout(timer);
  },
};

/** Time and chance as Node has them: monotonic clock, timers that let a process end, the system's random bytes. */
export const nodeRuntime: Runtime = {
  monotonicMs: () => performance.now(),
  wallMs: () => Date.now(),
  setTimer: (callback, delayMs, keepAlive = false) => setExactTimer(platform, callback, delayMs, keepAlive),
  // Promise reactions of this turn run first, so that calls made in them join the same frame.
  endOfTurn: (callback) => {
    setImmediate(callback);
  },
  random: Math.random,
  randomBytes: (length) => new Uint8Array(randomBytes(length)),
};
