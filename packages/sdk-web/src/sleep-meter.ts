import type { Runtime } from "@quorumguard/sdk-core";

/** What the wall clock gains on the other one between two looks is sleep if it is more. */
const SLEEP_MS = 1_000;

/**
 * Makes what tells, each time it is called, for how many milliseconds the device has slept since the call before: the clock of
 * `performance.now()` stands still while some devices sleep, and the wall clock does not.
 */
export function createSleepMeter(runtime: Pick<Runtime, "monotonicMs" | "wallMs">): () => number {
  const gainMs = () => runtime.wallMs() - runtime.monotonicMs();
  let lastGainMs = gainMs();
  return () => {
    const nowGainMs = gainMs();
    const sleptMs = nowGainMs - lastGainMs;
    // Also where it is negative: sleep after somebody set the clock back is sleep.
    lastGainMs = nowGainMs;
    return sleptMs < SLEEP_MS ? 0 : sleptMs;
  };
}
