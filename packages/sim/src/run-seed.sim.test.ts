import { describe, expect, test } from "vitest";
import { runSeed, type SeedResult } from "./run-seed.ts";

/** Pure computation of a few seconds, on a machine that may be busy with other tests. */
describe("a simulated seed", { timeout: 120_000 }, () => {
  test("replays exactly: the same seed gives the same trace, another seed another one", async () => {
    const first = await runSeed(7);
    const second = await runSeed(7);
    const other = await runSeed(8);
    expect(second).toEqual(first);
    expect(other.traceHash).not.toBe(first.traceHash);
  });

  test("that goes round ends at a limit, which is what it violates, and replays too", async () => {
    const first = await runSeed(7, { mostEvents: 2_000 });
    expect(first.violations).toEqual([expect.stringMatching(/^limit: not over after 2000 events/)]);
    expect(first.events).toBe(2_000);
    expect(await runSeed(7, { mostEvents: 2_000 })).toEqual(first);
  });

  test("of a crowd: its clients spend leases, and remember denials", async () => {
    const { violations, rareStates } = await runSeed(2, { clients: 8 });
    expect(violations).toEqual([]);
    expect(rareStates.spentFromLease).toBeGreaterThan(10);
    expect(rareStates.deniedFromMemory).toBeGreaterThan(0);
  });

  test("does enough to prove something: commits, denials, allowances and faults", async () => {
    const results: SeedResult[] = [];
    for (let seed = 100; seed < 106; seed++) results.push(await runSeed(seed));
    const sum = (of: (result: SeedResult) => number) => results.reduce((total, result) => total + of(result), 0);
    expect(results.flatMap((result) => result.violations)).toEqual([]);
    expect(sum((result) => result.commits)).toBeGreaterThan(200);
    expect(sum((result) => result.allowed)).toBeGreaterThan(200);
    expect(sum((result) => result.denied)).toBeGreaterThan(200);
    expect(new Set(results.flatMap((result) => Object.keys(result.faults))).size).toBeGreaterThan(8);
  });
});
