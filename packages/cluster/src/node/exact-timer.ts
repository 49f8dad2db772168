/** Timers of Node end here, and what is longer would fire at once. */
const longestTimerMs = 2 ** 31 - 1;

/** A platform's clock, and its timers as they are. */
export interface PlatformTimers {
  /** Milliseconds; never steps. */
  monotonicMs(): number;
  /** Calls once after about `delayMs`, a whole number; returns what cancels it. */
  arm(callback: () => void, delayMs: number): () => void;
}

/**
 * A timer as a `Clock` promises it: it never calls back before its time by the clock that its caller reads. Node counts timers in
 * whole milliseconds of another clock and fires them up to one early; whoever looks at the clock then finds that nothing is due, and
 * nobody wakes them again. The SDK's runtimes have the same of their own. Returns what cancels it.
 */
export function setExactTimer(platform: PlatformTimers, callback: () => void, delayMs: number): () => void {
  const dueMs = platform.monotonicMs() + delayMs;
  const arm = (leftMs: number) => platform.arm(wake, Math.min(Math.ceil(leftMs), longestTimerMs));
  const wake = (): void => {
    const leftMs = dueMs - platform.monotonicMs();
    if (leftMs > 0) cancel = arm(leftMs);
    else callback();
  };
  let cancel = arm(delayMs);
  return () => cancel();
}
