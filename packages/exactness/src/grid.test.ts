import { expect, test } from "vitest";
import type { RunPlan } from "./cell.ts";
import { fullGrid, quickSample } from "./grid.ts";
import { saturated } from "./verdict.ts";

const values = (plans: readonly RunPlan[], field: keyof RunPlan) => new Set(plans.map((plan) => plan[field]));

test("the full grid is the product of its dimensions, on virtual time", () => {
  const simulated = fullGrid(1).filter(({ world }) => world === "simulated");
  const names = simulated.map(({ seed: _, windows: __, ...rest }) => JSON.stringify(rest));
  expect(new Set(names).size).toBe(3 * 3 * 5 * 3 * 2);
});

test("the quick sample has every value of every dimension, and both worlds", () => {
  const [quick, full] = [quickSample(1), fullGrid(1).filter(({ world }) => world === "simulated")];
  for (const field of ["nodes", "clients", "load", "windowMs", "leaderKilled"] as const)
    expect([...values(quick, field)].sort()).toEqual([...values(full, field)].sort());
  expect(values(quick, "world")).toEqual(new Set(["real", "simulated"]));
});

test("the quick sample begins with a judged run without a fault and one with a killed leader", () => {
  const simulated = quickSample(1).filter(({ world }) => world === "simulated");
  const first = simulated.slice(0, 2).filter(({ load }) => load >= saturated);
  expect(values(first, "leaderKilled")).toEqual(new Set([false, true]));
});

test("no two runs of one grid draw the same arrivals", () => {
  for (const plans of [fullGrid(3), quickSample(3)])
    for (const world of ["simulated", "real"])
      expect(
        values(
          plans.filter((plan) => plan.world === world),
          "seed",
        ).size,
      ).toBe(plans.filter((plan) => plan.world === world).length);
});
