import { expect, it } from "vitest";
import { grid, heldOut, heldOutLast, heldOutOther, otherReference } from "../scaling/configuration.ts";
import type { Costs } from "../scaling/cost-model.ts";
import type { Gathered } from "../scaling/evaluate.ts";
import { inventedMeasurements, truthOf } from "../scaling/invented.fixture.ts";
import type { MeasuredSamples } from "../scaling/measure.ts";
import { type ScalingMeasurement, summarize } from "./scaling.ts";

const changed = ({ costs, ...rest }: MeasuredSamples, change: Partial<Costs>): MeasuredSamples => ({
  ...rest,
  costs: { ...costs, ...change },
});
const everyHeldOut = [...heldOut, ...heldOutLast];
const [otherFirst, ...others] = inventedMeasurements([otherReference, ...heldOutOther]);
const gathered: Gathered = {
  ...{ grid: inventedMeasurements(grid), heldOut: inventedMeasurements(everyHeldOut) },
  other: { reference: otherFirst!, heldOut: others },
};
const measurement: ScalingMeasurement = { cores: 2, otherNode: "v99.0.0", asMeasured: gathered, steadied: gathered };
const predictions = 9 * (everyHeldOut.length + heldOutOther.length);

it("predictions that come true are within, on every held-out configuration and for all that is judged", () => {
  const { line, summary, details } = summarize(measurement);
  expect(summary).toMatchObject({ within: true, mostErrorPercent: 25, absent: [], worst: { errorPercent: 0 } });
  expect(summary.comparisons).toHaveLength(predictions);
  expect(line).toContain(`${predictions} predictions, all within 25 %`);
  // 1 ÷ (0.9 × (5 + 200/1024 + 2 × (0.5 + 60/1024) + 0.012 × 16 + 0.2 × log2(10,000/1,024))) µs.
  expect(summary.endsAt).toEqual({ what: "the leader's main thread", decisionsPerSecond: 155_139 });
  expect(details).toMatchObject({ otherNode: "v99.0.0" });
});

it("what was added last is told apart, too", () => {
  const wrong = gathered.heldOut.map((one) =>
    one.configuration.name === "512 in flight" ? changed(one, { clientUs: one.costs.clientUs! * 2 }) : one,
  );
  const { summary } = summarize({ ...measurement, steadied: { ...gathered, heldOut: wrong } });
  expect(summary.addedLast).toMatchObject({
    configurations: [
      ...["512 in flight", "64 in flight, new keys", "1,024 in flight, 1,000,000 keys"],
      ...["5 client processes", "64 in flight, 2 client processes"],
    ],
    ...{ predictions: 45, off: 1, worst: { configuration: "512 in flight", what: "clientUs", errorPercent: -50 } },
  });
});

it("samples are there as they were measured and steadied, and so is what predictions are without steadying", () => {
  const slower = (one: MeasuredSamples) => ({
    ...changed(one, { decisionsPerSecond: one.costs.decisionsPerSecond / 2 }),
    samples: one.samples.map((sample) => ({ ...sample, decisionsPerSecond: sample.decisionsPerSecond / 2 })),
  });
  const asMeasured = { ...gathered, heldOut: gathered.heldOut.map(slower) };
  const { summary, details, table } = summarize({ ...measurement, asMeasured });
  expect(summary).toMatchObject({ within: true, withoutSteadying: { predictions, off: everyHeldOut.length } });
  expect(summary.withoutSteadying).toMatchObject({ worst: { what: "decisionsPerSecond", errorPercent: 100 } });
  const samples = details.samples as Record<
    "asMeasured" | "steadied",
    Record<string, { decisionsPerSecond: number }[]>
  >;
  const [raw, told] = [samples.asMeasured["5 nodes"]![0]!, samples.steadied["5 nodes"]![0]!];
  expect(raw.decisionsPerSecond * 2).toBe(told.decisionsPerSecond);
  expect(details.pace).toEqual([Math.round(gathered.grid[0]!.costs.decisionsPerSecond)]);
  const shown = [raw, told].map(({ decisionsPerSecond }) => Math.round(decisionsPerSecond).toLocaleString("en"));
  expect(table).toContain(`| 5 nodes | 1 | ${shown.join(" | ")} |`);
});

