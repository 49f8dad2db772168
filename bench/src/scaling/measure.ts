import { median } from "../median.ts";
import { type Bed, type ScalingSample, startBed } from "./bed.ts";
import { type Configuration, reference } from "./configuration.ts";
import type { Costs, Measured } from "./cost-model.ts";
import type { Taken } from "./steady.ts";

/** How thoroughly. */
export interface Thoroughness {
  /** Of each configuration so many samples are taken, however long it takes. */
  readonly leastRepeats: number;
  /** And so many where there is time. */
  readonly mostRepeats: number;
  readonly sampleMs: number;
  /** Under the same load before each of them: the cluster may have stood still. */
  readonly settleMs: number;
  /** Decisions by each client process until it and its nodes are taken to be compiled. */
  readonly warmDecisions: number;
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
const warmUpMs = 2_000;
/** A population is there sooner by fuller entries. */
const filledInFlight = 1_024;
/** So many warm-ups at most until a population is there. */
const mostWarmUps = 120;

/**
 * Clusters that were started, by what sets them apart. All of them are there at once, so that configurations can take turns; but for the one
 * that was asked for last they stand still.
 */
export class Beds {
  readonly #programs: Programs;
  readonly #started = new Map<string, Bed>();
  #awake: Bed | null = null;
  /** By clients, how many decisions they got so far while they were warmed up. */
  readonly #decided = new Map<string, number>();

  constructor(programs: Programs) {
    this.#programs = programs;
  }

  async of(configuration: Configuration): Promise<Bed> {
    const name = bedName(configuration);
    const program = configuration.otherNode ? this.#programs.other : this.#programs.own;
    if (program === null) throw new Error(`${configuration.name}: there is no other Node.js`);
    const known = this.#started.get(name);
    if (known !== undefined && known === this.#awake) return known;
    this.#awake?.pause();
    known?.resume();
    const bed = known ?? (await startBed(configuration, program));
    this.#started.set(name, bed);
    this.#awake = bed;
    return bed;
  }

  /** Until nodes and clients are warm, and the population is there. */
  async warmUp(configuration: Configuration, warmDecisions: number): Promise<void> {
    const bed = await this.of(configuration);
    const { keys, name, processes } = configuration;
    const clients = `${bedName(configuration)}, ${processes} clients, ${keys === "new" ? "new" : "known"} keys`;
    let inFlight = Math.max(configuration.inFlight, reference.inFlight);
    for (let times = 0; times < mostWarmUps; times++) {
      const { decisions } = await bed.sample({ ...configuration, inFlight }, warmUpMs);
      const all = (this.#decided.get(clients) ?? 0) + decisions;
      this.#decided.set(clients, all);
      const isThere = keys === "new" || (await bed.liveKeys()) >= filledShare * keys;
      if (isThere && all >= warmDecisions * processes) return;
      // Not the first time: nodes that have just begun are slow enough without.
      if (!isThere) inFlight = filledInFlight;
    }
    throw new Error(`${name}: after ${mostWarmUps} warm-ups of ${warmUpMs} ms most of its keys are still not there`);
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
      if (bed === this.#awake) this.#awake = null;
      await bed.stop();
    }
  }
}

function bedName({ nodes, keys, otherNode }: Configuration): string {
  return `${nodes}${keys !== "new" && keys > many ? ", many keys" : ""}${otherNode ? ", other Node.js" : ""}`;
}

/** After so many samples of others, one of the reference tells how fast the machine is. */
const othersInARow = 2;

/** When there is no time for more. */
export interface Deadline {
  /** Milliseconds since the run began. */
  readonly elapsedMs: () => number;
  /** No repeat beyond the least is begun later. */
  readonly lastBeginsAtMs: number;
}

/** Samples of the reference and of all configurations, in turns and in the order in which they were taken. */
export async function measureInTurns(
  beds: Pick<Beds, "of" | "warmUp">,
  configurations: readonly Configuration[],
  { leastRepeats, mostRepeats, sampleMs, settleMs, warmDecisions }: Thoroughness,
  { elapsedMs, lastBeginsAtMs }: Deadline,
  say: (text: string) => void,
): Promise<readonly Taken[]> {
  const others = configurations.filter(({ name }) => name !== reference.name);
  for (const one of [reference, ...others]) await beds.warmUp(one, warmDecisions);
  const taken: Taken[] = [];
  const take = async (configuration: Configuration) => {
    const bed = await beds.of(configuration);
    await bed.sample(configuration, settleMs);
    const sample = await bed.sample(configuration, sampleMs);
    taken.push({ configuration, sample });
    say(sampleLine(configuration, sample));
  };
  for (let repeat = 0; repeat < mostRepeats; repeat++) {
    if (repeat >= leastRepeats && elapsedMs() > lastBeginsAtMs) break;
    // The order turns round, so that none always follows the same one.
    for (const [at, configuration] of (repeat % 2 === 0 ? others : others.toReversed()).entries()) {
      if (at % othersInARow === 0) await take(reference);
      await take(configuration);
    }
    await take(reference);
  }
  return taken;
}

/** All samples of each of these configurations, with their medians. */
export function gather(configurations: readonly Configuration[], taken: readonly Taken[]): readonly MeasuredSamples[] {
  return configurations.map((configuration) => {
    const samples = taken.filter((one) => one.configuration === configuration).map(({ sample }) => sample);
    return { configuration, samples, costs: mediansOf(samples) };
  });
}

/** Of each number of the samples the median; of what no sample has, nothing. */
function mediansOf(samples: readonly ScalingSample[]): Costs {
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
