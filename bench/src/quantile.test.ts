import { expect, test } from "vitest";
import { quantile } from "./quantile.ts";

test("the nearest rank, of arrays of any kind; of none, 0", () => {
  const ten = Float64Array.from([1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
  expect([0, 0.5, 0.51, 0.99, 1].map((share) => quantile(ten, share))).toEqual([1, 5, 6, 10, 10]);
  expect(quantile([], 0.5)).toBe(0);
});
