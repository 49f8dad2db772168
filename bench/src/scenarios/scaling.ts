import { availableParallelism } from "node:os";
import { standaloneSvg } from "@quorumguard/pictures";
import {
  type Capacity,
  type MeasuredRate,
  measuredLike,
  onMachinesOfTheirOwn,
  onOneMachine,
} from "../scaling/capacity.ts";
import { grid, heldOut, heldOutLast, heldOutOther, otherReference, reference } from "../scaling/configuration.ts";
import type { Measured, Situation } from "../scaling/cost-model.ts";
import { configurationsOf, evaluate, type Gathered } from "../scaling/evaluate.ts";
import { mostErrorPercent, type Verdict, verdictOf, verdictWords } from "../scaling/judge.ts";
import { Beds, gather, type MeasuredSamples, measureInTurns, type Thoroughness } from "../scaling/measure.ts";
import { findOtherNode } from "../scaling/other-node.ts";
import { predictionsPlot } from "../scaling/predictions-plot.ts";
import { steadied, type Taken } from "../scaling/steady.ts";
import {
  capacitiesTable,
  comparisonsTable,
  costsTable,
  extrapolationWords,
  fitsTable,
  measuredRateWords,
  steadyingTable,
  steadyingWords,
} from "../scaling/tables.ts";
import type { ScenarioOptions, ScenarioResult } from "../scenario.ts";

/** Everything that was measured. */
export interface ScalingMeasurement {
  readonly cores: number;
  /** The version of the other Node.js; null: there was none. */
  readonly otherNode: string | null;
  readonly asMeasured: Gathered;
  /** The same samples, told by those of the reference next to them. All that is predicted and judged is of these. */
  readonly steadied: Gathered;
}

/** So that a thorough run takes at most twenty minutes on a machine that is half as fast as those that it was tried on. */
const lastBeginsAtMs = { fitted: 9.5 * 60_000, heldOut: 16.5 * 60_000 } as const;

/** What a decision costs, fitted to some configurations and held against others that the fit knows nothing of. */
export async function scaling({ quick, say, otherNode = null }: ScenarioOptions): Promise<ScenarioResult> {
  const thoroughness: Thoroughness = quick
    ? { leastRepeats: 3, mostRepeats: 3, sampleMs: 4_000 / 3, settleMs: 500, warmDecisions: 30_000 }
    : { leastRepeats: 3, mostRepeats: 5, sampleMs: 4_000, settleMs: 500, warmDecisions: 150_000 };
  const startedAtMs = performance.now();
  const elapsedMs = () => performance.now() - startedAtMs;
  const other = await findOtherNode(otherNode);
  if (other === null) say("  absent: another Node.js: give one with --other-node");
  const beds = new Beds({ own: process.execPath, other: other?.program ?? null });
  try {
    say("  what costs are fitted to");
    const untilFitted = { elapsedMs, lastBeginsAtMs: lastBeginsAtMs.fitted };
    const fitted = await measureInTurns(beds, grid, thoroughness, untilFitted, say);
    say("  what is held out");
    const rest = [...heldOut, ...heldOutLast, ...(other === null ? [] : [otherReference, ...heldOutOther])];
    await beds.keepFor([reference, ...rest]);
    const untilAll = { elapsedMs, lastBeginsAtMs: lastBeginsAtMs.heldOut };
    const taken = [...fitted, ...(await measureInTurns(beds, rest, thoroughness, untilAll, say))];
    return summarize({
      cores: availableParallelism(),
      otherNode: other?.version ?? null,
      asMeasured: gathered(taken, other !== null),
      steadied: gathered(steadied(taken, reference), other !== null),
    });
  } finally {
    await beds.stop();
  }
}

function gathered(taken: readonly Taken[], hasOther: boolean): Gathered {
  const [first, ...others] = hasOther ? gather([otherReference, ...heldOutOther], taken) : [];
  return {
    grid: gather(grid, taken),
    heldOut: gather([...heldOut, ...heldOutLast], taken),
    other: first === undefined ? null : { reference: first, heldOut: others },
  };
}

/** Where one leader ends is told for these: entries of a busy leader, with and without what makes decisions dearer. */
const situations: readonly Situation[] = [
  { nodes: 3, callsPerEntry: 64 },
  { nodes: 3, callsPerEntry: 256 },
  { nodes: 3, callsPerEntry: 1_024 },
  { nodes: 5, callsPerEntry: 1_024 },
  { nodes: 3, callsPerEntry: 1_024, keys: 1_000_000 },
  { nodes: 3, callsPerEntry: 1_024, keys: 1_000_000, newKeys: 1 },
  { nodes: 3, callsPerEntry: 1_024, keyBytes: 120 },
].map((one) => ({
  ...{ keyBytes: 16, keys: 10_000, newKeys: 0 },
  ...{ callsPerFrame: one.callsPerEntry, crowding: 0, otherClients: 0 },
  ...one,
}));

