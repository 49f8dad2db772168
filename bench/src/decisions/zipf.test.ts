import { expect, test } from "vitest";
import { zipfRanks } from "./zipf.ts";

test("each rank has its share: 1 / r ** s, of all", () => {
  const [count, exponent, draws] = [10, 1.1, 100_000];
  const rankOf = zipfRanks(count, exponent);
  const seen = Array(count).fill(0) as number[];
  for (let draw = 0; draw < draws; draw++) seen[rankOf((draw + 0.5) / draws)]! += 1;
  const weights = seen.map((_, rank) => (rank + 1) ** -exponent);
  const all = weights.reduce((sum, weight) => sum + weight, 0);
  for (const [rank, times] of seen.entries()) expect(Math.abs(times - (draws * weights[rank]!) / all)).toBeLessThan(2);
});

test("no number falls beside the ranks", () => {
  const rankOf = zipfRanks(1_000_000, 1.1);
  expect([rankOf(0), rankOf(1 - 2 ** -53)]).toEqual([0, 999_999]);
});
