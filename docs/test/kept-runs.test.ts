import { expect, it } from "vitest";
import mutants from "../results/mutants.json" with { type: "json" };
import nemesis from "../results/nemesis.json" with { type: "json" };
import simulation from "../results/simulation.json" with { type: "json" };

/** What is counted too rarely to have been tested. */
const below = (least: number, counts: Readonly<Record<string, number>>) =>
  Object.keys(counts).filter((name) => counts[name]! < least);

it.each(Object.entries({ simulation, nemesis, mutants }))(
  "of %s, the command, the commit and the day are kept",
  (_, run) => {
    expect(run.command).toMatch(/^npm run /);
    expect(run.commit).toMatch(/^[0-9a-f]{7,40}$/);
    expect(run.date).toMatch(/^\d{4}-\d{2}-\d{2}$/);
  },
);

it("all simulated clusters passed, with every fault, and every rare state a hundred times", () => {
  expect(simulation).toMatchObject({ passed: simulation.seeds, failed: 0, firstFailure: null });
  expect(simulation.seeds).toBeGreaterThanOrEqual(20_000);
  expect(below(1, simulation.faults)).toEqual([]);
  expect(below(100, simulation.rareStates)).toEqual([]);
  expect(simulation.commitsMedian).toBeGreaterThanOrEqual(200);
  expect(simulation.leaderChangesMedian).toBeGreaterThanOrEqual(2);
});

it("ten minutes of real processes broke no promise", () => {
  expect(nemesis.seconds).toBeGreaterThanOrEqual(600);
  expect(nemesis).toMatchObject({ overAdmitted: 0, chargedTwice: 0, acknowledgedLost: 0, history: "accepted" });
  expect(below(1, nemesis.faults)).toEqual([]);
});

it("every planted bug was found", () => {
  expect(mutants).toMatchObject({ killed: mutants.mutants, survived: 0 });
});
