import { expect, it } from "vitest";
import { leastSquares, SingularDesignError } from "./least-squares.ts";

const costs = ["each decision", "each entry", "each byte"];

it("finds the coefficients that the targets were made of, though the columns differ a millionfold in size", () => {
  const rows = [
    [1, 1 / 16, 1_000_000],
    [1, 1 / 64, 2_000_000],
    [1, 1 / 256, 1_000_000],
    [1, 1 / 256, 9_000_000],
  ];
  const found = leastSquares(
    costs,
    rows,
    rows.map(([, entry, byte]) => 3 + 400 * entry! + 2e-7 * byte!),
  );
  for (const [at, right] of [3, 400, 2e-7].entries()) expect(found[at]! / right).toBeCloseTo(1, 9);
});

it("lies between measurements that contradict each other, where the squares of what is left are least", () => {
  expect(leastSquares(["each"], [[1], [1], [2]], [1, 2, 9])[0]).toBeCloseTo(21 / 6, 9);
  const [level, slope] = leastSquares(
    ["level", "slope"],
    [
      [1, 0],
      [1, 1],
      [1, 2],
    ],
    [0, 3, 3],
  );
  expect(level).toBeCloseTo(0.5, 9);
  expect(slope).toBeCloseTo(1.5, 9);
});

it("keeps columns apart that differ by little", () => {
  const rows = [
    [1, 1],
    [1, 1 + 1e-6],
    [1, 1 - 1e-6],
  ];
  const found = leastSquares(
    ["one", "other"],
    rows,
    rows.map(([one, other]) => 2 * one! + 5 * other!),
  );
  expect(found[0]).toBeCloseTo(2, 3);
  expect(found[1]).toBeCloseTo(5, 3);
});

it.each([
  ["a sum of two others", [1, 2, 3], [4, 1, 5], [2, 2, 4], /"each byte" apart from "each decision", "each entry"$/],
  ["a multiple of one other", [1, 2, 4], [1, 3, 6], [5, 1, 2], /"each byte" apart from "each entry"$/],
  ["empty", [1, 2, 0], [1, 3, 0], [5, 1, 0], /no measurement has any of "each byte"/],
])("names a column that is %s", (_, first, second, third, words) => {
  const singular = () => leastSquares(costs, [first, second, third, first], [1, 2, 3, 1]);
  expect(singular).toThrow(SingularDesignError);
  expect(singular).toThrow(words);
});

it("wants a measurement for each cost at least", () => {
  expect(() => leastSquares(costs, [[1, 2, 3]], [1])).toThrow(
    "1 measurements cannot tell 3 costs apart: each decision;",
  );
});
