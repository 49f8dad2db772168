import { CallEnd, type CallerReport } from "./messages.ts";

/** When what happened, on the machine's monotonic clock. */
export interface RoundTimes {
  readonly deadMs: number;
  /** The fault was taken back. */
  readonly endedMs: number;
  /** A node led and could be asked. */
  readonly backMs: number;
}

/** What the calls of one outage came to. */
export interface RoundFacts {
  /** Of calls that waited for their deadline: by how much the answer was later. */
  readonly lateMs: readonly number[];
  /** Of calls that began when the breaker was open and the cluster still dead. */
  readonly openMs: readonly number[];
  /** From when a leader could be asked until the beginning of the last call that something else decided; 0: there was none. */
  readonly recoveryMs: number;
  /** The same from when the fault was taken back. */
  readonly recoveryFromEndMs: number;
  readonly calls: number;
  readonly failed: number;
}

/** After the first deadlines the breaker opens; calls that began a moment later still find it so on a busy machine. */
const SETTLE_MS = 200;

/** Reads the reports of one outage. */
export function judgeRound(reports: readonly CallerReport[], times: RoundTimes, timeoutMs: number): RoundFacts {
  const lateMs: number[] = [];
  const openMs: number[] = [];
  let lastMs = Number.NEGATIVE_INFINITY;
  let calls = 0;
  let failed = 0;
  for (const { startedAtMs, latencyMs, ends } of reports) {
    startedAtMs.forEach((startMs, at) => {
      calls += 1;
      if (ends[at] === CallEnd.failed) failed += 1;
      if (ends[at] !== CallEnd.withoutCluster) return;
      const tookMs = latencyMs[at]!;
      lastMs = Math.max(lastMs, startMs);
      if (tookMs > timeoutMs / 2) lateMs.push(tookMs - timeoutMs);
      if (startMs > times.deadMs + timeoutMs + SETTLE_MS && startMs < times.endedMs) openMs.push(tookMs);
    });
  }
  return {
    lateMs,
    openMs,
    recoveryMs: Math.max(0, lastMs - times.backMs),
    recoveryFromEndMs: Math.max(0, lastMs - times.endedMs),
    calls,
    failed,
  };
}
