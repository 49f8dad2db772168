import { expect, test } from "vitest";
import { untilSteady } from "./until-steady.ts";

const warm = (rates: readonly number[], most = 12) => {
  const left = [...rates];
  return untilSteady(most, async () => left.shift()!);
};

test("a server that is as fast at once as it will be is warm after three stretches more", async () => {
  expect(await warm([100, 101, 99, 100, 300])).toEqual([100, 101, 99, 100]);
});

test("who gets faster is waited for, also over two slow stretches", async () => {
  expect(await warm([50, 80, 70, 75, 120, 125, 118, 121, 300])).toEqual([50, 80, 70, 75, 120, 125, 118, 121]);
});

test("what creeps up is measured against the fastest, not against its neighbour", async () => {
  expect(await warm([100, 104, 108, 109, 110, 112, 300])).toEqual([100, 104, 108, 109, 110, 112]);
});

test("nothing is waited for without end", async () => {
  expect(await warm([1, 2, 4, 8, 16], 4)).toEqual([1, 2, 4, 8]);
});
