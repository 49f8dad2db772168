import { expect, test } from "vitest";
import type { RunResult } from "./cell.ts";
import { cellsOf, findProblems } from "./verdict.ts";

type Ratios = { load?: number; admittedRatio?: number; boundRatio?: number; leaderKilled?: boolean };

function run({ load = 2, admittedRatio = 1, boundRatio = 1, leaderKilled = false }: Ratios, rest = {}): RunResult {
  const plan = { nodes: 3, clients: 8, load, windowMs: 1_000, leaderKilled };
  const facts = { limit: 100, arrivals: 1, admitted: 1, naive: 1, promptRatio: 1, unanswered: 0 };
  return {
    plan: { ...plan, world: "simulated", windows: 3, seed: 1 },
    cells: [{ ...plan, algorithm: "fixed-window", admittedRatio, boundRatio, ...facts }],
    ...{ kill: null, degraded: 0, violations: [], seconds: 1, ...rest },
  };
}

test("a run within its bounds is no problem", () => {
  expect(findProblems([run({}), run({ admittedRatio: 0.99 })])).toEqual([]);
  expect(findProblems([run({ admittedRatio: 0.95, leaderKilled: true })])).toEqual([]);
  expect(findProblems([run({ load: 1, admittedRatio: 0.5 })])).toEqual([]);
});

test.each([
  ["boundRatio 1.0001", run({ load: 0.5, boundRatio: 1.0001 })],
  ["boundRatio NaN", run({ boundRatio: Number.NaN })],
  ["admittedRatio 0.9899, at least 0.99", run({ admittedRatio: 0.9899 })],
  ["admittedRatio 0.9499, at least 0.95", run({ admittedRatio: 0.9499, leaderKilled: true })],
  ["1 decisions were degraded", run({}, { degraded: 1 })],
  ["the log says otherwise", run({}, { violations: ["the log says otherwise"] })],
])("%s is one", (words, result) => {
  expect(findProblems([result])).toEqual([expect.stringContaining(words)]);
});

test("the last line has the named fields and no others", () => {
  expect(Object.keys(cellsOf([run({})])[0]!)).toEqual([
    ...["nodes", "clients", "load", "windowMs", "algorithm", "leaderKilled", "admittedRatio", "boundRatio"],
  ]);
});
