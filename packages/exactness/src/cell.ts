import { algorithmNumber, countingAlgorithmNames, type Rule } from "@quorumguard/limiter";

/** The algorithms of the grid, by the names that callers use. `concurrency` counts no windows and has an audit of its own. */
export const algorithmNames = countingAlgorithmNames;
/** One of {@link algorithmNames}. */
export type AlgorithmName = (typeof algorithmNames)[number];

/** One cell of the grid, as the last line of the audit has it. */
export interface Cell {
  readonly nodes: number;
  readonly clients: number;
  /** Arrivals of all clients together, as a multiple of what the limit lets through. */
  readonly load: number;
  readonly windowMs: number;
  readonly algorithm: AlgorithmName;
  readonly leaderKilled: boolean;
  /** Admitted ÷ what the naive model admits for the same arrivals over whole windows in stamps. */
  readonly admittedRatio: number;
  /** The largest admission in any window ÷ the published bound. */
  readonly boundRatio: number;
}

/**
 * One run of a cluster: as many cells as there are algorithms. Each algorithm has a key of its own with its own
 * arrivals, so that all of them stand the same elections, on a cluster that also has other work.
 */
export interface RunPlan {
  readonly nodes: number;
  readonly clients: number;
  readonly load: number;
  readonly windowMs: number;
  readonly leaderKilled: boolean;
  /** Virtual time, network and disk in one process, or node processes and the SDK over gRPC on loopback. */
  readonly world: "simulated" | "real";
  /** Windows that are measured; arrivals begin up to one window before them. */
  readonly windows: number;
  readonly seed: number;
}

/** What one run came to. */
export interface RunResult {
  readonly plan: RunPlan;
  readonly cells: readonly (Cell & CellFacts)[];
  /** How the leader was killed, and how long no call of any client was answered around that; null: it was not. */
  readonly kill: { readonly how: "killed" | "vanished"; readonly gapMs: number } | null;
  /** Decisions that the cluster did not make. Every client asks to throw instead, so there must be none. */
  readonly degraded: number;
  /** What other audits of the same run found, and what went wrong with the run itself; empty: nothing. */
  readonly violations: readonly string[];
  readonly seconds: number;
}

/** What lies behind the ratios of a cell. */
export interface CellFacts {
  readonly limit: number;
  readonly arrivals: number;
  readonly admitted: number;
  /** What the naive model admitted. */
  readonly naive: number;
  /** Admitted ÷ what the naive model admits if it decides every call at the moment of asking: what waiting cost, too. */
  readonly promptRatio: number;
  /** Arrivals that no decision reached: the model decides them all the same. */
  readonly unanswered: number;
}

/** What is measured of a cell. */
export type CellMeasure = Pick<Cell, "admittedRatio" | "boundRatio"> & CellFacts;

/** The rule that a run asks for under an algorithm. More clients share a higher limit, so that each has a part of it. */
export function ruleOf(plan: Pick<RunPlan, "clients" | "windowMs">, algorithm: AlgorithmName): Rule {
  const limit = plan.clients <= 8 ? 100 : 320;
  const burst = algorithm === "token-bucket" ? limit / 4 : 0;
  return { algorithm: algorithmNumber(algorithm), limit, windowUs: plan.windowMs * 1_000, burst, policy: "" };
}

/** The key that an algorithm's cell has to itself. */
export const keyOf = (algorithm: AlgorithmName): string => `exactness/${algorithm}`;

/** The cell of a run, once measured. */
export function cellOf(plan: RunPlan, algorithm: AlgorithmName, measure: CellMeasure): Cell & CellFacts {
  const { nodes, clients, load, windowMs, leaderKilled } = plan;
  return { nodes, clients, load, windowMs, algorithm, leaderKilled, ...measure };
}
