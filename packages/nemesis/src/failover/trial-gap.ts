import { longestGap, type TimelineCall } from "@quorumguard/pictures";
import type { SteadyAnswer } from "../clients/client-report.ts";

/** From when to when a trial is looked at, on the host's monotonic clock. */
export interface TrialSpan {
  /** The last moment at which nothing had happened to the leader. */
  readonly faultUs: number;
  /** Everything had been well again for a while. */
  readonly endUs: number;
}

/** What the steady caller met with in one trial. */
export interface TrialGap {
  /** The longest time without a fresh answer of a leader, in whole milliseconds. */
  readonly gapMs: number;
  /** The longest time in which the caller itself made no call: as much of a gap may be the machine's doing. */
  readonly callerStalledMs: number;
}

const beforeUs = 1_000_000;

/** Whether it is an answer that a leader made for this call: not one that this process had, or made up. */
export function isFresh({ allowed, source }: Pick<SteadyAnswer, "allowed" | "source">): boolean {
  return allowed !== null && (source === "quorum" || source === "leader");
}

/** The gap of a trial, by what its caller was told. @throws {Error} when there was no answer before the fault, or none after it. */
export function trialGap(answers: readonly SteadyAnswer[], { faultUs, endUs }: TrialSpan): TrialGap {
  const within = answers.filter((one) => one.endUs >= faultUs - beforeUs && one.endUs <= endUs);
  const starts = within.map(({ startUs }) => startUs).sort((one, other) => one - other);
  const stalledUs = starts.reduce((most, startUs, at) => (at === 0 ? 0 : Math.max(most, startUs - starts[at - 1]!)), 0);
  const { gapMs } = longestGap(
    within.filter(isFresh).map(
      (one): TimelineCall => ({
        startedAtMs: (one.startUs - faultUs) / 1_000,
        latencyMs: (one.endUs - one.startUs) / 1_000,
        outcome: one.allowed === true ? "allowed" : "denied",
      }),
    ),
  );
  return { gapMs, callerStalledMs: Math.round(stalledUs / 1_000) };
}
