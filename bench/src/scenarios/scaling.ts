import { availableParallelism } from "node:os";
import { type Capacity, onMachinesOfTheirOwn, onOneMachine } from "../scaling/capacity.ts";
import { grid, heldOut, heldOutOther, otherReference, reference } from "../scaling/configuration.ts";
import {
  fitModel,
  type Measured,
  type NodeFactors,
  nodeFactors,
  predict,
  type ScalingModel,
  type Situation,
} from "../scaling/cost-model.ts";
import { type Comparison, compare, judged, mostErrorPercent, worstOf } from "../scaling/judge.ts";
import { Beds, gather, type MeasuredSamples, measureInTurns, type Thoroughness } from "../scaling/measure.ts";
import { findOtherNode, type OtherNode } from "../scaling/other-node.ts";
import { steadied, type Taken } from "../scaling/steady.ts";
import { capacitiesTable, comparisonsTable, costsTable, fitsTable } from "../scaling/tables.ts";
import type { ScenarioOptions, ScenarioResult } from "../scenario.ts";

/** Everything that was measured. */
export interface ScalingMeasurement {
  readonly cores: number;
  readonly grid: readonly MeasuredSamples[];
  /** Decisions per second of each sample of the reference, in order: what the machine itself changed by meanwhile. */
  readonly pace: readonly number[];
  readonly heldOut: readonly MeasuredSamples[];
  /** Null: there was none. */
  readonly other: {
    readonly version: string;
    readonly reference: MeasuredSamples;
    readonly heldOut: readonly MeasuredSamples[];
  } | null;
}

/** What a decision costs, fitted to some configurations and held against others that the fit knows nothing of. */
export async function scaling({ quick, say, otherNode = null }: ScenarioOptions): Promise<ScenarioResult> {
  const thoroughness: Thoroughness = quick
    ? { repeats: 3, sampleMs: 4_000 / 3, warmDecisions: 30_000 }
    : { repeats: 5, sampleMs: 4_000, warmDecisions: 300_000 };
  const other = await findOtherNode(otherNode);
  if (other === null) say("  absent: another Node.js: give one with --other-node");
  const beds = new Beds({ own: process.execPath, other: other?.program ?? null });
  try {
    say("  what costs are fitted to");
    const fitted = await measureInTurns(beds, grid, thoroughness, say);
    say("  what is held out");
    const others = other === null ? [] : [otherReference, ...heldOutOther];
    await beds.keepFor([reference, ...heldOut, ...others]);
    const taken = [...fitted, ...(await measureInTurns(beds, [...heldOut, ...others], thoroughness, say))];
    const steady = steadied(taken, reference);
    return summarize({
      cores: availableParallelism(),
      pace: paceOf(taken),
      grid: gather(grid, steady),
      heldOut: gather(heldOut, steady),
      other: otherOf(other, gather(others, steady)),
    });
  } finally {
    await beds.stop();
  }
}

function paceOf(taken: readonly Taken[]): ScalingMeasurement["pace"] {
  const ofReference = taken.filter(({ configuration }) => configuration === reference);
  return ofReference.map(({ sample }) => Math.round(sample.decisionsPerSecond));
}

function otherOf(other: OtherNode | null, measured: readonly MeasuredSamples[]): ScalingMeasurement["other"] {
  if (other === null) return null;
  const [first, ...rest] = measured;
  return { version: other.version, reference: first!, heldOut: rest };
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
].map((one) => ({ keyBytes: 16, keys: 10_000, newKeys: 0, callsPerFrame: one.callsPerEntry, crowding: 0, ...one }));

/** Fits, predicts, and holds against what was measured. */
export function summarize({ cores, pace, grid: fitted, heldOut: rest, other }: ScalingMeasurement): ScenarioResult {
  const model = fitModel(fitted, cores);
  const factors = other === null ? {} : nodeFactors(model, other.reference);
  const comparisons = [...predicted(model, rest), ...predicted(model, other?.heldOut ?? [], factors)];
  const worst = worstOf(comparisons);
  const within = comparisons.every((one) => one.within);
  const apart = situations.map((one) => onMachinesOfTheirOwn(model, one));
  const together = situations.map((one) => onOneMachine(model, one, cores));
  const [first] = endOf(apart).limits;
  const absent = other === null ? ["another Node.js"] : [];
  const costs = Object.fromEntries(Object.entries(model.costs).map(([name, { coefficients }]) => [name, coefficients]));
  const rows = [...fitted, ...rest, ...(other === null ? [] : [other.reference, ...other.heldOut])];
  return {
    line: lineOf({ comparisons, worst, within, first: first!, absent }),
    summary: {
      ...{ within, mostErrorPercent, worst, endsAt: first!, absent },
      costs,
      comparisons,
    },
    details: {
      ...{ model, factors, otherNode: other?.version ?? null, pace },
      capacity: { onMachinesOfTheirOwn: apart, onOneMachine: together },
      configurations: rows.map(rowOf),
      samples: Object.fromEntries(rows.map(({ configuration, samples }) => [configuration.name, samples])),
    },
    table: [
      fitsTable(model.costs),
      costsTable(rows.map(rowOf)),
      comparisonsTable(comparisons),
      capacitiesTable(apart),
      capacitiesTable(together),
    ].join("\n\n"),
  };
}

function predicted(model: ScalingModel, measured: readonly Measured[], factors?: NodeFactors): readonly Comparison[] {
  return measured.flatMap((one) => compare(one, predict(model, one.configuration, factors)));
}

/** The situation by which the result says where one leader ends: three nodes under full load, on machines of their own. */
function endOf(capacities: readonly Capacity[]): Capacity {
  return capacities.find(({ nodes, callsPerEntry }) => nodes === 3 && callsPerEntry === 1_024)!;
}

function rowOf({ configuration, costs }: Measured) {
  return { configuration: configuration.name, costs };
}

function lineOf(facts: {
  readonly comparisons: readonly Comparison[];
  readonly worst: Comparison;
  readonly within: boolean;
  readonly first: Capacity["limits"][number];
  readonly absent: readonly string[];
}): string {
  const { comparisons, worst, within, first, absent } = facts;
  const off = comparisons.filter((one) => !one.within).length;
  const missing = absent.map((what) => `; absent: ${what}`).join("");
  return (
    `${comparisons.length} predictions, ${within ? "all within" : `${off} NOT within`} ${mostErrorPercent} %; the worst is ${worst.errorPercent} % off ` +
    `(${worst.configuration}: ${judged[worst.what]}); three nodes on machines of their own end at ${first.decisionsPerSecond.toLocaleString("en")} ` +
    `decisions/s, by ${first.what}${missing}`
  );
}
