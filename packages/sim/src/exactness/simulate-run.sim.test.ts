import type { RunPlan } from "@quorumguard/exactness";
import { describe, expect, test } from "vitest";
import { simulateRun } from "./simulate-run.ts";

const plan: RunPlan = {
  ...{ nodes: 3, clients: 2, load: 3, windowMs: 1_000, leaderKilled: true, world: "simulated", windows: 2, seed: 11 },
};

describe("a simulated cell", () => {
  test("keeps its bounds while the leader dies, every algorithm alike, and replays exactly", async () => {
    const { seconds: _, ...result } = await simulateRun(plan);
    expect(result).toMatchObject({ degraded: 0, violations: [] });
    expect(result.kill).not.toBeNull();
    for (const cell of result.cells) {
      expect(cell.boundRatio).toBeLessThanOrEqual(1);
      expect(cell.admittedRatio).toBeGreaterThanOrEqual(0.95);
      expect(cell.naive).toBeGreaterThan(150);
    }
    expect(await simulateRun(plan)).toMatchObject(result);
  }, 60_000);

  test("a cluster that admits 4 % more than it should is found, in every algorithm", async () => {
    const { cells } = await simulateRun(plan, { asked: (rule) => ({ ...rule, limit: 104, burst: rule.burst && 26 }) });
    for (const cell of cells) expect(cell.boundRatio).toBeGreaterThan(1);
  }, 60_000);

  test("a cluster that admits 10 % less than it could is found, in every algorithm", async () => {
    const { cells } = await simulateRun(plan, { asked: (rule) => ({ ...rule, limit: 90 }) });
    for (const cell of cells) expect(cell.admittedRatio).toBeLessThan(0.95);
  }, 60_000);
});
