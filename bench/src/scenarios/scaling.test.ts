import { expect, it } from "vitest";
import { grid, heldOut, heldOutOther, otherReference } from "../scaling/configuration.ts";
import type { Costs } from "../scaling/cost-model.ts";
import { inventedMeasurements } from "../scaling/invented.fixture.ts";
import type { MeasuredSamples } from "../scaling/measure.ts";
import { type ScalingMeasurement, summarize } from "./scaling.ts";

const changed = ({ costs, ...rest }: MeasuredSamples, change: Partial<Costs>): MeasuredSamples => ({
  ...rest,
  costs: { ...costs, ...change },
});
const [otherFirst, ...others] = inventedMeasurements([otherReference, ...heldOutOther]);
const measurement: ScalingMeasurement = {
  ...{ cores: 2, pace: [40_000, 50_000], grid: inventedMeasurements(grid), heldOut: inventedMeasurements(heldOut) },
  other: { version: "v99.0.0", reference: otherFirst!, heldOut: others },
};

it("predictions that come true are within, on every held-out configuration and for all that is judged", () => {
  const { line, summary, details } = summarize(measurement);
  expect(summary).toMatchObject({ within: true, mostErrorPercent: 25, absent: [], worst: { errorPercent: 0 } });
  expect(summary.comparisons).toHaveLength(6 * (heldOut.length + heldOutOther.length));
  expect(line).toContain("30 predictions, all within 25 %");
  // 1 ÷ (0.9 × (5 + 200/1024 + 2 × (0.5 + 60/1024) + 0.012 × 16 + 0.2 × log2(10,000/1,024))) µs.
  expect(summary.endsAt).toEqual({ what: "the leader's main thread", decisionsPerSecond: 155_139 });
  expect(details).toMatchObject({ otherNode: "v99.0.0", pace: [40_000, 50_000] });
});

it("one prediction that does not come true is named, in the line, the summary and the table", () => {
  const wrong = measurement.heldOut.map((one) =>
    one.configuration.name === "5 nodes" ? changed(one, { followerUs: one.costs.followerUs! * 2 }) : one,
  );
  const { line, summary, table } = summarize({ ...measurement, heldOut: wrong });
  expect(summary).toMatchObject({
    within: false,
    worst: { configuration: "5 nodes", what: "followerUs", errorPercent: -50, within: false },
  });
  expect(line).toContain("1 NOT within 25 %; the worst is -50 % off (5 nodes: follower, µs)");
  expect(table).toContain("**-50 %**");
});

it("without another Node.js that is said, and the rest holds", () => {
  const { line, summary, details } = summarize({ ...measurement, other: null });
  expect(summary).toMatchObject({ within: true, absent: ["another Node.js"] });
  expect(summary.comparisons).toHaveLength(6 * heldOut.length);
  expect(line).toContain("; absent: another Node.js");
  expect(details).toMatchObject({ otherNode: null });
});

it("the tables have every cost that was found, every configuration, and what runs out first", () => {
  const { table = "" } = summarize(measurement);
  expect(table).toContain("| the leader's processor | each decision | 5 µs | 0 % |");
  expect(table).toContain("|  | each entry, for each follower | 60 µs |  |");
  expect(table).toMatch(/\| 1 node \| [\d,]+ \| 182\.6 \| [\d.]+ \| [\d.]+ \| [\d.]+ \| – \| – \|/);
  for (const { name } of [...grid, ...heldOut, otherReference, ...heldOutOther]) expect(table).toContain(`| ${name} |`);
  expect(table).toContain("| 3 | 1,024 | 16 | 10,000 | the leader's main thread at 155,139/s | 1 |");
});
