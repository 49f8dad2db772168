import { expect, test } from "vitest";
import { grid, heldOut } from "../../../../bench/src/scaling/configuration.ts";
import { inventedMeasurements } from "../../../../bench/src/scaling/invented.fixture.ts";
import { summarize } from "../../../../bench/src/scenarios/scaling.ts";
import { benchmarkPages } from "./benchmark-pages.ts";
import { chooseResults } from "./result-file.ts";

test("scaling: what a decision takes, each prediction with its error, and where one leader ends", () => {
  const pace = [40_000, 50_000, 30_000];
  const world = { cores: 2, pace, grid: inventedMeasurements(grid), heldOut: inventedMeasurements(heldOut) };
  const pagesWith = (followers: number) => {
    const held = world.heldOut.map((one) => ({
      ...one,
      costs: { ...one.costs, followerUs: one.costs.followerUs! * followers },
    }));
    const { summary, details } = summarize({ ...world, heldOut: held, other: null });
    const text = JSON.stringify({ scenario: "scaling", ...summary, ...details });
    return benchmarkPages(chooseResults([{ name: "scaling.json", text }], new Map()));
  };
  const [index, page] = pagesWith(1);
  expect(index?.body).toContain("24 predictions, all within 25 %; the worst is 0 % off");
  expect(index?.body).toContain("by the leader's main thread. Absent: another Node.js.");
  expect(page?.body).toContain("| the leader's processor | each decision | 5 µs | 0 % |");
  expect(page?.body).toMatch(/\| 4 client processes \| [\d.]+ for [\d.]+: 0 % \|/);
  expect(page?.body).toContain("| 1 node |");
  expect(page?.body).toContain("The reference was measured 3 times, and came to 30,000 to 50,000 decisions per second");
  const [worse] = pagesWith(2);
  expect(worse?.body).toContain("4 of them more than 25 % off; the worst is -50 % off");
});
