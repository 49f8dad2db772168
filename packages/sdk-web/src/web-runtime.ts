import type { Runtime } from "@quorumguard/sdk-core";

/** Time and chance as every web runtime has them. An object of functions: nothing runs at module scope. */
export const webRuntime: Runtime = {
  monotonicMs: () => performance.now(),
  wallMs: () => Date.now(),
  setTimer(callback, delayMs, keepAlive = false) {
    const timer: unknown = setTimeout(callback, delayMs);
    // In Node a timer is an object that can let the process end; elsewhere it is a number.
    if (!keepAlive && typeof timer === "object" && timer !== null && "unref" in timer)
      (timer as { unref(): void }).unref();
    return () => clearTimeout(timer as number);
  },
  endOfTurn: (callback) => queueMicrotask(callback),
  random: () => Math.random(),
  randomBytes: (length) => crypto.getRandomValues(new Uint8Array(length)),
};
