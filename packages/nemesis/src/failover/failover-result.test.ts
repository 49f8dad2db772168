import { expect, test } from "vitest";
import { parseFailoverOptions } from "./failover-options.ts";
import { failoverTable, isFlawless, resultOf, trialLine } from "./failover-result.ts";
import type { FailoverRun } from "./run-failover.ts";

const options = parseFailoverOptions(["--fault", "pause", "--trials", "3"]);
const trial = { callerStalledMs: 6, leaderBefore: 1, leaderAfter: 2 };
const counts = { failed: 0, degraded: 0, overAdmitted: 0, chargedTwice: 0 };
const others = { acknowledgedLost: 0, violations: [], calls: 900, allowed: 700, denied: 200, entries: 300 };
const own = { leased: 0, remembered: 100 };
const trials = [40, 310, 25].map((gapMs, at) => ({ trial: at + 1, gapMs, ...trial }));
const clean: FailoverRun = { trials, judged: { ...counts, ...others, ...own }, violations: [], folder: null };

test("the last line has the distribution of the gap and the four counts, in this order", () => {
  expect(JSON.stringify(resultOf(options, clean))).toBe(
    '{"fault":"pause","trials":3,"gapMs":{"p50":40,"p90":310,"p99":310,"max":310},' +
      '"failedCalls":0,"degraded":0,"overAdmitted":0,"chargedTwice":0}',
  );
});

test.each(["failed", "degraded", "overAdmitted", "chargedTwice"])("one %s call spoils a run", (count) => {
  const run = { ...clean, judged: { ...clean.judged, [count]: 1 } };
  expect(isFlawless(resultOf(options, clean), clean)).toBe(true);
  expect(isFlawless(resultOf(options, run), run)).toBe(false);
});

test("whatever else is wrong spoils a run as well, and is told", () => {
  const run = { ...clean, violations: ["node 2 ended by itself"], folder: "/tmp/run" };
  const result = resultOf(options, run);
  expect(isFlawless(result, run)).toBe(false);
  expect(failoverTable(result, run)).toMatch(
    /gaps in ms +25 40 310\n[\s\S]*violation: node 2 ended by itself\n[\s\S]*\/tmp\/run$/,
  );
});

test("a trial's line tells of a caller that was not run itself", () => {
  expect(trialLine(trials[0]!, 15)).toBe("trial  1 of 15: leader 1 → 2,   40 ms without an answer");
  expect(trialLine({ ...trials[0]!, callerStalledMs: 35 }, 15)).toMatch(/; the caller itself was not run for 35 ms$/);
});
