import type { System } from "./system.ts";

/** What one system did in one window. */
export interface Sample {
  readonly decisionsPerSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly allowed: number;
  readonly denied: number;
}

/** What is asked of a system in one window: how many callers, how long, and for which keys. */
export interface Load {
  /** Callers, each with one call in flight at a time. */
  readonly inFlight: number;
  /** Milliseconds until no caller starts another call. */
  readonly durationMs: number;
  /** The key of the n-th call. */
  readonly key: (n: number) => string;
}

/** Closed loop: every caller asks again as soon as it has its answer. Latencies are of one call in eight. */
export async function measure(system: System, load: Load): Promise<Sample> {
  let calls = 0;
  let allowed = 0;
  let finished = 0;
  const latencies: number[] = [];
  const startedAt = performance.now();
  const endsAt = startedAt + load.durationMs;

  const caller = async () => {
    for (;;) {
      const n = calls++;
      const from = performance.now();
      if (from >= endsAt) return;
      if (await system.allow(load.key(n))) allowed++;
      finished++;
      if (n % 8 === 0) latencies.push(performance.now() - from);
    }
  };
  await Promise.all(Array.from({ length: load.inFlight }, caller));
  const seconds = (performance.now() - startedAt) / 1_000;
  latencies.sort((a, b) => a - b);
  const quantile = (share: number) =>
    latencies[Math.min(latencies.length - 1, Math.floor(latencies.length * share))] ?? 0;
  return {
    decisionsPerSecond: finished / seconds,
    p50Ms: quantile(0.5),
    p99Ms: quantile(0.99),
    allowed,
    denied: finished - allowed,
  };
}
