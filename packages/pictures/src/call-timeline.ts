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
 * The longest time without an answer of the cluster, after the first of these calls was answered. Degraded decisions
 * and failures are no answers. @throws {Error} when fewer than two calls were answered.
 */
export function longestGap(calls: readonly TimelineCall[]): AnswerGap {
  const answers = calls
    .filter(({ outcome }) => outcome === "allowed" || outcome === "denied")
    // To a hundredth of a millisecond: the sum of two decimal fractions has a rest that no clock tells.
    .map((call) => Math.round((call.startedAtMs + call.latencyMs) * 100) / 100)
    .sort((a, b) => a - b);
  if (answers.length < 2) throw new Error(`${answers.length} calls were answered, but a gap lies between two`);
  let longest = { fromMs: answers[0]!, toMs: answers[0]! };
  for (let i = 1; i < answers.length; i += 1) {
    const [fromMs, toMs] = [answers[i - 1]!, answers[i]!];
    if (toMs - fromMs > longest.toMs - longest.fromMs) longest = { fromMs, toMs };
  }
  return { ...longest, gapMs: Math.round(longest.toMs - longest.fromMs) };
}
