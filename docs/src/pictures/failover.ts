import { latencyTimeline, type Outcome, type Picture, type TimelineCall } from "@quorumguard/pictures";
import measured from "../../../bench/results/failover.json" with { type: "json" };

/** The columns of the measured trial as calls. */
export function measuredCalls(): readonly TimelineCall[] {
  const { startedAtMs, latencyMs, outcomes } = measured.shown;
  return startedAtMs.map((start, i) => ({
    startedAtMs: start,
    latencyMs: latencyMs[i]!,
    outcome: outcomes[i]! as Outcome,
  }));
}

/** The median failover of `npm run bench -- --only failover`. */
export function failover(): Picture {
  return latencyTimeline({
    title: "Every call around a killed leader",
    calls: measuredCalls(),
    note: `one call every ${measured.load.callIntervalMs} ms`,
  });
}
