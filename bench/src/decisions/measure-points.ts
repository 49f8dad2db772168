import { pause, resume } from "../pauses.ts";
import { AbsentSystem, type System } from "../system.ts";
import { systems } from "../systems/index.ts";
import { type Contender, clientConfiguration, pausablePids } from "./contenders.ts";
import type { Absence, Cell, Measurement, Point } from "./points.ts";
import { seededRandom } from "./random.ts";
import { Runner, type WarmUp } from "./runner.ts";
import type { Sample } from "./sample.ts";

/** How thoroughly. */
export interface Thoroughness extends WarmUp {
  readonly repeats: number;
  readonly sampleMs: number;
}

/** Starts all servers once, and puts the contenders of each point under its load in turns. Whoever is not measured stands still. */
export async function measurePoints(
  points: readonly Point[],
  thoroughness: Thoroughness,
  say: (text: string) => void,
): Promise<Measurement> {
  const contenders = [...new Set(points.flatMap((point) => point.contenders))];
  const { started, absent } = await startSystems(contenders);
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

/** Each contender has servers of its own, so that nobody is told another's memory, nor spends what another may have. */
async function startSystems(
  contenders: readonly Contender[],
): Promise<{ readonly started: ReadonlyMap<Contender, System>; readonly absent: readonly Absence[] }> {
  const started = new Map<Contender, System>();
  const absent: Absence[] = [];
  for (const contender of contenders) {
    try {
      const system = await systems[contender.system]();
      started.set(contender, system);
      pause(pausablePids(contender, system));
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
  await Promise.all(
    [...started].map(([contender, system]) => {
      resume(pausablePids(contender, system));
      return system.stop();
    }),
  );
}

async function measurePoint(
  point: Point,
  started: ReadonlyMap<Contender, System>,
  { repeats, sampleMs, ...warmUp }: Thoroughness,
  say: (text: string) => void,
): Promise<readonly Cell[]> {
  const runners: Runner[] = [];
  try {
    for (const contender of point.contenders) {
      const system = started.get(contender);
      if (system !== undefined) runners.push(await Runner.open(point, contender, system, warmUp));
    }
    for (let repeat = 0; repeat < repeats; repeat++) {
      // Another order each time, so that no contender always follows the same one.
      for (const runner of shuffled(runners, repeat)) {
        say(sampleLine(runner.contender, await runner.measure(sampleMs, repeat)));
      }
    }
    return runners.map((runner) => runner.cell());
  } finally {
    await Promise.all(runners.map((runner) => runner.close()));
  }
}

/** The same order for the same number. */
function shuffled<T>(items: readonly T[], number: number): readonly T[] {
  const random = seededRandom(number + 1);
  return items
    .map((item) => ({ item, at: random() }))
    .toSorted((one, other) => one.at - other.at)
    .map(({ item }) => item);
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
