import { rareStateNames } from "../check/rare-states.ts";
import { countedFaults } from "../faults/fault-plan.ts";
import type { SeedResult } from "../run-seed.ts";

/** What is kept of a seed once it is over: a run of thousands must fit into memory. */
export type SeedSummary = Omit<SeedResult, "trace">;

/** The closing line of a run. */
export interface Summary {
  readonly seeds: number;
  readonly passed: number;
  readonly failed: number;
  readonly firstFailure: { readonly seed: number; readonly violation: string } | null;
  readonly faults: Readonly<Record<string, number>>;
  readonly rareStates: Readonly<Record<string, number>>;
  /** Seeds that came through each rare state at least once. */
  readonly rareStateSeeds: Readonly<Record<string, number>>;
  readonly calls: number;
  readonly commitsMedian: number;
  readonly leaderChangesMedian: number;
  readonly seconds: number;
}

/** Adds up the seeds of a run: every fault that is counted and every rare state is named, also if it never came. */
export function summarize(results: readonly SeedSummary[], seconds: number): Summary {
  const faults: Record<string, number> = Object.fromEntries(countedFaults.map((kind) => [kind, 0]));
  const rareStates: Record<string, number> = Object.fromEntries(rareStateNames.map((name) => [name, 0]));
  const rareStateSeeds = { ...rareStates };
  let failed = 0;
  let firstFailure: Summary["firstFailure"] = null;
  for (const result of results) {
    for (const [kind, times] of Object.entries(result.faults)) faults[kind] = (faults[kind] ?? 0) + times;
    for (const [name, times] of Object.entries(result.rareStates)) {
      rareStates[name]! += times;
      rareStateSeeds[name]! += 1;
    }
    const violation = result.violations[0];
    if (violation === undefined) continue;
    failed++;
    if (firstFailure === null || result.seed < firstFailure.seed) firstFailure = { seed: result.seed, violation };
  }
  return {
    seeds: results.length,
    passed: results.length - failed,
    failed,
    firstFailure,
    faults,
    rareStates,
    rareStateSeeds,
    calls: results.reduce((sum, result) => sum + result.calls, 0),
    commitsMedian: median(results.map((result) => result.commits)),
    leaderChangesMedian: median(results.map((result) => result.leaderChanges)),
    seconds: Math.round(seconds * 10) / 10,
  };
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((one, other) => one - other);
  return sorted[Math.floor(sorted.length / 2)] ?? 0;
}
