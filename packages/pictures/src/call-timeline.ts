import type { Outcome } from "./outcome-marks.ts";

/** One call around a kill: when it was due, and what became of it. */
export interface TimelineCall {
  /** Milliseconds from the kill to when the call was due; negative before it. */
  readonly startedAtMs: number;
  /** From when the call was due to its answer. */
  readonly latencyMs: number;
  readonly outcome: Outcome;
}

/** From one answer to the next, in milliseconds from the kill. */
export interface AnswerGap {
  readonly fromMs: number;
  readonly toMs: number;
  /** `toMs - fromMs`, rounded to a whole millisecond: the number that is told and drawn. */
  readonly gapMs: number;
}

/**
 * The longest time without an answer of the cluster that ended after the kill. Degraded decisions and failures are no
 * answers. @throws {Error} when no answer came before the kill, or none after it.
 */
export function longestGap(calls: readonly TimelineCall[]): AnswerGap {
  const answers = calls
    .filter(({ outcome }) => outcome === "allowed" || outcome === "denied")
    .map(endOf)
    .sort((a, b) => a - b);
  let longest: Omit<AnswerGap, "gapMs"> | null = null;
  for (let i = 1; i < answers.length; i += 1) {
    const [fromMs, toMs] = [answers[i - 1]!, answers[i]!];
    if (toMs > 0 && (longest === null || toMs - fromMs > longest.toMs - longest.fromMs)) longest = { fromMs, toMs };
  }
  if (longest === null)
    throw new Error(`of ${answers.length} answers none follows another after the kill: there is no gap`);
  return { ...longest, gapMs: Math.round(longest.toMs - longest.fromMs) };
}

/** What is drawn at least: this long before the kill, and this long after it. */
const shown = { beforeMs: 150, afterMs: 350 } as const;

/**
 * The calls around the kill that make a picture of it, in order of their due times: some before it, those of the longest
 * gap, and some after it. Their longest gap is that of all `calls`. @throws {Error} as `longestGap`.
 */
export function callsAroundKill(calls: readonly TimelineCall[]): readonly TimelineCall[] {
  const gap = longestGap(calls);
  // By the end and not by the start: a call that is left out may not be what ends a gap.
  const from = Math.min(-shown.beforeMs, gap.fromMs);
  const to = Math.max(shown.afterMs, gap.toMs + 2 * gap.gapMs);
  return calls
    .filter((call) => endOf(call) >= from && call.startedAtMs <= to)
    .sort((a, b) => a.startedAtMs - b.startedAtMs);
}

/** To a hundredth of a millisecond: the sum of two decimal fractions has a rest that no clock tells. */
function endOf({ startedAtMs, latencyMs }: TimelineCall): number {
  return Math.round((startedAtMs + latencyMs) * 100) / 100;
}
