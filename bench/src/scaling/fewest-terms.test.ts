import { expect, it } from "vitest";
import { seededRandom } from "../decisions/random.ts";
import { evaluate, type FitOptions, fitFewest, type Observation } from "./fewest-terms.ts";

const costs: FitOptions = { errors: "relative", signed: false };
const names = ["decision", "entry", "byte", "key"];

/** Entries of 16 to 1,024 calls, keys of 16 or 256 bytes, known or new ones. */
const designs = [16, 64, 256, 1_024].flatMap((calls) => [
  { decision: 1, entry: 1 / calls, byte: 16, key: 0 },
  { decision: 1, entry: 1 / calls, byte: 256, key: 0 },
  { decision: 1, entry: 1 / calls, byte: 16, key: 1 },
]);

/** What these coefficients come to, each measurement up to `noise` of it too high or too low. */
function measured(coefficients: Readonly<Record<string, number>>, noise: number, seed = 1): readonly Observation[] {
  const random = seededRandom(seed);
  return designs.map((terms) => ({
    terms,
    value: evaluate({ coefficients }, { ...terms }) * (1 + noise * (2 * random() - 1)),
  }));
}

it.each([1, 2, 3, 4])("finds all four costs in measurements that are 3 % off either way (%d)", (seed) => {
  const right = { decision: 4, entry: 300, byte: 0.02, key: 2 };
  const { coefficients, dropped, rmsError } = fitFewest(names, measured(right, 0.03, seed), costs);
  expect(dropped).toEqual([]);
  for (const [name, value] of Object.entries(right)) {
    expect(coefficients[name]! / value, name).toBeGreaterThan(0.8);
    expect(coefficients[name]! / value, name).toBeLessThan(1.2);
  }
  expect(rmsError).toBeGreaterThan(0.005);
  expect(rmsError).toBeLessThan(0.03);
});

it("without noise it is exact, and drops what is not there", () => {
  const { coefficients, dropped } = fitFewest(names, measured({ decision: 4, entry: 300 }, 0), costs);
  expect(dropped).toEqual(["byte", "key"]);
  expect(coefficients.decision).toBeCloseTo(4, 9);
  expect(coefficients.entry).toBeCloseTo(300, 6);
});

it("keeps a term that nothing else explains, and drops one that noise alone asks for", () => {
  const fit = fitFewest(names, measured({ decision: 4, entry: 300, key: 2 }, 0.02), costs);
  expect(fit.dropped).toEqual(["byte"]);
  expect(fit.coefficients.key! / 2).toBeGreaterThan(0.8);
  expect(fit.coefficients.key! / 2).toBeLessThan(1.2);
});

it("a cost is not below 0, and what is not a cost may be", () => {
  const lessWithKeys = measured({ decision: 4, entry: 300, key: -1 }, 0);
  const { coefficients, dropped } = fitFewest(names, lessWithKeys, costs);
  expect(dropped).toContain("key");
  expect(Object.values(coefficients).every((value) => value >= 0)).toBe(true);
  const signed = fitFewest(names, lessWithKeys, { ...costs, signed: true });
  expect(signed.coefficients.key).toBeCloseTo(-1, 9);
});

it("a tenth too much is as wrong of a small value as of a large one", () => {
  const terms = { each: 1 };
  const values = [1, 1, 100].map((value) => ({ terms, value }));
  expect(fitFewest(["each"], values, costs).coefficients.each).toBeLessThan(2);
  expect(fitFewest(["each"], values, { errors: "absolute", signed: false }).coefficients.each).toBeCloseTo(34, 9);
});

it("says which terms cannot be told apart, and when nothing is left to judge a fit by", () => {
  const alike = designs.map((terms) => ({ terms: { ...terms, byte: 16 }, value: 4 + terms.entry }));
  expect(() => fitFewest(names, alike, costs)).toThrow('no measurement tells "byte" apart from "decision"');
  expect(() => fitFewest(names, measured({ decision: 1 }, 0).slice(0, 4), costs)).toThrow("4 measurements say nothing");
});

it("nothing is made up of a term that nobody gave", () => {
  expect(() => evaluate({ coefficients: { decision: 4, entry: 300 } }, { decision: 1 })).toThrow('"entry"');
});
