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

/** Judges one value. What has no baseline is not within anything: it is to be accepted first. */
export function judge({ path, measure, unit, value }: Measured, baselines: Baselines): Verdict {
  const baseline = baselines[path]?.[measure];
  const accept = `npm run bench:guard -- --only ${path} --accept`;
  const told = `${path}: ${value} ${words[measure]} per operation (${unit})`;
  if (baseline === undefined) return { kind: "unknown", line: `${told}, and no baseline; to accept it: ${accept}` };
  const percent = Math.round(tolerances[measure] * 100);
  const bound = Number((baseline * (1 + tolerances[measure])).toPrecision(5));
  const facts = `${told}, baseline ${baseline}, bound ${bound} (${percent} % above it)`;
  if (value > bound) return { kind: "worse", line: `${facts}: WORSE; if that is meant: ${accept}` };
  if (value < baseline * (1 - tolerances[measure]))
    return { kind: "better", line: `${facts}: better; to keep it so: ${accept}` };
  return { kind: "within", line: facts };
}
