import { expect, it } from "vitest";
import { quantile } from "../quantile.ts";
import { delaysUntil, summarizeDelays } from "./delay-clock.ts";

it("a stall delays everything that was due meanwhile, each by what was left of it", () => {
  const delays: number[] = [];
  let dueMs = delaysUntil(2.5, 0, delays);
  expect(delays).toEqual([2.5, 1.5, 0.5]);
  dueMs = delaysUntil(2.9, dueMs, delays);
  expect(delays).toHaveLength(3);
  expect(dueMs).toBe(3);
  delaysUntil(903, dueMs, delays);
  expect(delays).toHaveLength(904);
  expect(delays[3]).toBe(900);
});

it("one stall of 900 ms in a quarter of an hour is no more than a thousandth of it, and one in five minutes is", () => {
  const delaysOf = (turnsMs: readonly number[]) => {
    const delays: number[] = [];
    let nowMs = 0;
    let dueMs = 0;
    for (const turnMs of turnsMs) {
      nowMs += turnMs;
      dueMs = delaysUntil(nowMs, dueMs, delays);
    }
    return summarizeDelays(delays);
  };
  const quiet = (turns: number) => Array.from({ length: turns }, () => 1);
  expect(delaysOf([...quiet(901_000), 900]).p999Ms).toBeLessThan(2);
  expect(delaysOf([...quiet(300_000), 900]).p999Ms).toBeGreaterThan(500);
});

it("quantiles are values that occurred", () => {
  const values = Array.from({ length: 1_000 }, (_, i) => i + 1);
  expect([0.5, 0.99, 0.999, 1].map((share) => quantile(values, share))).toEqual([500, 990, 999, 1_000]);
  expect(quantile([], 0.5)).toBe(0);
});
