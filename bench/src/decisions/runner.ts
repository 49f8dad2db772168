import { tmpdir } from "node:os";
import { pause, resume } from "../pauses.ts";
import type { System } from "../system.ts";
import { SharedAdmissions } from "./admissions.ts";
import { type ClientProcesses, openClientProcesses } from "./client-processes.ts";
import { type Contender, pausablePids } from "./contenders.ts";
import { readCoreTimes } from "./core-times.ts";
import { readDiskWrites } from "./disk-writes.ts";
import { repeatsKeys } from "./keys.ts";
import type { Cell, Point } from "./points.ts";
import { readUsage } from "./process-usage.ts";
import { type Sample, type ServerState, sampleOf } from "./sample.ts";
import { untilSteady, warmUpInFlight } from "./until-steady.ts";

/** What is not measured, for the sake of what is. */
export interface WarmUp {
  /** Of one stretch of it. */
  readonly warmUpMs: number;
  readonly mostWarmUps: number;
  /**
   * Under load before each sample: connections that broke while all stood still are made again, and what time has run out goes. And without
   * load after it, until all stand still: what it leaves behind is done with, such as what is flushed once a second.
   */
  readonly settleMs: number;
}

/** Seeds of samples are below it: what is drawn before a sample is not what is drawn in it. */
const settleSeeds = 1_000;

/** So often a sample is taken again whose leader was not the same all the time. */
const tries = 3;

/** No more can be asked for in a sample. */
const mostAskedFor = 100_000_000;

/** A population comes in so many milliseconds at a time. */
const fillMs = 5_000;

/** Numbers of samples, over all points: what one sample calls its keys, no other does. */
let sampleNumber = 0;

/** How a sample is taken. */
interface Take {
  readonly durationMs: number;
  readonly seed: number;
  readonly kills: boolean;
  readonly leastInFlight?: number;
}

/** A sample, and why a call of it failed. */
interface Taken {
  readonly sample: Sample;
  readonly firstFailure: string | null;
}

/** One contender at one point, with its client processes. All its processes stand still but while something is awaited of it. */
export class Runner {
  readonly contender: Contender;
  readonly #point: Point;
  readonly #system: System;
  readonly #warmUp: WarmUp;
  readonly #warmUpRates: number[] = [];
  readonly #samples: Sample[] = [];
  readonly #admissions = new SharedAdmissions();
  #clients: ClientProcesses;
  /** Whom they found first. */
  #leader: string;

  private constructor(point: Point, contender: Contender, system: System, warmUp: WarmUp, opened: Opened) {
    this.contender = contender;
    this.#point = point;
    this.#system = system;
    this.#warmUp = warmUp;
    this.#clients = opened.clients;
    this.#leader = opened.leader;
  }

  /** Opens its clients, stores its population, and warms all of it up. */
  static async open(point: Point, contender: Contender, system: System, warmUp: WarmUp): Promise<Runner> {
    resume(pausablePids(contender, system));
    const runner = new Runner(point, contender, system, warmUp, await openClients(point, contender, system));
    try {
      await runner.#fill();
      await runner.#untilWarm();
    } catch (error) {
      await runner.close();
      throw error;
    }
    runner.#pause();
    return runner;
  }

