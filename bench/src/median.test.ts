import { expect, test } from "vitest";
import { median } from "./median.ts";

test("the middle value, whatever the order; between two, their mean; of none, no number", () => {
  expect([median([3, 1, 2]), median([4, 1, 2, 3]), median([10, 9]), median([])]).toEqual([2, 2.5, 9.5, Number.NaN]);
});
