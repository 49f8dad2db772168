import { expect, it } from "vitest";
import { grid, reference } from "./configuration.ts";
import { inventedMeasurements } from "./invented.fixture.ts";
import { steadied, type Taken } from "./steady.ts";

const [one, other] = inventedMeasurements([reference, grid.find(({ nodes }) => nodes === 1)!]);

/** A sample on a machine that is so many times slower than it mostly is. */
function on(measured: typeof one, slower: number): Taken {
  const { configuration, samples } = measured!;
  const sample = samples[0]!;
  const us = Object.entries(sample).map(([name, value]) => [
    name,
    name.endsWith("Us") && value ? value * slower : value,
  ]);
  return {
    configuration,
    sample: { ...sample, ...Object.fromEntries(us), decisionsPerSecond: sample.decisionsPerSecond / slower },
  };
}

it("what the machine itself took longer for is no cost: each sample is told by the gauges next to it", () => {
  const order = [on(one, 1), on(other, 1), on(one, 1), on(one, 2), on(other, 2), on(one, 2), on(one, 1)];
  const told = steadied(order, reference);
  for (const [at, { configuration, sample }] of told.entries()) {
    const right = (configuration.name === reference.name ? one : other)!.samples[0]!;
    expect(sample.leaderUs, String(at)).toBeCloseTo(right.leaderUs!, 6);
    expect(sample.clientUs).toBeCloseTo(right.clientUs!, 6);
    expect(sample.flushUs).toBeCloseTo(right.flushUs!, 6);
    expect(sample.followerUs === null).toBe(right.followerUs === null);
  }
});

it("between two gauges the machine was as fast as both of them on average; what it has no part in stays as it is", () => {
  const [, between] = steadied([on(one, 1), on(other, 1.5), on(one, 2), on(one, 1)], reference);
  const { leaderUs, leaderSentBytes, leaderLogBytes, callsPerEntry } = other!.samples[0]!;
  expect(between!.sample.leaderUs).toBeCloseTo(leaderUs!, 6);
  expect(between!.sample).toMatchObject({ leaderSentBytes, leaderLogBytes, callsPerEntry });
});

it("without a gauge nothing is told", () => {
  expect(() => steadied([on(other, 1)], reference)).toThrow("no sample of reference");
});

it("a node's main thread and its other threads are told by one number, and stay parts of the whole", () => {
  const slowThread = (times: number): Taken => {
    const { configuration, sample } = on(one, 1);
    const leaderThreadUs = sample.leaderThreadUs! * times;
    return { configuration, sample: { ...sample, leaderThreadUs, leaderUs: leaderThreadUs + sample.leaderOthersUs! } };
  };
  const order = [on(one, 1), on(other, 1), on(one, 1), slowThread(1.5), on(other, 1), slowThread(1.8), on(one, 1)];
  for (const { sample } of steadied(order, reference)) {
    expect(sample.leaderThreadUs! + sample.leaderOthersUs!).toBeCloseTo(sample.leaderUs!, 9);
  }
});
