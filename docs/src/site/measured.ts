import audit from "../../../bench/results/exactness.json" with { type: "json" };
import keys from "../../../bench/results/million-keys.json" with { type: "json" };
import scaling from "../../../bench/results/scaling.json" with { type: "json" };
import unique from "../../../bench/results/unique-keys.json" with { type: "json" };
import mutants from "../../results/mutants.json" with { type: "json" };
import nemesis from "../../results/nemesis.json" with { type: "json" };
import simulation from "../../results/simulation.json" with { type: "json" };
import { quotedCosts } from "../generate/benchmarks/scaling-costs.ts";

const told = (count: number) => count.toLocaleString("en-US");
const boundRatios = audit.rows.map((row) => Number(row[audit.columns.indexOf("boundRatio")]));

function ratesAt(point: string) {
  const found = unique.ratios.find(({ name }) => name === `${point}, Redis without persistence`);
  if (found === undefined) throw new Error(`bench/results/unique-keys.json has no ratio to Redis of ${point}`);
  return { ours: told(found.ours), redis: told(found.peer), ratio: (found.ours / found.peer).toFixed(2) };
}

/**
 * The measured numbers that pages quote, as pages write them. The README at the root quotes some of them too; a test
 * holds it, and the results in bench/results, against this table. What `npm run bench` keeps has pages of its own.
 */
export const measured = {
  /** The day of the measurements. */
  date: "2026-11-21 to 23",
  /** Clusters of `npm run sim`, all without an over-admission, and how often they reached the rarest of the states that are counted. */
  simulatedClusters: told(simulation.passed),
  rarestState: told(Math.min(...Object.values(simulation.rareStates))),
  /** Cells of `npm run exactness`, and the largest admission in any window of theirs ÷ the bound. */
  exactnessCells: told(audit.rows.length),
  mostOfBound: Math.max(...boundRatios).toFixed(4),
  /** `npm run bench -- --only million-keys`: the state ÷ keys of 20 bytes with one admission or open slot each, sessions included. */
  bytesPerKey: {
    slidingWindowLog: "109",
    slidingWindowCounter: "109",
    fixedWindow: "93",
    tokenBucket: "124",
    concurrency: "285",
  },
  /** The same run: how much later the event loop came to what was due than that of an idle process, p99.9 of the worst phase. */
  addedP999Ms: String(Math.ceil(keys.worstAddedP999Ms.addedMs)),
  /** Bugs that `npm run mutants` plants, all found. */
  plantedBugs: told(mutants.killed),
  /** Calls of ten minutes of `npm run nemesis`, and the changes of leader meanwhile: nothing over-admitted, charged twice or lost. */
  nemesisCalls: told(nemesis.calls),
  nemesisLeaderChanges: told(nemesis.leaderChanges),
  /** Decisions around killed leaders in those runs of `npm start -- --once`: none charged twice, none failed. */
  decisionsAroundKills: "27 million",
  /** Shortest and longest time without an answer after a kill in those runs. */
  failover: "76 to 187 ms",
  failoverRuns: "ten",
  /** The longest of all days, with other work on both cores. */
  failoverWhenBusy: "850 ms",
  /** Gaps of `npm run failover`, by fault, in milliseconds: no call failed, was degraded, over-admitted or charged twice. */
  failovers: {
    kill: { trials: "200", p50: "88", p90: "134", max: "234" },
    pause: { trials: "100", p50: "241", p90: "327", max: "729" },
    partition: { trials: "100", p50: "236", p90: "304", max: "561" },
    stallDisk: { trials: "10", p50: "177", p90: "218", max: "248" },
    rollingRestart: { trials: "20", p50: "95", p90: "140", max: "184" },
  },
  /** Cases of `npm run runtimes`, all passed. */
  runtimeCases: "288",
  casesPerRuntime: "32",
  runtimes: "nine",
  /** `npm run bench -- --only scaling`: what a decision takes of whom, what it sends and logs at the reference, and where one leader ends. */
  scaling: quotedCosts(scaling),
  /** `npm run bench -- --only unique-keys`: medians of five turns each, in decisions per second, ours and those of Redis without persistence. */
  rates: { of256: ratesAt("256 in flight"), of1024: ratesAt("1,024 in flight") },
} as const;
