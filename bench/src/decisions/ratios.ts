import { median } from "../median.ts";
import type { Contender } from "./contenders.ts";
import type { Cell } from "./points.ts";

/** What is compared, and the bound that the project has set itself. */
export interface RatioGoal {
  readonly name: string;
  readonly ours: RatioSide;
  /** Of several peers, the one that did best counts. */
  readonly peers: readonly RatioSide[];
  /** Default: decisions per second, of which more is better. */
  readonly of?: "decisionsPerSecond" | "p50Ms";
  /** Of decisions per second the least that will do; of latencies the most. */
  readonly goal?: number;
}

/** One contender at one point. */
export interface RatioSide {
  readonly point: string;
  readonly contender: Contender;
}

/** Ours ÷ theirs, of medians. */
export interface Ratio {
  readonly name: string;
  readonly ours: number;
  /** Null: no peer was there. */
  readonly peer: number | null;
  readonly peerName: string | null;
  readonly ratio: number | null;
  /** The least and the most that a repeat came to, ours and theirs of the same one; null: no peer was there. */
  readonly range: readonly [least: number, most: number] | null;
  readonly goal: number | null;
  /** Null: there is no goal, or no peer. */
  readonly met: boolean | null;
}

/** @throws {Error} when ours was not measured. */
export function ratioOf(
  cells: readonly Cell[],
  { name, ours, peers, of = "decisionsPerSecond", goal }: RatioGoal,
): Ratio {
  const own = medianOf(cells, ours, of);
  if (own === null) throw new Error(`${ours.contender.name}, ${ours.point} was not measured`);
  const isBetter = (one: number, other: number) => (of === "p50Ms" ? one < other : one > other);
  let best: { readonly value: number; readonly side: RatioSide } | null = null;
  for (const side of peers) {
    const value = medianOf(cells, side, of);
    if (value !== null && (best === null || isBetter(value, best.value))) best = { value, side };
  }
  if (best === null) {
    return {
      name,
      ours: own,
      ...{ peer: null, peerName: null, ratio: null, range: null, met: null },
      goal: goal ?? null,
    };
  }
  const ratio = own / best.value;
  const theirs = valuesOf(cells, best.side, of);
  const paired = valuesOf(cells, ours, of).map((value, repeat) => value / theirs[repeat % theirs.length]!);
  return {
    ...{ name, ours: own, peer: best.value, peerName: best.side.contender.name, ratio: rounded(ratio) },
    range: [rounded(Math.min(...paired)), rounded(Math.max(...paired))],
    goal: goal ?? null,
    met: goal === undefined ? null : ratio === goal || isBetter(ratio, goal),
  };
}

const rounded = (ratio: number) => Math.round(ratio * 1_000) / 1_000;

/** A ratio in words, with its bound and whether it keeps to it. */
export function ratioWords({ name, ours, peer, peerName, ratio, range, goal, met }: Ratio): string {
  const number = (value: number) => value.toLocaleString("en", { maximumFractionDigits: 3 });
  if (ratio === null || peer === null) return `${name}: ${number(ours)}, and no peer was there`;
  const isOnBothSides = range && goal !== null && range[0] < goal && goal < range[1];
  const within = `${met ? "within" : "NOT within"} the goal of ${goal}${isOnBothSides ? ", with repeats on both sides of it" : ""}`;
  const verdict = met === null ? "" : `, ${within}`;
  // Results of earlier versions do not tell it.
  const spread = range ? ` (${number(range[0])} to ${number(range[1])} by repeat)` : "";
  return `${name}: ${number(ours)} against ${number(peer)} of ${peerName}, ratio ${number(ratio)}${spread}${verdict}`;
}

function medianOf(cells: readonly Cell[], side: RatioSide, field: "decisionsPerSecond" | "p50Ms"): number | null {
  const values = valuesOf(cells, side, field);
  return values.length === 0 ? null : median(values);
}

/** One for each repeat; none of a contender that was not there. */
function valuesOf(
  cells: readonly Cell[],
  { point, contender }: RatioSide,
  field: "decisionsPerSecond" | "p50Ms",
): readonly number[] {
  const cell = cells.find((one) => one.point === point && one.contender === contender.name);
  return cell?.samples.map((sample) => sample[field]) ?? [];
}
