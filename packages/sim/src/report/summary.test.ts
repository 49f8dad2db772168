import { expect, test } from "vitest";
import { rareStateNames } from "../check/rare-states.ts";
import { countedFaults } from "../faults/fault-plan.ts";
import { type SeedSummary, summarize } from "./summary.ts";

const seed = (seed: number, more: Partial<SeedSummary> = {}): SeedSummary => ({
  ...{ seed, violations: [], traceHash: "", faults: {}, rareStates: {}, strikes: 0, faultsUntilUs: 0, commits: 0 },
  ...{ leaderChanges: 0, calls: 0, allowed: 0, denied: 0, failed: 0, events: 0, virtualMs: 0 },
  ...more,
});

test("a summary names every fault and every rare state, also those that never came", () => {
  const { faults, rareStates } = summarize([], 0);
  expect(Object.keys(faults)).toEqual([...countedFaults]);
  expect(faults).toMatchObject({ diskFull: 0, loss: 0, duplicate: 0, reorder: 0, brokenStreams: 0 });
  expect(Object.keys(rareStates)).toEqual([...rareStateNames]);
  expect(new Set([...Object.values(faults), ...Object.values(rareStates)])).toEqual(new Set([0]));
});

test("the first failure is that of the smallest seed, in whatever order workers end", () => {
  const summary = summarize(
    [seed(8, { violations: ["late"] }), seed(1), seed(3, { violations: ["early", "more"] })],
    1,
  );
  expect(summary).toMatchObject({ seeds: 3, passed: 1, failed: 2, firstFailure: { seed: 3, violation: "early" } });
});

test("counts are summed, seeds with a rare state counted, medians taken", () => {
  const summary = summarize(
    [
      seed(1, { faults: { kill: 2, loss: 5 }, rareStates: { candidateTie: 3 }, commits: 10, leaderChanges: 1 }),
      seed(2, { faults: { kill: 1 }, rareStates: { candidateTie: 1 }, commits: 30, leaderChanges: 7 }),
      seed(3, { commits: 20, leaderChanges: 2 }),
    ],
    1,
  );
  expect([summary.faults.kill, summary.faults.loss]).toEqual([3, 5]);
  expect([summary.rareStates.candidateTie, summary.rareStateSeeds.candidateTie]).toEqual([4, 2]);
  expect([summary.commitsMedian, summary.leaderChangesMedian]).toEqual([20, 2]);
});
