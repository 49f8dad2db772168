import { expect, test } from "vitest";
import { percentile } from "./percentile.ts";

const hundred = Array.from({ length: 100 }, (_, at) => 100 - at);

test.each([
  [0, 1],
  [0.5, 50],
  [0.9, 90],
  [0.99, 99],
  [1, 100],
])("of 1 to 100 in any order, the share %d does not exceed %d", (share, value) => {
  expect(percentile(hundred, share)).toBe(value);
});

test("of few values it is one of them, and the largest for a share that they cannot tell", () => {
  expect(percentile([30, 10, 20], 0.5)).toBe(20);
  expect(percentile([10, 20], 0.5)).toBe(10);
  expect(percentile([30, 10, 20], 0.99)).toBe(30);
  expect(percentile([7], 0.5)).toBe(7);
});

test("numbers are compared as numbers", () => {
  expect(percentile([100, 20, 3], 1)).toBe(100);
});

test("of nothing there is none", () => {
  expect(() => percentile([], 0.5)).toThrow(new RangeError("there is no value to take a percentile of"));
});
