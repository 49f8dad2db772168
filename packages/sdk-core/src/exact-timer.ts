/** Timers of Node and of browsers end here, and what is longer would fire at once. */
const LONGEST_TIMER_MS = 2 ** 31 - 1;

/** A platform's clock, and its timers as they are. */
export interface PlatformTimers {
  /** Milliseconds; never steps. */
  monotonicMs(): number;
  /** Calls once after about `delayMs`, a whole number; returns what cancels it. `keepAlive` false: lets a process end. */
  arm(callback: () => void, delayMs: number, keepAlive: boolean): () => void;
}

/**
 * A timer as a runtime promises it: it never calls back before its time by the clock that its caller reads. Platforms count timers in
 * whole milliseconds of another clock and fire them up to one early; whoever looks at the clock then finds that nothing is due, and
 * nobody wakes them again. Longer than the platform's longest is no trouble either. Returns what cancels it.
 */
export function setExactTimer(
  platform: PlatformTimers,
  callback: () => void,
  delayMs: number,
  keepAlive: boolean,
): () => void {
  const dueMs = platform.monotonicMs() + delayMs;
  const arm = (leftMs: number) => platform.arm(wake, Math.min(Math.ceil(leftMs), LONGEST_TIMER_MS), keepAlive);
  const wake = (): void => {
    const leftMs = dueMs - platform.monotonicMs();
    if (leftMs > 0) cancel = arm(leftMs);
    else callback();
  };
  let cancel = arm(delayMs);
  return () => cancel();
}