it("one prediction that does not come true is named, in the line, the summary and the table", () => {
  const wrong = gathered.heldOut.map((one) =>
    one.configuration.name === "5 nodes" ? changed(one, { followerUs: one.costs.followerUs! * 2 }) : one,
  );
  const { line, summary, table } = summarize({ ...measurement, steadied: { ...gathered, heldOut: wrong } });
  expect(summary).toMatchObject({
    within: false,
    worst: { configuration: "5 nodes", what: "followerUs", errorPercent: -50, within: false },
  });
  expect(line).toContain("1 NOT within 25 %; the worst is -50 % off (5 nodes: follower, µs)");
  expect(table).toContain("**-50 %**");
});

it("without another Node.js that is said, and the rest holds", () => {
  const without = { ...gathered, other: null };
  const { line, summary, details } = summarize({
    ...measurement,
    otherNode: null,
    asMeasured: without,
    steadied: without,
  });
  expect(summary).toMatchObject({ within: true, absent: ["another Node.js"] });
  expect(summary.comparisons).toHaveLength(9 * everyHeldOut.length);
  expect(line).toContain("; absent: another Node.js");
  expect(details).toMatchObject({ otherNode: null });
});

it("the tables have every cost that was found, every configuration, and what runs out first", () => {
  const { table = "" } = summarize(measurement);
  expect(table).toContain("| the leader's main thread | each decision | 4.5 µs | 0 % |");
  expect(table).toContain("|  | each entry, for each follower | 54 µs |  |");
  expect(table).toMatch(/\| 1 node \| [\d,]+ \| 182\.6 \| [\d.]+ \| [\d.]+ \| [\d.]+ \| [\d.]+ \| – \| – \| – \|/);
  for (const { name } of [...grid, ...everyHeldOut, otherReference, ...heldOutOther])
    expect(table).toContain(`| ${name} |`);
  expect(table).toContain("| 3 | 1,024 | 16 | 10,000 | the leader's main thread at 155,139/s | 1 |");
});

it("what the measurements did not tell apart from nothing is told as that, and not as nothing", () => {
  const cheap = gathered.grid.map((one) => {
    const [known] = inventedMeasurements([{ ...one.configuration, keys: 10_000 }]);
    return one.configuration.keys === "new" ? changed(one, { leaderOthersUs: known!.costs.leaderOthersUs }) : one;
  });
  const { table } = summarize({ ...measurement, steadied: { ...gathered, grid: cheap } });
  expect(table).toMatch(/\|\s+\| each new key \| not told apart from 0 \|\s+\|/);
});

it("what one leader ends at on this machine stands beside what it came to, with the entries that came about", () => {
  const { line, table, details } = summarize(measurement);
  const { decisionsPerSecond, callsPerEntry } = truthOf(grid.find(({ inFlight }) => inFlight === 1_024)!);
  const shown = [decisionsPerSecond, callsPerEntry].map((value) => Math.round(value).toLocaleString("en"));
  const words = `${shown[0]}/s, with ${shown[1]} calls in an entry`;
  expect(line).toContain(`; with all on this machine it was ${words}`);
  expect(table).toMatch(new RegExp(`\\| 3 \\| 1,024 \\| 16 \\| 10,000 \\| [^|]+ at [\\d,]+/s \\| ${words} \\|`));
  expect(table).toMatch(/\| 5 \| 1,024 \| 16 \| 10,000 \| [^|]+ at [\d,]+\/s \| – \|/);
  const { onOneMachine } = details.capacity as { onOneMachine: { keys: number; callsPerEntry: number }[] };
  const asMany = onOneMachine.filter(({ callsPerEntry: calls }) => calls === 1_024);
  expect(asMany[0]).toMatchObject({ measured: { decisionsPerSecond: Math.round(decisionsPerSecond), callsPerEntry } });
  const most = Math.max(...[...grid, ...everyHeldOut].map((one) => truthOf(one).callsPerEntry));
  expect(table).toContain(`The fullest entries that were measured held ${Math.round(most).toLocaleString("en")} calls`);
});
