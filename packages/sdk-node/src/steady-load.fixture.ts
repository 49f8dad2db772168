import type { Decision, Guard } from "./index.ts";

/** Callers that never pause, and what became of every call. */
export interface SteadyLoad {
  readonly decided: number;
  /** Decisions without the cluster's counts. */
  readonly degraded: number;
  readonly failures: readonly unknown[];
  /** The longest time that passed without any answer, in milliseconds. */
  readonly longestGapMs: number;
  /** Resolves once so many more calls were decided, or one failed. */
  more(calls: number): Promise<void>;
  end(): Promise<void>;
}

/** Starts so many callers, each with a key of its own. */
export function startSteadyLoad(guard: Pick<Guard, "allow">, callers = 8): SteadyLoad {
  const failures: unknown[] = [];
  const waiting = new Set<() => void>();
  let [decided, degraded, longestGapMs, running] = [0, 0, 0, true];
  let lastMs = performance.now();
  const count = (decision: Decision): void => {
    decided += 1;
    if (decision.degraded) degraded += 1;
    longestGapMs = Math.max(longestGapMs, performance.now() - lastMs);
    lastMs = performance.now();
  };
  const wake = (): void => {
    for (const resolve of waiting) resolve();
    waiting.clear();
  };
  const call = async (caller: number): Promise<void> => {
    while (running) {
      await guard.allow(`load-${caller}`, 1_000_000, "1h").then(count, (error) => failures.push(error));
      wake();
    }
  };
  const all = Array.from({ length: callers }, (_, caller) => call(caller));
  return {
    get decided() {
      return decided;
    },
    get degraded() {
      return degraded;
    },
    failures,
    get longestGapMs() {
      return longestGapMs;
    },
    async more(calls) {
      const goal = decided + calls;
      while (decided < goal && failures.length === 0) await new Promise<void>((resolve) => waiting.add(resolve));
    },
    async end() {
      running = false;
      await Promise.all(all);
    },
  };
}
