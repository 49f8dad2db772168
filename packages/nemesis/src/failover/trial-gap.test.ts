import { expect, test } from "vitest";
import type { SteadyAnswer } from "../clients/client-report.ts";
import { isFresh, trialGap } from "./trial-gap.ts";

const ms = 1_000;

/** Calls that are due at these milliseconds, each answered so much later. */
function calls(...answers: readonly (readonly [dueMs: number, tookMs: number, source?: string])[]): SteadyAnswer[] {
  return answers.map(([dueMs, tookMs, source = "quorum"]) => ({
    startUs: dueMs * ms,
    endUs: (dueMs + tookMs) * ms,
    source,
    allowed: true,
    error: null,
  }));
}

const span = { faultUs: 1_010 * ms, endUs: 2_000 * ms };

test("a gap is from one answer to the next, whenever they were asked for", () => {
  const answers = calls([1_000, 2], [1_005, 1], [1_010, 150], [1_015, 146], [1_165, 2]);
  expect(trialGap(answers, span)).toEqual({ gapMs: 154, callerStalledMs: 150 });
});

test("a degraded decision, one that was remembered and a failure are no fresh answers", () => {
  const fresh = calls([1_000, 2], [1_300, 2]);
  const others = [
    ...calls([1_050, 1, "local"], [1_060, 1, "denial-cache"], [1_070, 1, "fail-open"], [1_080, 1, "lease"]),
    { startUs: 1_090 * ms, endUs: 1_091 * ms, source: "", allowed: null, error: "timed_out" },
  ];
  expect(others.some(isFresh)).toBe(false);
  expect(trialGap([...fresh, ...others], span).gapMs).toBe(300);
});

test("a denial that a leader answered from its state is fresh", () => {
  expect(trialGap(calls([1_000, 2], [1_100, 2, "leader"], [1_300, 2]), span).gapMs).toBe(200);
});

test("a gap that was over before the fault, or came after the trial, is none of it", () => {
  const answers = calls([500, 1], [1_000, 1], [1_005, 1], [1_040, 1], [2_500, 1]);
  expect(trialGap(answers, span).gapMs).toBe(35);
});

test("without an answer before the fault or after it nothing was measured", () => {
  expect(() => trialGap(calls([1_000, 1]), span)).toThrow("there is no gap");
  expect(() => trialGap(calls([1_100, 1]), span)).toThrow("there is no gap");
});
