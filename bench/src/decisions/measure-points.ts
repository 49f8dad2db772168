import { tmpdir } from "node:os";
import { AbsentSystem, type System } from "../system.ts";
import { systems } from "../systems/index.ts";
import { SharedAdmissions } from "./admissions.ts";
import { type ClientProcesses, openClientProcesses } from "./client-processes.ts";
import { type Contender, clientConfiguration } from "./contenders.ts";
import { readDiskWrites } from "./disk-writes.ts";
import { outlivesSamples, repeatsKeys } from "./keys.ts";
import type { Absence, Cell, Measurement, Point } from "./points.ts";
import { readUsage } from "./process-usage.ts";
import { seededRandom } from "./random.ts";
import { type Sample, type ServerState, sampleOf } from "./sample.ts";
import { untilSteady } from "./until-steady.ts";

/** How thoroughly. */
export interface Thoroughness {
  readonly repeats: number;
  readonly sampleMs: number;
  /** Of one stretch of it. */
  readonly warmUpMs: number;
  readonly mostWarmUps: number;
}

/**
 * Starts all servers once, and puts the contenders of each point under its load in turns. What is not measured at the moment has its
 * processes all the same: a cluster that is asked nothing takes a tenth of a core from whoever is.
 */
export async function measurePoints(
  points: readonly Point[],
  thoroughness: Thoroughness,
  say: (text: string) => void,
): Promise<Measurement> {
  const contenders = [...new Set(points.flatMap((point) => point.contenders))];
  const { started, absent } = await startSystems(contenders, points.map(({ keys }) => keys).some(outlivesSamples));
  try {
    for (const { contender, reason } of absent) say(`  absent: ${contender}: ${reason}`);
    const cells: Cell[] = [];
    for (const point of points) {
      say(`  ${point.name}`);
      cells.push(...(await measurePoint(point, started, thoroughness, say)));
    }
    return {
      cells,
      absent,
      configurations: Object.fromEntries(
        [...started].map(([one, { configuration: servers }]) => [one.name, { ...clientConfiguration(one), servers }]),
      ),
    };
  } finally {
    await stopAll(started);
  }
}

/**
 * Each contender has a Redis of its own, so that nobody is told another's memory. A cluster is shared by its contenders, since it takes
 * a part of a core even while nobody asks it; but not where one would spend what another may have of the same keys.
 */
async function startSystems(
  contenders: readonly Contender[],
  keysMeet: boolean,
): Promise<{ readonly started: ReadonlyMap<Contender, System>; readonly absent: readonly Absence[] }> {
  const started = new Map<Contender, System>();
  const shared = ({ system }: Contender) => {
    if (keysMeet || system.startsWith("redis-")) return undefined;
    return [...started].find(([other]) => other.system === system)?.[1];
  };
  const absent: Absence[] = [];
  for (const contender of contenders) {
    try {
      started.set(contender, shared(contender) ?? (await systems[contender.system]()));
    } catch (error) {
      if (!(error instanceof AbsentSystem)) {
        await stopAll(started);
        throw error;
      }
      absent.push({ contender: contender.name, reason: error.message });
    }
  }
  return { started, absent };
}

async function stopAll(started: ReadonlyMap<Contender, System>): Promise<void> {
  await Promise.all([...new Set(started.values())].map((system) => system.stop()));
}

/** One contender at one point, with its client processes. */
interface Runner {
  readonly contender: Contender;
  readonly system: System;
  readonly clients: ClientProcesses;
  readonly warmUpRates: number[];
  readonly samples: Sample[];
  readonly admissions: SharedAdmissions;
}

/** Nobody measures a server that has just started: what is asked one call at a time is warm by more. */
const warmUpInFlight = 64;

/** Between two samples: what one leaves behind is done with before the next one begins. */
const pauseMs = 500;

/** No more can be asked for in a sample. */
const mostAskedFor = 100_000_000;

/** A population comes in so many milliseconds at a time. */
const fillMs = 5_000;

/** Numbers of samples, over all points: what one sample calls its keys, no other does. */
let sampleNumber = 0;

