import { leastSquares } from "./least-squares.ts";

/** One measurement: how much of each term it has, and what it came to. */
export interface Observation {
  readonly terms: Readonly<Record<string, number>>;
  readonly value: number;
}

/** How a fit is judged, and what it may say. */
export interface FitOptions {
  /** `relative`: a tenth too much is as wrong of 2 as of 200, and values must be above 0. `absolute`: as the values are. */
  readonly errors: "relative" | "absolute";
  /** Whether a coefficient may be below 0. A cost is not. */
  readonly signed: boolean;
}

/** What is known of a term that a fit has dropped: not that it is nothing, but that measurements do not say what it is. */
export const notToldApart = "not told apart from 0";

/** What measurements are made of. */
export interface Fit {
  /** Of the terms that are needed to explain them. */
  readonly coefficients: Readonly<Record<string, number>>;
  /** Terms that explain nothing beyond the others, or would have to be below 0: {@link notToldApart}. */
  readonly dropped: readonly string[];
  /** The root of the mean square of what is left, over measurements beyond as many as there are terms. */
  readonly rmsError: number;
}

/** An error that nobody has to explain: two runs of the same differ by more. */
const negligible = 0.01;
/** What the error may grow to for a term less. With few measurements chance alone makes it grow by as much in one of seven cases. */
const mayGrow = 1.2;

/**
 * The fewest of these terms that explain the measurements. A term that would be a cost below 0 goes first; then, one by one, the one
 * that is missed least, as long as the error stays below {@link negligible}, or grows by no more than a fifth.
 * @throws {SingularDesignError} where measurements cannot tell the terms apart.
 */
export function fitFewest(names: readonly string[], observations: readonly Observation[], options: FitOptions): Fit {
  if (observations.length <= names.length)
    throw new Error(
      `${observations.length} measurements say nothing of how well ${names.length} terms explain them: ${names.join("; ")}`,
    );
  const first = solve(names, observations, options);
  const allowed = Math.max(negligible, mayGrow * first.rmsError);
  let best = first;
  for (;;) {
    const below = options.signed ? undefined : lowest(best, observations);
    if (below !== undefined && best.names.length > 1) {
      best = solve(without(best.names, below), observations, options);
      continue;
    }
    const shorter = best.names.length === 1 ? undefined : leastMissed(best.names, observations, options);
    if (shorter === undefined || shorter.rmsError > allowed) break;
    best = shorter;
  }
  return {
    coefficients: Object.fromEntries(best.names.map((name, at) => [name, best.values[at]!])),
    dropped: names.filter((name) => !best.names.includes(name)),
    rmsError: best.rmsError,
  };
}

/** What a fit says of something that has so much of each term. */
export function evaluate({ coefficients }: Pick<Fit, "coefficients">, terms: Readonly<Record<string, number>>): number {
  return Object.entries(coefficients).reduce((sum, [name, value]) => {
    const amount = terms[name];
    if (amount === undefined) throw new Error(`nobody said how much of "${name}" there is`);
    return sum + value * amount;
  }, 0);
}

interface Solution {
  readonly names: readonly string[];
  readonly values: readonly number[];
  readonly rmsError: number;
}

function solve(names: readonly string[], observations: readonly Observation[], { errors }: FitOptions): Solution {
  const weights = observations.map(({ value }) => (errors === "relative" ? 1 / value : 1));
  const rows = observations.map(({ terms }, row) => names.map((name) => terms[name]! * weights[row]!));
  const targets = observations.map(({ value }, row) => value * weights[row]!);
  const values = leastSquares(names, rows, targets);
  const squares = rows.map((row, at) => (row.reduce((sum, part, i) => sum + part * values[i]!, 0) - targets[at]!) ** 2);
  const sum = squares.reduce((total, one) => total + one, 0);
  return { names, values, rmsError: Math.sqrt(sum / (observations.length - names.length)) };
}

/** The term furthest below 0, by what it takes from all measurements together; undefined: none is. */
function lowest({ names, values }: Solution, observations: readonly Observation[]): string | undefined {
  const parts = names.map((name, at) => ({
    name,
    part: values[at]! * observations.reduce((sum, { terms, value }) => sum + terms[name]! / value, 0),
  }));
  return parts.filter(({ part }) => part < 0).sort((one, other) => one.part - other.part)[0]?.name;
}

/** With a term less, the one by which the error grows least; undefined: without any of them a cost would be below 0. */
function leastMissed(
  names: readonly string[],
  observations: readonly Observation[],
  options: FitOptions,
): Solution | undefined {
  return names
    .map((name) => solve(without(names, name), observations, options))
    .filter(({ values }) => options.signed || values.every((value) => value >= 0))
    .sort((one, other) => one.rmsError - other.rmsError)[0];
}

function without(names: readonly string[], left: string): readonly string[] {
  return names.filter((name) => name !== left);
}
