import { createGuard as createNodeGuard, type Decision, GuardError } from "@quorumguard/sdk-node";
import { createGuard as createEdgeGuard } from "@quorumguard/sdk-web/edge";

/** Callers that go through nginx as users' processes do. */
const guardOptions = { timeoutMs: 3_000, onUnavailable: "throw" } as const;

/** A guard over gRPC through nginx: members' own addresses are not reachable from outside, so any node forwards. */
export function grpcGuard(endpoint: string) {
  return createNodeGuard({ ...guardOptions, endpoints: endpoint, routing: "forward" });
}

/** A guard over HTTP through nginx. */
export function httpGuard(endpoint: string) {
  return createEdgeGuard({ ...guardOptions, endpoints: endpoint });
}

/** The part of a guard that traffic uses. */
interface Asked {
  allow(key: string, limit: number, window: "1h"): Promise<Decision>;
}

/** What became of the calls through one port. */
export interface PortTraffic {
  readonly calls: number;
  readonly allowed: number;
  readonly denied: number;
  readonly degraded: number;
  /** Messages of rejected calls, at most ten. */
  readonly failed: number;
  readonly failures: readonly string[];
  /** The longest time between two answers, in milliseconds. */
  readonly longestGapMs: number;
  readonly slowestMs: number;
}

/** What became of all calls. */
export interface TrafficReport {
  readonly grpc: PortTraffic;
  readonly http: PortTraffic;
  readonly limit: number;
  /** Admissions of each key that was asked for beyond its limit, by both ports together. */
  readonly admittedBySharedKey: Readonly<Record<string, number>>;
}

/** Two in three calls are for few keys with a small limit, the rest each for a key of its own. */
const sharedKeys = 4;
const sharedLimit = 100;
/** Calls go out in groups, every so often. */
const periodMs = 20;
const callsPerPeriod = 3;

/** Steady traffic through both ports, over shared keys, until it is stopped. */
export class Traffic {
  readonly #admitted = new Map<string, number>();
  readonly #ports: readonly { readonly guards: readonly Asked[]; readonly counts: PortCounts }[];
  readonly #open = new Set<Promise<void>>();
  readonly #timer: NodeJS.Timeout;
  #next = 0;

  /** The guards of a port take turns. */
  constructor(grpc: readonly Asked[], http: readonly Asked[]) {
    this.#ports = [grpc, http].map((guards) => ({ guards, counts: new PortCounts() }));
    this.#timer = setInterval(() => this.#tick(), periodMs);
  }

  /** Calls answered so far, by the port that has fewer. */
  get answered(): number {
    return Math.min(...this.#ports.map(({ counts }) => counts.answered));
  }

  /** Sends nothing more, waits for every answer, and tells what became of all. */
  async stop(): Promise<TrafficReport> {
    clearInterval(this.#timer);
    await Promise.all(this.#open);
    const [grpc, http] = this.#ports.map(({ counts }) => counts.report());
    return {
      grpc: grpc!,
      http: http!,
      limit: sharedLimit,
      admittedBySharedKey: Object.fromEntries(this.#admitted),
    };
  }

  #tick(): void {
    for (const { guards, counts } of this.#ports) {
      for (let call = 0; call < callsPerPeriod; call++) {
        const guard = guards[counts.calls % guards.length]!;
        const one = this.#ask(guard, counts).finally(() => this.#open.delete(one));
        this.#open.add(one);
      }
    }
  }

  async #ask(guard: Asked, counts: PortCounts): Promise<void> {
    const at = this.#next++;
    const shared = at % 3 !== 0;
    const key = shared ? `shared-${at % sharedKeys}` : `own-${at}`;
    const startedMs = performance.now();
    counts.calls += 1;
    try {
      const decision = await guard.allow(key, sharedLimit, "1h");
      counts.decided(decision, performance.now() - startedMs);
      if (shared && decision.allowed) this.#admitted.set(key, (this.#admitted.get(key) ?? 0) + 1);
    } catch (error) {
      counts.failed(error);
    }
  }
}

class PortCounts {
  calls = 0;
  #allowed = 0;
  #denied = 0;
  #degraded = 0;
  #failed = 0;
  readonly #failures: string[] = [];
  #lastAnswerMs: number | null = null;
  #longestGapMs = 0;
  #slowestMs = 0;

  get answered(): number {
    return this.#allowed + this.#denied + this.#failed;
  }

  decided(decision: Decision, tookMs: number): void {
    if (decision.allowed) this.#allowed += 1;
    else this.#denied += 1;
    if (decision.degraded) this.#degraded += 1;
    this.#slowestMs = Math.max(this.#slowestMs, tookMs);
    const nowMs = performance.now();
    if (this.#lastAnswerMs !== null) this.#longestGapMs = Math.max(this.#longestGapMs, nowMs - this.#lastAnswerMs);
    this.#lastAnswerMs = nowMs;
  }

  failed(error: unknown): void {
    this.#failed += 1;
    const code = error instanceof GuardError ? `${error.code} (applied: ${error.applied}): ` : "";
    if (this.#failures.length < 10) this.#failures.push(`${code}${String(error)}`);
  }

  report(): PortTraffic {
    return {
      calls: this.calls,
      allowed: this.#allowed,
      denied: this.#denied,
      degraded: this.#degraded,
      failed: this.#failed,
      failures: this.#failures,
      longestGapMs: Math.round(this.#longestGapMs),
      slowestMs: Math.round(this.#slowestMs),
    };
  }
}
