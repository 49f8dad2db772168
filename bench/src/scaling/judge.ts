import type { Costs, Measured, Prediction } from "./cost-model.ts";

/** What the project promises of a prediction: at most so many per cent off. */
export const mostErrorPercent = 25;

/** What is held to it: processor time, what all of it together comes to, and what travels and stays. */
export const judged = {
  leaderUs: "leader, µs",
  leaderThreadUs: "leader's main thread, µs",
  followerUs: "follower, µs",
  followerThreadUs: "follower's main thread, µs",
  clientUs: "clients, µs",
  decisionsPerSecond: "decisions/s",
  leaderSentBytes: "leader sends, bytes",
  leaderLogBytes: "leader's log, bytes",
  followerLogBytes: "follower's log, bytes",
} as const satisfies Partial<Record<keyof Costs, string>>;

/** The name of what is judged. */
export type Judged = keyof typeof judged;

/** One prediction beside what came. */
export interface Comparison {
  readonly configuration: string;
  readonly what: Judged;
  readonly predicted: number;
  readonly measured: number;
  /** Above 0: more was predicted than came. */
  readonly errorPercent: number;
  readonly within: boolean;
}

/** Everything of one configuration that was both predicted and measured. */
export function compare({ configuration, costs }: Measured, prediction: Prediction): readonly Comparison[] {
  return (Object.keys(judged) as Judged[]).flatMap((what) => {
    const [predicted, measured] = [prediction[what], costs[what]];
    if (predicted === null || measured === null) return [];
    // Without the zero a hair too little is told as -0.
    const errorPercent = Math.round((predicted / measured - 1) * 1_000) / 10 + 0;
    const within = Math.abs(errorPercent) <= mostErrorPercent;
    const [shown, came] = [predicted, measured].map((value) => Number(value.toPrecision(4))) as [number, number];
    return [{ configuration: configuration.name, what, predicted: shown, measured: came, errorPercent, within }];
  });
}

/** What became of several predictions. */
export interface Verdict {
  readonly predictions: number;
  /** How many are too far off. */
  readonly off: number;
  /** The one that is furthest off. */
  readonly worst: Comparison;
}

/** @throws {Error} if there are none. */
export function verdictOf(comparisons: readonly Comparison[]): Verdict {
  const [worst] = comparisons.toSorted((one, other) => Math.abs(other.errorPercent) - Math.abs(one.errorPercent));
  if (worst === undefined) throw new Error("nothing was predicted");
  return { predictions: comparisons.length, off: comparisons.filter(({ within }) => !within).length, worst };
}

/** In words. */
export function verdictWords({ predictions, off, worst }: Verdict): string {
  return (
    `${predictions} predictions, ${off === 0 ? "all within" : `${off} NOT within`} ${mostErrorPercent} %; ` +
    `the worst is ${worst.errorPercent} % off (${worst.configuration}: ${judged[worst.what]})`
  );
}
