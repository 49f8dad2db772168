import type { TimeBreak } from "./caller-audit.ts";

/** A moment of which only bounds are known. */
export interface TimeSpan {
  readonly fromUs: number;
  /** Infinity: nobody knows. */
  readonly toUs: number;
}

/** How the clock that a history is written in tells the passing of the cluster's stamps. */
export interface TimeScale {
  /** Bounds of the stamp time that passed between two moments, the earlier first. */
  atLeastUs(earlier: TimeSpan, later: TimeSpan): number;
  atMostUs(earlier: TimeSpan, later: TimeSpan): number;
  /** The number of the window that a moment lies in, where windows begin at multiples of their length; null: unknown. */
  windowOf(moment: TimeSpan, windowUs: number): number | null;
}

/** The history is written in stamps: what passed is known exactly, as far as the moments are. */
export const stampScale: TimeScale = {
  atLeastUs: (earlier, later) => Math.max(0, later.fromUs - earlier.toUs),
  atMostUs: (earlier, later) => later.toUs - earlier.fromUs,
  windowOf({ fromUs, toUs }, windowUs) {
    const first = Math.floor(fromUs / windowUs);
    return first === Math.floor(toUs / windowUs) ? first : null;
  },
};

/** What is promised about stamps against real time (SEMANTICS T3). */
export interface ClockPromise {
  /** How much stamp time may be lost on top of the slew, within any stretch of about a window: changes of leader. */
  readonly lagUs: number;
  readonly breaks: readonly TimeBreak[];
}

/** Stamps run at 0.99 to 1.01 of real time; callers' clocks and stamps are rounded to whole units. */
export const slowestStamp = 0.99;
export const fastestStamp = 1.01;
const roundingUs = 2_000;

/** The history is written in a caller's own time. */
export function callerScale({ lagUs, breaks }: ClockPromise): TimeScale {
  return {
    atLeastUs(earlier, later) {
      let sinceUs = earlier.toUs;
      // Across a break nothing is known: only what passed after it counts.
      for (const { fromUs, toUs } of breaks)
        if (fromUs < later.fromUs && toUs > earlier.toUs) sinceUs = Math.max(sinceUs, toUs);
      return Math.max(0, (later.fromUs - sinceUs) * slowestStamp - lagUs - roundingUs);
    },
    atMostUs(earlier, later) {
      for (const { fromUs, toUs } of breaks)
        if (fromUs <= later.toUs && toUs >= earlier.fromUs) return Number.POSITIVE_INFINITY;
      return (later.toUs - earlier.fromUs) * fastestStamp + roundingUs;
    },
    // Callers' clocks say how much time passed, but not which stamp it is.
    windowOf: () => null,
  };
}
