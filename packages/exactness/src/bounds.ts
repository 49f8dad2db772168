import { mostInAlignedWindow, mostInAnyWindow } from "@quorumguard/audit";
import { Algorithm, type Rule } from "@quorumguard/limiter";

/** An admission, at the stamp that decided it. */
export interface Admission {
  readonly stampUs: number;
  readonly cost: number;
}

/**
 * The largest admission in any window ÷ the bound that the algorithm publishes: windows that begin anywhere, those that
 * begin at a multiple of their length where the algorithm says more of them, and for buckets every stretch from one
 * admission to another. Whatever comes nearest to its bound, or exceeds it most, counts. `admissions` ascend by stamp.
 */
export function boundRatioOf(rule: Rule, admissions: readonly Admission[]): number {
  const { limit, burst, windowUs } = rule;
  const aligned = mostInAlignedWindow(rule);
  const ratios = [largestInWindow(admissions, windowUs) / mostInAnyWindow(rule)];
  if (aligned !== null) ratios.push(largestAligned(admissions, windowUs) / aligned);
  if (rule.algorithm === Algorithm.tokenBucket)
    ratios.push(largestShare(admissions, (durationUs) => burst + (limit * durationUs) / windowUs));
  return Math.max(...ratios);
}

function largestInWindow(admissions: readonly Admission[], windowUs: number): number {
  let largest = 0;
  let held = 0;
  let oldest = 0;
  for (const { stampUs, cost } of admissions) {
    held += cost;
    while (admissions[oldest]!.stampUs <= stampUs - windowUs) held -= admissions[oldest++]!.cost;
    largest = Math.max(largest, held);
  }
  return largest;
}

function largestAligned(admissions: readonly Admission[], windowUs: number): number {
  const held = new Map<number, number>();
  for (const { stampUs, cost } of admissions) {
    const window = Math.floor(stampUs / windowUs);
    held.set(window, (held.get(window) ?? 0) + cost);
  }
  return Math.max(0, ...held.values());
}

/** Every stretch from one admission to another, both of them in it. */
function largestShare(admissions: readonly Admission[], most: (durationUs: number) => number): number {
  let largest = 0;
  for (const [at, first] of admissions.entries()) {
    let held = 0;
    for (let next = at; next < admissions.length; next++) {
      const { stampUs, cost } = admissions[next]!;
      held += cost;
      largest = Math.max(largest, held / most(stampUs - first.stampUs));
    }
  }
  return largest;
}
