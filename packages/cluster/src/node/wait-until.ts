import type { Clock } from "./clock.ts";

/** Looks every tick whether `condition` holds, until it does or the monotonic time `untilMs` has come. */
export async function waitUntil(
  { clock, tickMs }: { readonly clock: Clock; readonly tickMs: number },
  condition: () => boolean,
  untilMs: number,
): Promise<void> {
  while (!condition() && clock.monotonicMs() < untilMs) {
    await new Promise<void>((resolve) => clock.setTimer(resolve, tickMs));
  }
}
