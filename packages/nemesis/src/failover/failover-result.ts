import type { FailoverOptions } from "./failover-options.ts";
import { percentile } from "./percentile.ts";
import type { FailoverRun, Trial } from "./run-failover.ts";

/** The last line of `--json`. */
export interface FailoverResult {
  readonly fault: string;
  readonly trials: number;
  readonly gapMs: { readonly p50: number; readonly p90: number; readonly p99: number; readonly max: number };
  readonly failedCalls: number;
  readonly degraded: number;
  readonly overAdmitted: number;
  readonly chargedTwice: number;
}

/** What a run came to, in one line. */
export function resultOf({ fault }: FailoverOptions, { trials, judged }: FailoverRun): FailoverResult {
  const gaps = trials.map(({ gapMs }) => gapMs);
  const gapMs = {
    p50: percentile(gaps, 0.5),
    p90: percentile(gaps, 0.9),
    p99: percentile(gaps, 0.99),
    max: percentile(gaps, 1),
  };
  const { failed, degraded, overAdmitted, chargedTwice } = judged;
  return { fault, trials: trials.length, gapMs, failedCalls: failed, degraded, overAdmitted, chargedTwice };
}

/** Whether every call was answered by the cluster, once, and within its limit. */
export function isFlawless(result: FailoverResult, { violations }: FailoverRun): boolean {
  const { failedCalls, degraded, overAdmitted, chargedTwice } = result;
  return failedCalls + degraded + overAdmitted + chargedTwice + violations.length === 0;
}

/** A trial for people. */
export function trialLine({ trial, gapMs, callerStalledMs, leaderBefore, leaderAfter }: Trial, trials: number): string {
  const place = `${String(trial).padStart(String(trials).length)} of ${trials}`;
  // Less than what timers of an idle machine are late by is not worth a word.
  const stalled = callerStalledMs > 20 ? `; the caller itself was not run for ${callerStalledMs} ms` : "";
  return `trial ${place}: leader ${leaderBefore} → ${leaderAfter}, ${String(gapMs).padStart(4)} ms without an answer${stalled}`;
}

/** The result for people: every gap, counts, what is wrong, and where to look. */
export function failoverTable(result: FailoverResult, { trials, judged, violations, folder }: FailoverRun): string {
  const { p50, p90, p99, max } = result.gapMs;
  const gaps = trials.map(({ gapMs }) => gapMs).sort((one, other) => one - other);
  const rows: readonly (readonly [string, string | number])[] = [
    ["gaps in ms", gaps.join(" ")],
    ["gap in ms", `p50 ${p50}, p90 ${p90}, p99 ${p99}, max ${max}`],
    ["calls", `${judged.calls} (${judged.allowed} allowed, ${judged.denied} denied)`],
    ["committed entries", judged.entries],
    ["failed", result.failedCalls],
    ["degraded", result.degraded],
    ["over-admitted", result.overAdmitted],
    ["charged twice", result.chargedTwice],
  ];
  const width = Math.max(...rows.map(([name]) => name.length));
  const table = rows.map(([name, value]) => `${name.padEnd(width)}  ${value}`);
  const kept = folder === null ? [] : [`logs and history: ${folder}`];
  return ["", ...table, ...violations.map((line) => `violation: ${line}`), ...kept].join("\n");
}
