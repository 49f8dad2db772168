import { createGuard, type Guard } from "@quorumguard/sdk-node";
import { type DemoKey, Ledger } from "./ledger.ts";

/** Counters of everything the callers saw; read by the live view and by the summary. */
export interface TrafficCounts {
  decisions: number;
  allowed: number;
  denied: number;
  degraded: number;
  failedCalls: number;
  inFlight: number;
  /** Latencies of the calls that ended since the view last looked, in milliseconds. */
  recentLatenciesMs: number[];
}

/** Who calls whom, and for which keys. */
export interface TrafficOptions {
  readonly endpoints: readonly string[];
  readonly keys: readonly DemoKey[];
  /** SDK clients, each with its own connections and session. */
  readonly clients: number;
  /** Callers per client, each with one call in flight at a time. */
  readonly callers: number;
}

/** How often the probe asks, whatever became of its earlier calls. */
const probeIntervalMs = 5;
const guardOptions = { onUnavailable: "throw", timeoutMs: 3_000 } as const;

/** Many callers behind a few SDK clients, all on the same keys, and one probe that measures how long nobody answered. */
export class Traffic {
  readonly counts: TrafficCounts = {
    decisions: 0,
    allowed: 0,
    denied: 0,
    degraded: 0,
    failedCalls: 0,
    inFlight: 0,
    recentLatenciesMs: [],
  };
  readonly ledger = new Ledger();
  readonly #options: TrafficOptions;
  readonly #guards: Guard[];
  readonly #callers: Promise<void>[] = [];
  readonly #probes = new Set<Promise<void>>();
  #probeTimer: NodeJS.Timeout | undefined;
  #running = true;
  #lastAnswerAt = 0;
  #longestGapMs = 0;
  firstFailure: unknown = null;

  constructor(options: TrafficOptions) {
    this.#options = options;
    this.#guards = Array.from({ length: options.clients }, () =>
      createGuard({ ...guardOptions, endpoints: options.endpoints }),
    );
  }

  /** Connects, then lets the callers loose. */
  async start(): Promise<void> {
    await Promise.all(this.#guards.map((guard) => guard.ready({ timeoutMs: 10_000 })));
    for (const guard of this.#guards) {
      for (let i = 0; i < this.#options.callers; i++) this.#callers.push(this.#callInALoop(guard, i));
    }
    this.#lastAnswerAt = performance.now();
    this.#probeTimer = setInterval(() => {
      const probe: Promise<void> = this.#probe(this.#guards[0]!).finally(() => this.#probes.delete(probe));
      this.#probes.add(probe);
    }, probeIntervalMs);
  }

  /** The longest time so far in which the probe had no answer from a leader, the time since the last one included. */
  get longestGapMs(): number {
    return Math.max(this.#longestGapMs, performance.now() - this.#lastAnswerAt);
  }

  /** Waits until every call has its answer, then asks the cluster what is left of each account. */
  async finish(): Promise<{ readonly longestGapMs: number; readonly remaining: ReadonlyMap<string, number> }> {
    this.#running = false;
    clearInterval(this.#probeTimer);
    await Promise.all([...this.#callers, ...this.#probes]);
    const longestGapMs = this.#longestGapMs;
    const remaining = new Map<string, number>();
    for (const key of this.#options.keys) {
      if (key.kind !== "account") continue;
      const left = await this.#guards[0]!.peek({ key: key.key, limit: key.limit, window: key.windowMs });
      remaining.set(key.key, left.remaining ?? Number.NaN);
    }
    return { longestGapMs, remaining };
  }

  async close(): Promise<void> {
    await Promise.all(this.#guards.map((guard) => guard.close()));
  }

  async #callInALoop(guard: Guard, offset: number): Promise<void> {
    const { keys } = this.#options;
    for (let i = offset; this.#running; i++) await this.#call(guard, keys[i % keys.length]!);
  }

  async #call(guard: Guard, key: DemoKey): Promise<void> {
    const { counts } = this;
    const from = performance.now();
    counts.inFlight++;
    try {
      const decision = await guard.allow(key.key, key.limit, key.windowMs);
      const to = performance.now();
      counts.decisions++;
      if (decision.degraded) counts.degraded++;
      if (decision.allowed) {
        counts.allowed++;
        this.ledger.admitted(key, from, to);
      } else counts.denied++;
      counts.recentLatenciesMs.push(to - from);
    } catch (error) {
      counts.failedCalls++;
      this.firstFailure ??= error;
    } finally {
      counts.inFlight--;
    }
  }

  async #probe(guard: Guard): Promise<void> {
    try {
      const decision = await guard.allow("demo-probe", 2 ** 31 - 1, "1h");
      if (decision.degraded) this.counts.degraded++;
      this.counts.decisions++;
      this.counts.allowed++;
      const now = performance.now();
      this.#longestGapMs = Math.max(this.#longestGapMs, now - this.#lastAnswerAt);
      this.#lastAnswerAt = now;
    } catch (error) {
      this.counts.failedCalls++;
      this.firstFailure ??= error;
    }
  }
}
