import { performance } from "node:perf_hooks";
import { setImmediate } from "node:timers/promises";
import type { Client, Outcome } from "../client.ts";
import type { KeySequence } from "./keys.ts";
import { Latencies } from "./latencies.ts";

/** What became of the calls of one process. */
export interface LoopReport {
  readonly outcomes: Readonly<Record<Outcome | "failed", number>>;
  readonly calls: number;
  readonly seconds: number;
  /** Of one call in eight or fewer, in no order. */
  readonly latenciesMs: Float64Array;
  /** The longest time in which no call came back. */
  readonly longestGapMs: number;
  /** Admissions of each key that many calls share. */
  readonly admitted: ReadonlyMap<string, number>;
  /** Processor time of this process, in microseconds. */
  readonly cpuUs: number;
  /** Why the first call that failed did. */
  readonly firstFailure: string | null;
}

/** After so many calls the event loop turns, for answers that need no turn: what else is due must not wait for them to end. */
const callsPerTurn = 1_000;

/** Closed loop: so many callers, and each asks again as soon as it has its answer, until the time is over. */
export async function runClosedLoop(
  client: Client,
  keys: KeySequence,
  inFlight: number,
  durationMs: number,
  now: () => number = () => performance.now(),
): Promise<LoopReport> {
  const outcomes = { allowed: 0, denied: 0, degraded: 0, failed: 0 };
  const admitted = new Map<string, number>();
  const latencies = new Latencies();
  let firstFailure: string | null = null;
  let calls = 0;
  let turn: Promise<void> | null = null;
  const cpuBefore = process.cpuUsage();
  const startedAt = now();
  const endsAt = startedAt + durationMs;
  const gaps = new Gaps(startedAt);

  const turned = () => {
    turn = null;
  };
  const outcomeOfRejection = (error: unknown): Outcome | "failed" => {
    const outcome = client.outcomeOfRejection?.(error) ?? "failed";
    if (outcome === "failed") firstFailure ??= String(error);
    return outcome;
  };
  // What this does for each call is measured with it: it waits for no promise but the library's own.
  const caller = async () => {
    for (;;) {
      const from = now();
      gaps.answered(from);
      if (from >= endsAt) return;
      const n = calls++;
      const key = keys.keyOf(n);
      let outcome: Outcome | "failed";
      try {
        outcome = client.outcomeOf(await client.call(key));
      } catch (error) {
        outcome = outcomeOfRejection(error);
      }
      outcomes[outcome] += 1;
      if (latencies.isTakenOf(n)) latencies.add(now() - from);
      if (outcome === "allowed" && keys.isShared(n)) admitted.set(key, (admitted.get(key) ?? 0) + 1);
      if (n % callsPerTurn === 0) turn ??= setImmediate().then(turned);
      if (turn !== null) await turn;
    }
  };
  await Promise.all(Array.from({ length: inFlight }, caller));
  const { user, system } = process.cpuUsage(cpuBefore);
  return {
    outcomes,
    calls,
    seconds: (now() - startedAt) / 1_000,
    latenciesMs: latencies.all(),
    longestGapMs: gaps.longestMs,
    admitted,
    cpuUs: user + system,
    firstFailure,
  };
}

/** The longest time without an answer. */
class Gaps {
  #lastMs: number;
  #longestMs = 0;

  constructor(startMs: number) {
    this.#lastMs = startMs;
  }

  get longestMs(): number {
    return this.#longestMs;
  }

  answered(atMs: number): void {
    if (atMs - this.#lastMs > this.#longestMs) this.#longestMs = atMs - this.#lastMs;
    this.#lastMs = atMs;
  }
}
