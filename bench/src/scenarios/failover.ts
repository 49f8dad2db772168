import { latencyTimeline, standaloneSvg } from "@quorumguard/pictures";
import { startLocalCluster } from "@quorumguard/testbed";
import { FailoverClients, load } from "../failover/failover-clients.ts";
import { killLeader, type Trial } from "../failover/kill-leader.ts";
import { median } from "../median.ts";
import type { ScenarioOptions, ScenarioResult } from "../scenario.ts";

/**
 * `kill -9` of the leader of three nodes under load, again and again. A gap is the longest time that a caller, who asks
 * every 5 ms whatever became of its earlier calls, was without an answer of the cluster.
 */
export async function failover({ quick, say }: ScenarioOptions): Promise<ScenarioResult> {
  // Odd, so that the median is a trial that can be shown.
  const kills = quick ? 3 : 11;
  const cluster = await startLocalCluster({ nodes: 3 });
  const clients = new FailoverClients(cluster.endpoints);
  const trials: Trial[] = [];
  try {
    await clients.ready();
    while (trials.length < kills) {
      const trial = await killLeader(cluster, clients);
      trials.push(trial);
      say(
        `  kill ${String(trials.length).padStart(2)} of ${kills}: leader ${trial.leaderBefore} → ${trial.leaderAfter}, ` +
          `${trial.gapMs} ms without an answer, ${trial.failed} failed, ${trial.degraded} degraded`,
      );
      if (trial.firstFailure !== null) say(`    the first failed call: ${String(trial.firstFailure)}`);
    }
  } finally {
    await clients.close();
    await cluster.stop();
  }
  return summarize(trials);
}

/** @throws {Error} when there are no trials. */
export function summarize(trials: readonly Trial[]): ScenarioResult {
  if (trials.length === 0) throw new Error("there are no trials to summarize");
  const gaps = trials.map((trial) => trial.gapMs).sort((a, b) => a - b);
  const sum = (field: "decisions" | "degraded" | "failed") => trials.reduce((total, trial) => total + trial[field], 0);
  const gapMs = { median: Math.round(median(gaps)), min: gaps[0]!, max: gaps.at(-1)! };
  const summary = {
    kills: trials.length,
    gapMs,
    failed: sum("failed"),
    degraded: sum("degraded"),
    decisions: sum("decisions"),
  };
  const shown = representative(trials);
  return {
    line:
      `${summary.kills} leaders killed: ${gapMs.median} ms without an answer (median; ${gapMs.min} to ${gapMs.max}), ` +
      `${summary.failed} failed and ${summary.degraded} degraded of ${(summary.decisions + summary.failed).toLocaleString("en")} calls`,
    summary,
    details: {
      load,
      trials: trials.map(({ calls: _, gap: __, firstFailure, ...trial }) => ({
        ...trial,
        ...(firstFailure === null ? {} : { firstFailure: String(firstFailure) }),
      })),
      // The trial whose gap is the median, as the picture shows it. Columns, one value per call.
      shown: {
        trial: trials.indexOf(shown) + 1,
        gap: shown.gap,
        startedAtMs: shown.calls.map((call) => call.startedAtMs),
        latencyMs: shown.calls.map((call) => call.latencyMs),
        outcomes: shown.calls.map((call) => call.outcome),
      },
    },
    picture: standaloneSvg(
      latencyTimeline({
        title: "Every call around a killed leader",
        calls: shown.calls,
        note: `one call every ${load.callIntervalMs} ms`,
      }),
    ),
  };
}

function representative(trials: readonly Trial[]): Trial {
  const byGap = [...trials].sort((a, b) => a.gapMs - b.gapMs);
  return byGap[(byGap.length - 1) >> 1]!;
}
