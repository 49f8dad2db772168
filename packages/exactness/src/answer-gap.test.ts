import { expect, test } from "vitest";
import { gapAroundMs } from "./answer-gap.ts";

const answers = (...endsMs: readonly number[]) => endsMs.map((endMs) => ({ allowed: true, endUs: endMs * 1_000 }));

test("the gap around a kill is the longest between two answers of which the later came after it", () => {
  expect(gapAroundMs(10_000_000, answers(9_000, 9_600, 9_990, 10_140, 10_150))).toBe(150);
});

test("silence before the kill, and more than five seconds after it, is not the kill's", () => {
  expect(gapAroundMs(10_000_000, answers(8_000, 9_700, 9_990, 10_020, 14_000, 16_000))).toBe(3_980);
});

test("a call without a decision is no answer", () => {
  const unanswered = { allowed: null, endUs: 10_050_000 };
  const [before, after] = answers(9_990, 10_200);
  expect(gapAroundMs(10_000_000, [before!, unanswered, after!])).toBe(210);
});
