import { median } from "../median.ts";
import type { ScalingSample } from "./bed.ts";
import type { Configuration } from "./configuration.ts";

/** One sample. They are kept in the order in which they were taken. */
export interface Taken {
  readonly configuration: Configuration;
  readonly sample: ScalingSample;
}

/** What a slower machine makes more of, or less, and by what of the gauge. The parts of a node's processor time have that of the whole, and stay its parts. */
const gaugeOf: Readonly<Partial<Record<keyof ScalingSample, keyof ScalingSample>>> = {
  decisionsPerSecond: "decisionsPerSecond",
  ...{ leaderUs: "leaderUs", leaderThreadUs: "leaderUs", leaderOthersUs: "leaderUs" },
  ...{ followerUs: "followerUs", followerThreadUs: "followerUs", followerOthersUs: "followerUs" },
  ...{ clientUs: "clientUs", flushUs: "flushUs" },
};

/**
 * Each sample as it would have been had the machine always been as fast as it mostly was, by samples of one and the same configuration
 * (`gauge`) next to it: the last before, and the first after it. Shared machines change by more within minutes than models may be wrong.
 * @throws {Error} if there is no sample of the gauge.
 */
export function steadied(taken: readonly Taken[], gauge: Configuration): readonly Taken[] {
  const isGauge = ({ configuration }: Taken) => configuration.name === gauge.name;
  const gauges = taken.filter(isGauge).map(({ sample }) => sample);
  if (gauges.length === 0) throw new Error(`nothing says how fast the machine was: no sample of ${gauge.name}`);
  const told = Object.entries(gaugeOf) as [keyof ScalingSample, keyof ScalingSample][];
  const mostly = new Map(told.map(([, by]) => [by, median(gauges.map((one) => Number(one[by])))]));
  return taken.map((one, at) => {
    const before = taken.slice(0, at + 1).findLast(isGauge);
    const after = taken.slice(at).find(isGauge);
    const near = [before, after].flatMap((found) => (found === undefined ? [] : [found.sample]));
    const paceOf = (by: keyof ScalingSample) =>
      near.reduce((sum, sample) => sum + Number(sample[by]) / mostly.get(by)!, 0) / near.length;
    const steady = told
      .filter(([name]) => one.sample[name] !== null)
      .map(([name, by]) => [name, Number(one.sample[name]) / paceOf(by)]);
    return { ...one, sample: { ...one.sample, ...Object.fromEntries(steady) } };
  });
}
