import { median } from "../median.ts";

/** What one insertion came to, as results keep it. */
export interface InsertionRow {
  readonly algorithm: string;
  readonly growth: {
    readonly keys: number;
    readonly delay: { readonly p999Ms: number };
    readonly controlP999Ms: number;
    readonly addedP999Ms: number;
  };
}

/** The middle one of several runs, and the least and the most of them. */
export interface Middle {
  readonly median: number;
  readonly least: number;
  readonly most: number;
}

/** All insertions of one algorithm: 99.9th percentiles. */
export interface Insertions {
  readonly algorithm: string;
  readonly keys: number;
  readonly runs: number;
  readonly delayMs: Middle;
  readonly controlMs: Middle;
  /** Of the differences, each of a run and the idle process beside it. */
  readonly addedMs: Middle;
}

/** In the order in which algorithms come first. */
export function insertionsByAlgorithm(rows: readonly InsertionRow[]): readonly Insertions[] {
  const algorithms = [...new Set(rows.map(({ algorithm }) => algorithm))];
  return algorithms.map((algorithm) => {
    const all = rows.filter((row) => row.algorithm === algorithm);
    const middle = (numberOf: (growth: InsertionRow["growth"]) => number) =>
      middleOf(all.map(({ growth }) => numberOf(growth)));
    return {
      ...{ algorithm, keys: all[0]!.growth.keys, runs: all.length },
      delayMs: middle(({ delay }) => delay.p999Ms),
      controlMs: middle(({ controlP999Ms }) => controlP999Ms),
      addedMs: middle(({ addedP999Ms }) => addedP999Ms),
    };
  });
}

function middleOf(values: readonly number[]): Middle {
  return {
    median: Math.round(median(values) * 100) / 100,
    least: Math.min(...values),
    most: Math.max(...values),
  };
}

/** Whose keys were inserted, and how often: `token-bucket and sliding-window-log, 5 times each`. */
export function insertedWords(insertions: readonly Insertions[]): string {
  const names = insertions.map(({ algorithm }) => algorithm).join(" and ");
  const runs = Math.min(...insertions.map((one) => one.runs));
  return `${names}, ${runs === 1 ? "once" : `${runs} times`}${insertions.length > 1 ? " each" : ""}`;
}
