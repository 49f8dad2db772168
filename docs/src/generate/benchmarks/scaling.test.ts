import { expect, test } from "vitest";
import { grid, heldOut, heldOutLast } from "../../../../bench/src/scaling/configuration.ts";
import type { Gathered } from "../../../../bench/src/scaling/evaluate.ts";
import { inventedMeasurements } from "../../../../bench/src/scaling/invented.fixture.ts";
import { summarize } from "../../../../bench/src/scenarios/scaling.ts";
import { benchmarkPages } from "./benchmark-pages.ts";
import { chooseResults } from "./result-file.ts";

const everyHeldOut = [...heldOut, ...heldOutLast];
const gathered: Gathered = {
  ...{ grid: inventedMeasurements(grid), heldOut: inventedMeasurements(everyHeldOut), other: null },
};

/** The list of all results and the page of one whose followers took so many times what the model says. */
function pagesWith(followers: number, change: (data: Record<string, unknown>) => void = () => {}) {
  const held = gathered.heldOut.map((one) => ({
    ...one,
    costs: { ...one.costs, followerUs: one.costs.followerUs! * followers },
  }));
  const steadied = { ...gathered, heldOut: held };
  const { summary, details } = summarize({ cores: 2, otherNode: null, asMeasured: gathered, steadied });
  const data = { scenario: "scaling", ...summary, ...details, pace: [40_000, 50_000, 30_000] };
  change(data);
  return benchmarkPages(chooseResults([{ name: "scaling.json", text: JSON.stringify(data) }], new Map()));
}

test("scaling: what a decision takes, each prediction with its error, and where one leader ends", () => {
  const [index, page] = pagesWith(1);
  expect(index?.body).toContain("63 predictions, all within 25 %; the worst is 0 % off");
  expect(index?.body).toContain("by the leader's main thread. Absent: another Node.js.");
  expect(page?.body).toContain("| the leader's main thread | each decision | 4.5 µs | 0 % |");
  expect(page?.body).toMatch(/\| 4 client processes \| [\d.]+ for [\d.]+: 0 % \|/);
  expect(page?.body).toContain("| 1 node |");
  expect(page?.body).toContain("The reference was measured 3 times, and came to 30,000 to 50,000 decisions per second");
});

test("scaling: what was added last is told apart, and what predictions are without steadying", () => {
  const [index, page] = pagesWith(2);
  expect(index?.body).toContain("63 predictions, 7 NOT within 25 %; the worst is -50 % off");
  expect(page?.body).toContain(
    "5 nodes, 2 client processes; 512 in flight; 6 client processes: 27 predictions, 3 NOT within 25 %",
  );
  expect(page?.body).toMatch(/samples as they were measured, for the fit as well .*: 63 predictions, all within 25 %/);
});

test("scaling: a result of an earlier version, which knew none of that, still gives a page", () => {
  const [index, page] = pagesWith(1, (data) => {
    const { model, samples } = data as { model: { costs: Record<string, unknown> }; samples: { steadied: object } };
    for (const field of ["addedLast", "withoutSteadying", "comparisonsWithoutSteadying"]) delete data[field];
    data.samples = samples.steadied;
    data.comparisons = [];
    data.model = { ...model, costs: { leaderBytes: model.costs.leaderSentBytes } };
  });
  expect(index?.body).toContain("Nothing was predicted. Three nodes on machines of their own end at");
  expect(page?.body).toContain("The result has only steadied samples.");
  expect(page?.body).toContain("| 1 node |");
});
