import { type CallerRecord, mostInAnyWindow } from "@quorumguard/audit";
import type { Rule } from "@quorumguard/limiter";

/** Stamps run at 0.99 to 1.01 of real time (SEMANTICS T3). */
const fastest = 1.01;

/**
 * The largest admission in any window ÷ the published bound, by nothing but the callers' own clock: calls that began and
 * ended within window ÷ 1.01 of each other fell into one window in stamps. What calls overlap the edges is left out, so
 * this never blames the cluster wrongly, and an excess that hides in a few calls' latency may escape it.
 */
export function boundRatioByCallers(rule: Rule, records: readonly CallerRecord[]): number {
  const admitted = records.filter(({ allowed }) => allowed === true);
  admitted.sort((one, other) => one.startUs - other.startUs);
  let largest = 0;
  for (const [at, first] of admitted.entries()) {
    const endUs = first.startUs + rule.windowUs / fastest;
    let held = 0;
    for (let next = at; next < admitted.length && admitted[next]!.startUs < endUs; next++)
      if (admitted[next]!.endUs < endUs) held += admitted[next]!.items[0]!.cost;
    largest = Math.max(largest, held);
  }
  return largest / mostInAnyWindow(rule);
}