async function measurePoint(
  point: Point,
  started: ReadonlyMap<Contender, System>,
  { repeats, sampleMs, warmUpMs, mostWarmUps }: Thoroughness,
  say: (text: string) => void,
): Promise<readonly Cell[]> {
  const runners: Runner[] = [];
  try {
    for (const contender of point.contenders) {
      const system = started.get(contender);
      if (system === undefined) continue;
      const place = { endpoints: await system.endpoints(), rule: point.rule };
      const clients = await openClientProcesses(point.processes, { client: contender.client, place });
      runners.push({ contender, system, clients, warmUpRates: [], samples: [], admissions: new SharedAdmissions() });
    }
    for (const runner of runners) await fill(point, runner);
    for (const runner of runners) {
      const stretch = { durationMs: warmUpMs, seed: repeats, kills: false, leastInFlight: warmUpInFlight };
      const rate = async () => (await takeSample(point, runner, stretch)).decisionsPerSecond;
      runner.warmUpRates.push(...(await untilSteady(mostWarmUps, rate)));
    }
    for (let repeat = 0; repeat < repeats; repeat++) {
      // Another order each time, so that no contender always follows the same one.
      for (const runner of shuffled(runners, repeat)) {
        const kills = point.killsLeader ?? false;
        await afterMs(pauseMs);
        const sample = await takeSample(point, runner, { durationMs: sampleMs, seed: repeat, kills });
        runner.samples.push(sample);
        say(sampleLine(runner.contender, sample));
      }
    }
  } finally {
    await Promise.all(runners.map((runner) => runner.clients.stop()));
  }
  return runners.map(({ contender, warmUpRates, samples, admissions }) => ({
    point: point.name,
    contender: contender.name,
    inFlight: inFlightOf(point, contender),
    warmUpRates,
    samples,
    overAdmitted: reachesLimits(point) && contender.decides !== false ? admissions.over(point.rule) : null,
  }));
}

/** Each member of a population that nobody exhausts is there before it is drawn from, once for each contender. */
async function fill(point: Point, runner: Runner): Promise<void> {
  const { keys } = point;
  if (keys.kind !== "uniform" || runner.contender.decides === false) return;
  for (let from = 0; from < keys.count; ) {
    const each = { ...point, keys: { kind: "each", count: keys.count, from } as const };
    from += (await takeSample(each, runner, { durationMs: fillMs, seed: 0, kills: false })).decisions;
  }
}

/** Whether some key is asked for so often that its limit is reached; of all others nothing can be admitted that should not be. */
function reachesLimits({ keys, rule }: Point): boolean {
  return repeatsKeys(keys) && rule.limit < mostAskedFor;
}

/** The same order for the same number. */
function shuffled<T>(items: readonly T[], number: number): readonly T[] {
  const random = seededRandom(number + 1);
  return items
    .map((item) => ({ item, at: random() }))
    .toSorted((one, other) => one.at - other.at)
    .map(({ item }) => item);
}

/** How a sample is taken. */
interface Take {
  readonly durationMs: number;
  readonly seed: number;
  readonly kills: boolean;
  readonly leastInFlight?: number;
}

/** @throws {Error} when calls failed that need not have. */
async function takeSample(
  point: Point,
  { contender, system, clients, admissions }: Runner,
  { durationMs, seed, kills, leastInFlight = 1 }: Take,
): Promise<Sample> {
  sampleNumber += 1;
  const load = {
    inFlight: Math.max(leastInFlight, inFlightOf(point, contender)),
    durationMs,
    keys: point.keys,
    sample: `s${sampleNumber}`,
    seed,
  };
  let before: ServerState | null = null;
  let fromMs = 0;
  let killed: Promise<void> | null = null;
  const reports = await clients.run(load, async () => {
    before = await stateOf(system);
    fromMs = performance.now();
    if (kills) killed = afterMs(durationMs / 2).then(() => system.leader?.kill());
  });
  const toMs = performance.now();
  await killed;
  const after = kills ? null : await stateOf(system);
  for (const report of reports) admissions.add(report.admitted, fromMs, toMs);
  if (kills) await system.leader?.restore();
  const sample = sampleOf(reports, clients.decisionsPerCall, after === null ? null : { before: before!, after });
  if (sample.failed > 0 && !kills) {
    const why = reports.find((report) => report.firstFailure !== null)?.firstFailure;
    throw new Error(`${contender.name}, ${point.name}: ${sample.failed} calls failed, the first with ${why}`);
  }
  return sample;
}

async function stateOf(system: System): Promise<ServerState> {
  const [flushes, usage, diskBytes] = await Promise.all([
    system.flushes(),
    readUsage(system.pids()),
    readDiskWrites(tmpdir()),
  ]);
  return { flushes, ...usage, diskBytes };
}

function inFlightOf(point: Point, contender: Contender): number {
  return point.inFlightOf?.get(contender) ?? point.inFlight;
}

function sampleLine(
  { name }: Contender,
  { decisionsPerSecond, p50Ms, p99Ms, denied, decisions, failed }: Sample,
): string {
  const rate = decisionsPerSecond.toLocaleString("en").padStart(11);
  const failures = failed > 0 ? `   ${failed} failed` : "";
  const denials = denied > 0 ? `   ${Math.round((100 * denied) / decisions)} % denied` : "";
  return `    ${name.padEnd(44)} ${rate}/s   p50 ${p50Ms} ms   p99 ${p99Ms} ms${denials}${failures}`;
}

function afterMs(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
