import { type PlatformTimers, type Runtime, setExactTimer } from "@quorumguard/sdk-core";

const platform: PlatformTimers = {
  monotonicMs: () => performance.now(),
  arm(callback, delayMs, keepAlive) {
    const timer: unknown = setTimeout(callback, delayMs);
    // In Node a timer is an object that can let the process end; elsewhere it is a number.
    if (!keepAlive && typeof timer === "object" && timer !== null && "unref" in timer)
      (timer as { unref(): void }).unref();
    return () => clearTimeout(timer as number);
  },
};

/** Time and chance as every web runtime has them. An object of functions: nothing runs at module scope. */
export const webRuntime: Runtime = {
  monotonicMs: () => performance.now(),
  wallMs: () => Date.now(),
  setTimer: (callback, delayMs, keepAlive = false) => setExactTimer(platform, callback, delayMs, keepAlive),
  endOfTurn: (callback) => queueMicrotask(callback),
  random: () => Math.random(),
  randomBytes: (length) => crypto.getRandomValues(new Uint8Array(length)),
};
