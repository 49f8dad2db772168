import type { BrowserName } from "../browser-name.ts";
import type { TrafficReport } from "../page/subject.ts";
import { policies } from "../scene/policies.ts";

/** What became of a minute's calls. */
export interface MinuteJudgement {
  readonly calls: number;
  readonly allowed: number;
  readonly denied: number;
  readonly failed: number;
  /** Messages of calls that failed, at most ten. */
  readonly failures: readonly string[];
  readonly degraded: number;
  /** Admissions beyond a limit, as far as the page's own clock can prove them. */
  readonly wronglyAdmitted: number;
  /** Whether all that the hour's limit had was given out, when more was asked for and nothing failed or was degraded. */
  readonly exact: boolean;
  readonly slowestMs: number;
}

/** Of which browser and guard. */
export interface MinuteReport extends MinuteJudgement {
  readonly browser: BrowserName;
  readonly guard: string;
  readonly kills: number;
}

/** Stamps may run this much faster than the page's clock (SEMANTICS T3). */
const stampGain = 1.01;
const windowMs = 2_000;

/** Counts, and holds the admissions to what the two policies promise. */
export function judgeMinute(reports: readonly TrafficReport[]): MinuteJudgement {
  const decided = reports.filter(({ code }) => code === null);
  const failed = reports.filter(({ code }) => code !== null);
  const degraded = decided.filter((one) => one.degraded).length;
  // What was decided without the cluster has a bound of its own.
  const admissions = decided.filter((one) => one.allowed && !one.degraded);
  const often = admissions.filter(({ policy }) => policy === "often");
  const once = admissions.filter(({ policy }) => policy === "once").length;
  const asked = reports.filter(({ policy }) => policy === "once").length;
  const { limit } = policies.once;
  return {
    calls: reports.length,
    allowed: decided.filter(({ allowed }) => allowed).length,
    denied: decided.filter(({ allowed }) => !allowed).length,
    failed: failed.length,
    failures: failed.slice(0, 10).map(({ code, message }) => `${code}: ${message}`),
    degraded,
    wronglyAdmitted: Math.max(0, once - limit) + beyond(often, policies.often.limit, windowMs / stampGain),
    exact: failed.length > 0 || degraded > 0 || once === Math.min(limit, asked),
    slowestMs: Math.round(Math.max(0, ...reports.map(({ sentMs, answeredMs }) => answeredMs - sentMs))),
  };
}

/** How many admissions lay wholly within one window beyond its limit, in the worst window (SEMANTICS A1, by callers). */
export function beyond(
  admissions: readonly Pick<TrafficReport, "sentMs" | "answeredMs">[],
  limit: number,
  lengthMs: number,
): number {
  let worst = 0;
  for (const { sentMs: fromMs } of admissions) {
    const within = admissions.filter(({ sentMs, answeredMs }) => sentMs >= fromMs && answeredMs < fromMs + lengthMs);
    worst = Math.max(worst, within.length - limit);
  }
  return worst;
}

/** True if the minute is what is promised: with `throw` nothing fails and nothing is degraded, by default nothing fails. */
export function minuteHolds({ guard, failed, degraded, wronglyAdmitted, exact, calls }: MinuteReport): boolean {
  if (calls === 0 || failed > 0 || wronglyAdmitted > 0 || !exact) return false;
  return guard === "default" || degraded === 0;
}
