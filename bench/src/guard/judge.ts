import type { Measure } from "./measures.ts";

/** What was accepted of a path, by measure. */
export type Baselines = Readonly<Record<string, Readonly<Partial<Record<Measure, number>>>>>;

/** What was measured of one path. */
export interface Measured {
  readonly path: string;
  readonly measure: Measure;
  /** Of what the value is, in the plural. */
  readonly unit: string;
  readonly value: number;
}

/** How a measured value stands to what was accepted. */
export interface Verdict {
  readonly kind: "within" | "better" | "worse" | "unknown";
  /** For people. */
  readonly line: string;
}

/** The share above the baseline from which a path is worse. bench/README.md says what they come from. */
export const tolerances: Readonly<Record<Measure, number>> = { bytes: 0.1, time: 0.5 };

const words: Readonly<Record<Measure, string>> = { bytes: "bytes", time: "steps of the kernel" };

/**
 * Judges one value. What has no baseline is not within anything: it is to be accepted first. Nor are bytes that are as many times below their
 * baseline as they may be above: what comes next could be that much worse, and nobody would hear of it. Of times that is not told: on a
 * machine with other work the kernel may suffer more than the path, and the path look quicker than it is.
 */
export function judge({ path, measure, unit, value }: Measured, baselines: Baselines): Verdict {
  const baseline = baselines[path]?.[measure];
  const accept = `npm run bench:guard -- --only ${path} --measure ${measure} --accept`;
  const told = `${path}: ${value} ${words[measure]} per operation (${unit})`;
  if (baseline === undefined) return { kind: "unknown", line: `${told}, and no baseline; to accept it: ${accept}` };
  const times = 1 + tolerances[measure];
  const digits = (bound: number) => Number(bound.toPrecision(5));
  const [least, most] = [measure === "bytes" ? digits(baseline / times) : 0, digits(baseline * times)];
  const facts = `${told}, baseline ${baseline}, bounds ${least} and ${most}`;
  if (value > most) return { kind: "worse", line: `${facts}: WORSE; if that is meant: ${accept}` };
  if (value < least)
    return { kind: "better", line: `${facts}: BETTER, and a loss of as much would pass; to hold the gain: ${accept}` };
  return { kind: "within", line: facts };
}

/** How many times a value is from its baseline, whichever is more; 1 if there is none. */
export function distance({ path, measure, value }: Measured, baselines: Baselines): number {
  const baseline = baselines[path]?.[measure] ?? value;
  return value > baseline ? value / baseline : baseline / value;
}