  /** One sample more. @throws {Error} when calls failed that need not have, or the leader changes again and again. */
  async measure(durationMs: number, seed: number): Promise<Sample> {
    this.#resume();
    const sample = await this.#ofOneLeader(durationMs, seed);
    this.#samples.push(sample);
    await new Promise((resolve) => setTimeout(resolve, this.#warmUp.settleMs));
    this.#pause();
    return sample;
  }

  /** A client that asks one server alone would go on asking it after another one has come to lead: such a sample is taken again. */
  async #ofOneLeader(durationMs: number, seed: number): Promise<Sample> {
    const kills = this.#point.killsLeader ?? false;
    for (let left = tries; left > 0; left--) {
      await this.#followLeader();
      const settled = await this.#take({ durationMs: this.#warmUp.settleMs, seed: settleSeeds + seed, kills: false });
      const taken = await this.#take({ durationMs, seed, kills });
      // Of a change, calls may fail.
      if (!kills && (await this.#system.endpoints())[0] !== this.#leader) continue;
      this.#whole(settled);
      return kills ? taken.sample : this.#whole(taken);
    }
    throw new Error(`${this.contender.name}, ${this.#point.name}: the leader changed in each of ${tries} samples`);
  }

  /** What it did. */
  cell(): Cell {
    const judged = reachesLimits(this.#point) && this.contender.decides !== false;
    return {
      point: this.#point.name,
      contender: this.contender.name,
      inFlight: this.#inFlight(),
      warmUpRates: this.#warmUpRates,
      samples: this.#samples,
      overAdmitted: judged ? this.#admissions.over(this.#point.rule) : null,
    };
  }

  /** Ends its clients. */
  async close(): Promise<void> {
    this.#resume();
    await this.#clients.stop();
    pause(pausablePids(this.contender, this.#system));
  }

  #pause(): void {
    pause([...pausablePids(this.contender, this.#system), ...this.#clients.pids]);
  }

  #resume(): void {
    resume([...pausablePids(this.contender, this.#system), ...this.#clients.pids]);
  }

  /** Whoever asks one server alone asks who leads now: after a kill, and should a pause have cost somebody its place. */
  async #followLeader(): Promise<void> {
    if ((await this.#system.endpoints())[0] === this.#leader) return;
    await this.#clients.stop();
    ({ clients: this.#clients, leader: this.#leader } = await openClients(this.#point, this.contender, this.#system));
    await this.#untilWarm();
  }

  async #untilWarm(): Promise<void> {
    const { warmUpMs, mostWarmUps } = this.#warmUp;
    const stretch = { durationMs: warmUpMs, seed: 2 * settleSeeds, kills: false, leastInFlight: warmUpInFlight };
    const rate = async () => this.#whole(await this.#take(stretch)).decisionsPerSecond;
    this.#warmUpRates.push(...(await untilSteady(mostWarmUps, rate)));
  }

  /** Each member of a population that nobody exhausts is there before it is drawn from. */
  async #fill(): Promise<void> {
    const { keys } = this.#point;
    if (keys.kind !== "uniform" || this.contender.decides === false) return;
    for (let from = 0; from < keys.count; ) {
      const each = { kind: "each", count: keys.count, from } as const;
      from += this.#whole(await this.#take({ durationMs: fillMs, seed: 0, kills: false }, each)).decisions;
    }
  }

  /** @throws {Error} when calls failed. */
  #whole({ sample, firstFailure }: Taken): Sample {
    if (sample.failed === 0) return sample;
    const { name } = this.contender;
    throw new Error(`${name}, ${this.#point.name}: ${sample.failed} calls failed, the first with ${firstFailure}`);
  }

  async #take({ durationMs, seed, kills, leastInFlight = 1 }: Take, keys = this.#point.keys): Promise<Taken> {
    sampleNumber += 1;
    const inFlight = Math.max(leastInFlight, this.#inFlight());
    const load = { inFlight, durationMs, keys, sample: `s${sampleNumber}`, seed };
    let before: ServerState | null = null;
    let fromMs = 0;
    let killed: Promise<void> | undefined;
    const reports = await this.#clients.run(load, async () => {
      before = await stateOf(this.#system);
      fromMs = performance.now();
      if (kills) killed = this.#killAfter(durationMs / 2);
    });
    const toMs = performance.now();
    await killed;
    const after = kills ? null : await stateOf(this.#system);
    for (const report of reports) this.#admissions.add(report.admitted, fromMs, toMs);
    if (kills) await this.#system.leader?.restore();
    const sample = sampleOf(reports, this.#clients.decisionsPerCall, after && { before: before!, after });
    return { sample, firstFailure: reports.find((report) => report.firstFailure !== null)?.firstFailure ?? null };
  }

  async #killAfter(ms: number): Promise<void> {
    await new Promise((resolve) => setTimeout(resolve, ms));
    await this.#system.leader?.kill();
  }

  #inFlight(): number {
    return this.#point.inFlightOf?.get(this.contender) ?? this.#point.inFlight;
  }
}

/** Clients, and whom they were told to ask first. */
interface Opened {
  readonly clients: ClientProcesses;
  readonly leader: string;
}

async function openClients({ processes, rule }: Point, { client }: Contender, system: System): Promise<Opened> {
  const endpoints = await system.endpoints();
  return {
    clients: await openClientProcesses(processes, { client, place: { endpoints, rule } }),
    leader: endpoints[0]!,
  };
}

/** Whether some key is asked for so often that its limit is reached; of all others nothing can be admitted that should not be. */
function reachesLimits({ keys, rule }: Point): boolean {
  return repeatsKeys(keys) && rule.limit < mostAskedFor;
}

async function stateOf(system: System): Promise<ServerState> {
  const [flushes, usage, diskBytes, cores] = await Promise.all([
    system.flushes(),
    readUsage(system.pids()),
    readDiskWrites(tmpdir()),
    readCoreTimes(),
  ]);
  return { flushes, ...usage, diskBytes, cores };
}
