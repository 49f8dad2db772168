import { median } from "../median.ts";
import { type Bed, type ScalingSample, startBed } from "./bed.ts";
import type { Configuration } from "./configuration.ts";
import type { Costs, Measured } from "./cost-model.ts";

/** How thoroughly. */
export interface Thoroughness {
  readonly repeats: number;
  readonly sampleMs: number;
  readonly warmUpMs: number;
}

/** A configuration with all of its samples. */
export interface MeasuredSamples extends Measured {
  readonly samples: readonly ScalingSample[];
}

/** What nodes run on, here and in configurations with the other Node.js. */
export interface Programs {
  readonly own: string;
  readonly other: string | null;
}

/** A population of more keys has a cluster of its own: all keys are in the state that snapshots are cut of, whoever is asked for. */
const many = 100_000;
/** Most of a population; the rest comes in the samples. */
const filledShare = 0.9;
/** So many warm-ups at most until a population is there. */
const mostWarmUps = 120;

/** Clusters that were started, by what sets them apart. All of them are there at once, so that configurations can take turns. */
export class Beds {
  readonly #programs: Programs;
  readonly #started = new Map<string, Bed>();

  constructor(programs: Programs) {
    this.#programs = programs;
  }

  async of(configuration: Configuration): Promise<Bed> {
    const name = bedName(configuration);
    const program = configuration.otherNode ? this.#programs.other : this.#programs.own;
    if (program === null) throw new Error(`${configuration.name}: there is no other Node.js`);
    const bed = this.#started.get(name) ?? (await startBed(configuration, program));
    this.#started.set(name, bed);
    return bed;
  }

  async stop(): Promise<void> {
    const beds = [...this.#started.values()];
    this.#started.clear();
    await Promise.all(beds.map((bed) => bed.stop()));
  }

  /** Stops all but those that these configurations run on. */
  async keepFor(configurations: readonly Configuration[]): Promise<void> {
    const wanted = new Set(configurations.map(bedName));
    for (const [name, bed] of [...this.#started]) {
      if (wanted.has(name)) continue;
      this.#started.delete(name);
      await bed.stop();
    }
  }
}

function bedName({ nodes, keys, otherNode }: Configuration): string {
  return `${nodes}${keys !== "new" && keys > many ? ", many keys" : ""}${otherNode ? ", other Node.js" : ""}`;
}

/** Samples of all configurations, in turns. */
export async function measureInTurns(
  beds: Beds,
  configurations: readonly Configuration[],
  { repeats, sampleMs, warmUpMs }: Thoroughness,
  say: (text: string) => void,
): Promise<readonly MeasuredSamples[]> {
  for (const configuration of configurations) await warmUp(await beds.of(configuration), configuration, warmUpMs);
  const samples = new Map<Configuration, ScalingSample[]>(configurations.map((one) => [one, []]));
  for (let repeat = 0; repeat < repeats; repeat++) {
    // The order turns round, so that none always follows the same one.
    for (const configuration of repeat % 2 === 0 ? configurations : [...configurations].reverse()) {
      const bed = await beds.of(configuration);
      const sample = await bed.sample(configuration, sampleMs);
      samples.get(configuration)!.push(sample);
      say(sampleLine(configuration, sample));
    }
  }
  return [...samples].map(([configuration, taken]) => ({ configuration, samples: taken, costs: mediansOf(taken) }));
}

/** Until clients are warm and the population is there. */
async function warmUp(bed: Bed, configuration: Configuration, warmUpMs: number): Promise<void> {
  const { keys, name } = configuration;
  for (let times = 0; times < mostWarmUps; times++) {
    await bed.sample(configuration, warmUpMs);
    if (keys === "new" || (await bed.liveKeys()) >= filledShare * keys) return;
  }
  throw new Error(`${name}: after ${mostWarmUps} warm-ups of ${warmUpMs} ms most of its keys are still not there`);
}

/** Of each number of the samples the median; of what no sample has, nothing. */
export function mediansOf(samples: readonly ScalingSample[]): Costs {
  const [{ decisions: _, seconds: __, ...costs }] = samples as [ScalingSample];
  const entries = (Object.keys(costs) as (keyof Costs)[]).map((name) => {
    const values = samples.map((sample) => sample[name]).filter((value) => value !== null);
    return [name, values.length === 0 ? null : median(values)];
  });
  return Object.fromEntries(entries) as Costs;
}

function sampleLine({ name }: Configuration, sample: ScalingSample): string {
  const us = (value: number | null) => (value === null ? "    –" : value.toFixed(2).padStart(5));
  const rate = Math.round(sample.decisionsPerSecond).toLocaleString("en").padStart(9);
  const batch = sample.callsPerEntry.toFixed(1).padStart(7);
  return `    ${name.padEnd(34)} ${rate}/s   ${batch} calls an entry   leader ${us(sample.leaderUs)} µs   follower ${us(sample.followerUs)} µs   clients ${us(sample.clientUs)} µs`;
}
