import type { Algorithm } from "@quorumguard/limiter";

/** What one process decides. */
export interface DecideTask {
  readonly algorithm: keyof typeof Algorithm;
  /** A whole number of thousands. */
  readonly keys: number;
  readonly decisionsPerWindow: number;
}

/** One window, the writing of its entries not counted. */
export interface DecideSample {
  readonly decisions: number;
  readonly allowed: number;
  readonly seconds: number;
  /** Processor time of the process: what it takes when nobody else wants the processor. */
  readonly cpuSeconds: number;
}
