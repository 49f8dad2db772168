import { describe, expect, test } from "vitest";
import { type AlgorithmName, algorithmNames, type RunPlan, type RunResult } from "./cell.ts";
import { quickSample } from "./grid.ts";
import { cellsOf, findMissing, findProblems, lastLine, nameRun } from "./verdict.ts";

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

describe("runs that were left out", () => {
  const plans = quickSample(1);
  const made = (plan: RunPlan, algorithms: readonly AlgorithmName[] = algorithmNames): RunResult => {
    const [cell] = run(plan).cells;
    return { ...run(plan), plan, cells: algorithms.map((algorithm) => ({ ...cell!, algorithm })) };
  };
  const [real, ...simulated] = plans.map((plan) => made(plan)) as [RunResult, ...RunResult[]];
  const [calm, killed] = simulated as [RunResult, RunResult];

  test("are no problem while there is one of every kind", () => {
    expect(findMissing(plans, [real, calm, killed])).toEqual([]);
    expect(findMissing(plans, [real, ...simulated])).toEqual([]);
  });

  test.each([
    ["no real run", [calm, killed]],
    ["no simulated run", [real, { ...calm, plan: { ...calm.plan, world: "real" as const } }]],
    ["no run without a fault from load 2 on was made of sliding-window-log, token-bucket", [real, killed]],
    ["no run with a killed leader from load 2 on", [{ ...real, cells: [] }, calm]],
    ["from load 2 on was made of fixed-window", [real, made(calm.plan, algorithmNames.slice(0, -1)), killed]],
  ])("are one where a whole kind is missing: %s", (words, results) => {
    expect(findMissing(plans, results)).toEqual([expect.stringContaining(words)]);
  });

  test("a run below the judged load stands for none of them", () => {
    const idle = simulated.find(({ plan }) => plan.load < 2 && !plan.leaderKilled)!;
    expect(findMissing(plans, [real, killed, idle])).toEqual([expect.stringContaining("without a fault")]);
  });

  test("are missed only where they were planned", () => {
    expect(findMissing([real.plan], [real])).toEqual([]);
    expect(findMissing([real.plan], [])).toHaveLength(2);
  });

  test("stand in the last line and have a name", () => {
    expect(JSON.parse(lastLine([calm], []))).toEqual({ cells: cellsOf([calm]) });
    const { world, nodes, clients, load, windowMs, leaderKilled } = killed.plan;
    const leftOut = [{ world, nodes, clients, load, windowMs, leaderKilled }];
    expect(JSON.parse(lastLine([calm], [killed.plan]))).toEqual({ cells: cellsOf([calm]), leftOut });
    expect(nameRun(killed.plan)).toBe("5 nodes, 64 clients, load 2, window 1000 ms, leader killed (simulated)");
  });
});
