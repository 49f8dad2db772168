import type { TimelineCall } from "@quorumguard/pictures";
import { createGuard, type Guard } from "@quorumguard/sdk-node";
import { startSchedule } from "@quorumguard/testbed";

/** What is asked of the cluster while its leader dies. */
export const load = {
  /** The caller whose latencies are measured asks this often. */
  callIntervalMs: 5,
  backgroundClients: 2,
  backgroundCallsPerSecond: 4_000,
  /** Of each of the keys that the background shares; about half of its calls are denied. */
  backgroundKeys: 20,
  backgroundLimitPerSecond: 100,
  /** Longer than any failover that the cluster promises, so that a failed call means more than a slow one. */
  timeoutMs: 3_000,
} as const;

const backgroundIntervalMs = 10;

/** What became of the background's calls. */
export interface BackgroundCounts {
  decisions: number;
  degraded: number;
  failed: number;
}

/** What all callers saw from `start` to `stop`. Times of the calls are by `performance.now()`. */
export interface Observation {
  readonly calls: readonly TimelineCall[];
  readonly background: Readonly<BackgroundCounts>;
  /** Why the first call failed, if one did. */
  readonly firstFailure: unknown;
}

/** The SDK clients of a failover, each with its own connections and session: one that is measured, and the background. */
export class FailoverClients {
  readonly #caller: Guard;
  readonly #background: readonly Guard[];

  constructor(endpoints: readonly string[]) {
    const create = () => createGuard({ endpoints, onUnavailable: "throw", timeoutMs: load.timeoutMs });
    this.#caller = create();
    this.#background = Array.from({ length: load.backgroundClients }, create);
  }

  async ready(): Promise<void> {
    await Promise.all([this.#caller, ...this.#background].map((guard) => guard.ready({ timeoutMs: 10_000 })));
  }

  /** Lets all callers loose. The function that it returns ends them and tells what they saw. */
  start(): { readonly calls: readonly TimelineCall[]; readonly stop: () => Promise<Observation> } {
    const calls: TimelineCall[] = [];
    const background: BackgroundCounts = { decisions: 0, degraded: 0, failed: 0 };
    let firstFailure: unknown = null;
    const failed = (error: unknown) => {
      firstFailure ??= error;
    };

    const ask = async (startedAtMs: number): Promise<void> => {
      const outcome = await askCluster(this.#caller, "failover-caller", 2 ** 31 - 1, failed);
      calls.push({ startedAtMs, latencyMs: performance.now() - startedAtMs, outcome });
    };
    let turn = 0;
    const askInBackground = async (): Promise<void> => {
      turn += 1;
      const guard = this.#background[turn % this.#background.length]!;
      const key = `failover-${turn % load.backgroundKeys}`;
      const outcome = await askCluster(guard, key, load.backgroundLimitPerSecond, failed);
      if (outcome === "failed") background.failed += 1;
      else background.decisions += 1;
      if (outcome === "degraded") background.degraded += 1;
    };

    const endings = [
      startSchedule({ intervalMs: load.callIntervalMs, callsAtOnce: 1, call: ask }),
      startSchedule({
        intervalMs: backgroundIntervalMs,
        callsAtOnce: (load.backgroundCallsPerSecond * backgroundIntervalMs) / 1_000,
        call: askInBackground,
      }),
    ];
    const stop = async () => {
      await Promise.all(endings.map((end) => end()));
      return { calls, background, firstFailure };
    };
    return { calls, stop };
  }

  async close(): Promise<void> {
    await Promise.all([this.#caller, ...this.#background].map((guard) => guard.close()));
  }
}

async function askCluster(
  guard: Guard,
  key: string,
  limit: number,
  failed: (error: unknown) => void,
): Promise<TimelineCall["outcome"]> {
  try {
    const decision = await guard.allow(key, limit, "1s");
    if (decision.degraded) return "degraded";
    return decision.allowed ? "allowed" : "denied";
  } catch (error) {
    failed(error);
    return "failed";
  }
}
