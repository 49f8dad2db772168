import { monitorEventLoopDelay } from "node:perf_hooks";
import { quantile } from "../quantile.ts";

/** How long what was due had to wait for the event loop, in milliseconds. */
export interface Delay {
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly p999Ms: number;
  readonly maxMs: number;
}

/** One stretch of time, as seen from inside the event loop. */
export interface Stretch {
  readonly delay: Delay;
  /** The 99.9th percentile of Node's own monitor over the same time, as a second opinion. */
  readonly monitorP999Ms: number;
}

/** Something is due at every multiple of it. */
export const TICK_MS = 1;

/**
 * The delays of what was due every millisecond from `beganMs` on and before `nowMs`, at a time when the loop comes by.
 *
 * Due times are fixed beforehand. A timer that is set anew each time it fires (and Node's monitor is one) sees a stall of
 * 900 ms as one late firing among thousands, so its 99.9th percentile knows nothing of it; here it delays 900 due times.
 */
export function delaysUntil(nowMs: number, nextDueMs: number, delays: number[]): number {
  let dueMs = nextDueMs;
  for (; dueMs <= nowMs; dueMs += TICK_MS) delays.push(nowMs - dueMs);
  return dueMs;
}

/** Rounded to hundredths, which is finer than the clock of a shared machine. */
export function summarizeDelays(delays: readonly number[]): Delay {
  const sorted = delays.toSorted((a, b) => a - b);
  const at = (share: number) => Math.round(quantile(sorted, share) * 100) / 100;
  return { p50Ms: at(0.5), p99Ms: at(0.99), p999Ms: at(0.999), maxMs: at(1) };
}

/** Watches the event loop that it runs in, one stretch of time after another. */
export class DelayClock {
  readonly #monitor = monitorEventLoopDelay({ resolution: 1 });
  readonly #timer = setInterval(() => this.#look(), TICK_MS);
  #delays: number[] = [];
  #nextDueMs = 0;

  begin(): void {
    this.#delays = [];
    this.#nextDueMs = performance.now();
    this.#monitor.reset();
    this.#monitor.enable();
  }

  end(): Stretch {
    this.#look();
    this.#monitor.disable();
    return {
      delay: summarizeDelays(this.#delays),
      monitorP999Ms: Math.round(this.#monitor.percentile(99.9) / 10_000) / 100,
    };
  }

  close(): void {
    clearInterval(this.#timer);
  }

  #look(): void {
    if (this.#nextDueMs > 0) this.#nextDueMs = delaysUntil(performance.now(), this.#nextDueMs, this.#delays);
  }
}
