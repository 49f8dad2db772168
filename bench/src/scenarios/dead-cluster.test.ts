import { expect, it } from "vitest";
import { judgeRound } from "../dead-cluster/judge-round.ts";
import { CallEnd, type CallerReport } from "../dead-cluster/messages.ts";
import { promised, type Round, summarize } from "./dead-cluster.ts";

const { cluster, withoutCluster, failed } = CallEnd;
const times = { deadMs: 1_000, endedMs: 5_000, backMs: 5_400 };

/** Calls as [started, took, end]. */
function report(...calls: readonly (readonly [number, number, number])[]): CallerReport {
  return {
    kind: "report",
    startedAtMs: calls.map(([startedAtMs]) => startedAtMs),
    latencyMs: calls.map(([, latencyMs]) => latencyMs),
    ends: calls.map(([, , end]) => end),
  };
}

it("tells calls that waited from those that the breaker answered, and those of the cluster from neither", () => {
  const facts = judgeRound(
    [
      report([900, 5, cluster], [1_100, 1_004, withoutCluster], [1_900, 1_012, withoutCluster]),
      // Soon after the first deadlines it may go either way, and after the end nobody is to be answered at once for ever.
      report(
        [2_100, 0.5, withoutCluster],
        [3_000, 0.1, withoutCluster],
        [5_500, 0.2, withoutCluster],
        [6_000, 3, cluster],
      ),
    ],
    times,
    1_000,
  );
  expect(facts).toEqual({
    lateMs: [4, 12],
    openMs: [0.1],
    recoveryMs: 100,
    recoveryFromEndMs: 500,
    calls: 7,
    failed: 0,
  });
});

it("takes a cluster that decides all calls from the moment it is back for recovered in no time", () => {
  expect(judgeRound([report([4_000, 1, withoutCluster], [5_450, 2, cluster])], times, 1_000).recoveryMs).toBe(0);
});

it("counts calls that failed: none may", () => {
  expect(judgeRound([report([4_000, 1, failed])], times, 1_000).failed).toBe(1);
});

const good: Round = {
  fault: "kill",
  steadyPerSecond: 2_000,
  firstSecond: 1_500,
  lateMs: [1, 2, 3],
  openMs: [0.1, 0.2, 0.3],
  recoveryMs: 900,
  recoveryFromEndMs: 1_700,
  calls: 100,
  failed: 0,
};

it("holds four numbers against what is promised, the worst outage of each", () => {
  const { summary, line } = summarize([good, { ...good, fault: "pause", recoveryMs: 1_200, firstSecond: 2_500 }]);
  expect(summary).toEqual({
    outages: 2,
    waited: 6,
    failed: 0,
    lateP99Ms: 3,
    openP50Ms: 0.2,
    recoveryMs: 1_200,
    firstSecondOverSteady: 1.25,
    promised,
    holds: true,
  });
  expect(line).toContain("as promised");
});

it.each([
  ["answers are late", { lateMs: [1, 21] }],
  ["nobody waited", { lateMs: [] }],
  ["the breaker makes callers wait", { openMs: [0.1, 1.1, 1.1] }],
  ["the cluster is returned to too late", { recoveryMs: 2_001 }],
  ["the new leader is flooded", { firstSecond: 4_001 }],
  ["a call failed", { failed: 1 }],
] as const)("does not hold if %s", (_, wrong) => {
  expect(summarize([{ ...good, ...wrong } as Round]).summary.holds).toBe(false);
});
