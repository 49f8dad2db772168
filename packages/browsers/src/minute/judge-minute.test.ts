import { expect, test } from "vitest";
import type { TrafficReport } from "../page/subject.ts";
import { beyond, judgeMinute, minuteHolds } from "./judge-minute.ts";

const call = (policy: string, sentMs: number, change: Partial<TrafficReport> = {}): TrafficReport => ({
  ...{ policy, sentMs, answeredMs: sentMs + 5, tookMs: 5, allowed: true, remaining: 0, retryAfterMs: null },
  ...{ source: "quorum", degraded: false, code: null, reason: null, message: null },
  ...change,
});
const calls = (policy: string, count: number, everyMs: number) =>
  Array.from({ length: count }, (_, at) => call(policy, at * everyMs));
const judged = (reports: readonly TrafficReport[]) =>
  ({ browser: "chromium", guard: "throw", kills: 11, ...judgeMinute(reports) }) as const;

test("as many admissions as a window has are sound, and one more is wrong", () => {
  expect(judged(calls("often", 15, 100)).wronglyAdmitted).toBe(0);
  const tooMany = judged(calls("often", 16, 100));
  expect(tooMany.wronglyAdmitted).toBe(1);
  expect(minuteHolds(tooMany)).toBe(false);
});

test("an admission that may lie in the next window proves nothing", () => {
  expect(beyond([...calls("often", 15, 100), call("often", 1_990)], 15, 2_000)).toBe(1);
  expect(beyond([...calls("often", 15, 100), call("often", 1_990, { answeredMs: 2_001 })], 15, 2_000)).toBe(0);
});

test("the hour's limit is to be given out to the last, and no further", () => {
  const denied = Array.from({ length: 20 }, () => call("once", 0, { allowed: false }));
  expect(judged([...calls("once", 580, 100), ...denied])).toMatchObject({ exact: true, wronglyAdmitted: 0 });
  expect(minuteHolds(judged([...calls("once", 579, 100), ...denied]))).toBe(false);
  expect(judged(calls("once", 581, 100)).wronglyAdmitted).toBe(1);
});

test("a failed call fails the minute, and a degraded one where all must be the cluster's", () => {
  const failed = [call("often", 0, { code: "timed_out", allowed: null })];
  expect(minuteHolds(judged(failed))).toBe(false);
  const degraded = judged([call("often", 0, { degraded: true, source: "local" })]);
  expect(minuteHolds(degraded)).toBe(false);
  expect(minuteHolds({ ...degraded, guard: "default" })).toBe(true);
});

test("a minute without calls is none", () => {
  expect(minuteHolds(judged([]))).toBe(false);
});
