/** What a caller process is told as its first argument, as JSON. */
export interface CallerTask {
  readonly endpoints: readonly string[];
  readonly routing: "direct" | "forward";
  readonly callsPerSecond: number;
  readonly timeoutMs: number;
}

/** What a caller process is told while it runs. */
export type CallerOrder = "report" | "stop";

/** Who decided a call, in the columns of {@link CallerReport}. */
export const CallEnd = { cluster: 0, withoutCluster: 1, failed: 2 } as const;

/** Every call since the last report that has ended, one value per call. Times are of the machine's monotonic clock. */
export interface CallerReport {
  readonly kind: "report";
  readonly startedAtMs: readonly number[];
  readonly latencyMs: readonly number[];
  readonly ends: readonly number[];
}

/** The first calls were decided: it is ready to be measured. */
export interface CallerReady {
  readonly kind: "ready";
}

/** Milliseconds of a clock that all processes of a machine share. */
export function machineMs(): number {
  return Number(process.hrtime.bigint() / 1_000n) / 1_000;
}