/** Fits, predicts, and holds against what was measured. */
export function summarize({ cores, otherNode, asMeasured, steadied: steady }: ScalingMeasurement): ScenarioResult {
  const { model, factors, comparisons } = evaluate(steady, cores);
  const verdict = verdictOf(comparisons);
  const last = verdictOf(comparisons.filter(({ configuration }) => lastNames.includes(configuration)));
  const unsteadied = evaluate(asMeasured, cores).comparisons;
  const rows = configurationsOf(steady);
  const apart = situations.map((one) => onMachinesOfTheirOwn(model, one));
  const together = situations.map((one) => ({
    ...onOneMachine(model, one, cores),
    measured: measuredLike(rows, one),
  }));
  const [first] = endOf(apart).limits;
  const absent = otherNode === null ? ["another Node.js"] : [];
  const costs = Object.fromEntries(Object.entries(model.costs).map(([name, { coefficients }]) => [name, coefficients]));
  const samples = { asMeasured: samplesOf(asMeasured), steadied: samplesOf(steady) };
  return {
    line: lineOf(verdict, first!, endOf(together).measured, absent),
    summary: {
      ...{ within: verdict.off === 0, mostErrorPercent, worst: verdict.worst, endsAt: first!, absent },
      ...{ addedLast: { configurations: lastNames, ...last }, withoutSteadying: verdictOf(unsteadied) },
      ...{ costs, comparisons },
    },
    details: {
      ...{ model, factors, otherNode, pace: paceOf(asMeasured) },
      capacity: { onMachinesOfTheirOwn: apart, onOneMachine: together },
      configurations: rows.map(rowOf),
      ...{ comparisonsWithoutSteadying: unsteadied, samples },
    },
    table: [
      ["What a decision takes", fitsTable(model.costs)],
      ["Medians of what was measured, steadied, of one decision", costsTable(rows.map(rowOf))],
      [`Predicted for measured, error: ${verdictWords(verdict)}`, comparisonsTable(comparisons)],
      [`The same without steadying: ${verdictWords(verdictOf(unsteadied))}`, comparisonsTable(unsteadied)],
      [`What steadying did\n\n${steadyingWords}`, steadyingTable(samples)],
      [
        `Where one leader ends, every process on a machine of its own\n\n${extrapolationWords(rows.map(rowOf))}`,
        capacitiesTable(apart),
      ],
      ["Where it ends with all processes on this machine", capacitiesTable(together)],
    ]
      .map(([heading, table]) => `### ${heading}\n\n${table}`)
      .join("\n\n"),
    picture: standaloneSvg(predictionsPlot(comparisons, lastNames)),
  };
}

const lastNames = heldOutLast.map(({ name }) => name);

/** Decisions per second of each sample of the reference, in order: what the machine itself changed by meanwhile. */
function paceOf({ grid: measured }: Gathered): readonly number[] {
  const ofReference = measured.find(({ configuration }) => configuration.name === reference.name);
  return ofReference!.samples.map(({ decisionsPerSecond }) => Math.round(decisionsPerSecond));
}

function samplesOf(all: Gathered): Readonly<Record<string, MeasuredSamples["samples"]>> {
  return Object.fromEntries(configurationsOf(all).map(({ configuration, samples }) => [configuration.name, samples]));
}

/** The situation by which the result says where one leader ends: three nodes under full load, on machines of their own. */
function endOf<T extends Capacity>(capacities: readonly T[]): T {
  return capacities.find(({ nodes, callsPerEntry }) => nodes === 3 && callsPerEntry === 1_024)!;
}

function rowOf({ configuration, costs }: Measured) {
  return { configuration: configuration.name, costs };
}

function lineOf(
  verdict: Verdict,
  first: Capacity["limits"][number],
  measured: MeasuredRate | null,
  absent: readonly string[],
): string {
  const missing = absent.map((what) => `; absent: ${what}`).join("");
  const came = measured === null ? "" : `; with all on this machine it was ${measuredRateWords(measured)}`;
  return (
    `${verdictWords(verdict)}; three nodes on machines of their own end at ${first.decisionsPerSecond.toLocaleString("en")} ` +
    `decisions/s, by ${first.what}${came}${missing}`
  );
}
