import { median } from "../median.ts";
import type { ScalingSample } from "./bed.ts";
import type { Configuration } from "./configuration.ts";

/** One sample. They are kept in the order in which they were taken. */
export interface Taken {
  readonly configuration: Configuration;
  readonly sample: ScalingSample;
}

/** What a slower machine makes more of, or less. */
const ofTheMachine: readonly (keyof ScalingSample)[] = [
  "decisionsPerSecond",
  ...(["leaderUs", "leaderThreadUs", "followerUs", "followerThreadUs", "clientUs", "flushUs"] as const),
];

/**
 * Each sample as it would have been had the machine always been as fast as it mostly was, by samples of one and the same configuration
 * (`gauge`) next to it: the last before, and the first after it. Shared machines change by more within minutes than models may be wrong.
 * @throws {Error} if there is no sample of the gauge.
 */
export function steadied(taken: readonly Taken[], gauge: Configuration): readonly Taken[] {
  const isGauge = ({ configuration }: Taken) => configuration.name === gauge.name;
  const gauges = taken.filter(isGauge).map(({ sample }) => sample);
  if (gauges.length === 0) throw new Error(`nothing says how fast the machine was: no sample of ${gauge.name}`);
  const mostly = new Map(ofTheMachine.map((name) => [name, median(gauges.map((one) => Number(one[name])))]));
  return taken.map((one, at) => {
    const before = taken.slice(0, at + 1).findLast(isGauge);
    const after = taken.slice(at).find(isGauge);
    const near = [before, after].flatMap((found) => (found === undefined ? [] : [found.sample]));
    const paceOf = (name: keyof ScalingSample) =>
      near.reduce((sum, sample) => sum + Number(sample[name]) / mostly.get(name)!, 0) / near.length;
    const steady = ofTheMachine
      .filter((name) => one.sample[name] !== null)
      .map((name) => [name, Number(one.sample[name]) / paceOf(name)]);
    return { ...one, sample: { ...one.sample, ...Object.fromEntries(steady) } };
  });
}
