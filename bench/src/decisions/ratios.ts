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
  let best: { readonly value: number; readonly name: string } | null = null;
  for (const side of peers) {
    const value = medianOf(cells, side, of);
    if (value !== null && (best === null || isBetter(value, best.value))) best = { value, name: side.contender.name };
  }
  const ratio = best === null ? null : Math.round((own / best.value) * 1_000) / 1_000;
  const met = ratio === null || goal === undefined ? null : ratio === goal || isBetter(ratio, goal);
  return { name, ours: own, peer: best?.value ?? null, peerName: best?.name ?? null, ratio, goal: goal ?? null, met };
}

/** A ratio in words, with its bound and whether it keeps to it. */
export function ratioWords({ name, ours, peer, peerName, ratio, goal, met }: Ratio): string {
  const number = (value: number) => value.toLocaleString("en", { maximumFractionDigits: 3 });
  if (ratio === null || peer === null) return `${name}: ${number(ours)}, and no peer was there`;
  const verdict = met === null ? "" : `, ${met ? "within" : "NOT within"} the goal of ${goal}`;
  return `${name}: ${number(ours)} against ${number(peer)} of ${peerName}, ratio ${number(ratio)}${verdict}`;
}

function medianOf(
  cells: readonly Cell[],
  { point, contender }: RatioSide,
  field: "decisionsPerSecond" | "p50Ms",
): number | null {
  const cell = cells.find((one) => one.point === point && one.contender === contender.name);
  return cell === undefined ? null : median(cell.samples.map((sample) => sample[field]));
}
