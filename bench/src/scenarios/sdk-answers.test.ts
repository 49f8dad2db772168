import { expect, it } from "vitest";
import { type AnswerSample, summarize } from "./sdk-answers.ts";

const sample = (meanUs: number, blocks = 100): AnswerSample => ({
  ...{ blocks, meanUs, medianUs: meanUs, p99Us: meanUs, cpuUs: meanUs, ratio: meanUs / 0.1, askedBlocks: 0 },
});
const shared = { limit: 20_000, admitted: 20_000, byLease: 19_000 };

it("half a microsecond is too much for either kind of answer, and is said to be", () => {
  const fast = summarize({ bare: sample(0.1), lease: sample(0.2), denial: sample(0.3) }, shared);
  expect(fast.summary).toMatchObject({ leaseUs: 0.2, denialUs: 0.3, within: true, overAdmitted: 0 });
  for (const [lease, denial] of [
    [0.5, 0.2],
    [0.2, 0.5],
  ] as const) {
    const slow = summarize({ bare: sample(0.1), lease: sample(lease), denial: sample(denial) }, shared);
    expect(slow.summary.within).toBe(false);
    expect(slow.line).toContain("NOT within 0.5 us");
  }
});

it("nothing is published of answers that the cluster gave, or of a limit that did not hold", () => {
  const samples = { bare: sample(0.1), lease: sample(0.2), denial: sample(0.3) };
  expect(() => summarize({ ...samples, lease: sample(Number.NaN, 0) }, shared)).toThrow("lease: no block");
  expect(() => summarize(samples, { ...shared, admitted: 20_001 })).toThrow("over-admitted");
});
