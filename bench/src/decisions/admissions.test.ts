import { expect, test } from "vitest";
import { SharedAdmissions } from "./admissions.ts";

test("a key may have its limit and what the time refills, over all processes and samples; each admission beyond is one too many", () => {
  const rule = { limit: 100, windowMs: 1_000 };
  const shared = new SharedAdmissions();
  shared.add(new Map([["a", 60]]), 0, 500);
  shared.add(new Map([["a", 90]]), 0, 500);
  expect(shared.over(rule)).toBe(0);
  shared.add(new Map([["b", 153]]), 0, 500);
  expect(shared.over(rule)).toBe(3);
  shared.add(new Map([["a", 101]]), 500, 1_000);
  expect(shared.over(rule)).toBe(3 + 51);
});

test("a bucket that was full all the while makes up for nothing: two bursts in one sample are one too many", () => {
  const rule = { limit: 100, windowMs: 1_000 };
  const shared = new SharedAdmissions();
  shared.add(new Map([["a", 10]]), 0, 100);
  shared.add(new Map([["a", 220]]), 60_000, 60_100);
  shared.add(new Map([["a", 10]]), 120_000, 120_100);
  expect(shared.over(rule)).toBe(110);
});
