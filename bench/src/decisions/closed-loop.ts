import { setImmediate } from "node:timers/promises";
import type { Client, Outcome } from "../client.ts";
import type { KeySequence } from "./keys.ts";

/** What became of the calls of one process. */
export interface LoopReport {
  readonly outcomes: Readonly<Record<Outcome | "failed", number>>;
  readonly calls: number;
  readonly seconds: number;
  /** Of one call in eight, in no order. */
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
  const latencies: number[] = [];
  let firstFailure: string | null = null;
  let calls = 0;
  let turn: Promise<void> | null = null;
  let longestGapMs = 0;
  const cpuBefore = process.cpuUsage();
  const startedAt = now();
  const endsAt = startedAt + durationMs;
  let lastAt = startedAt;

  const ask = async (key: string): Promise<Outcome | "failed"> => {
    try {
      return await client.call(key);
    } catch (error) {
      firstFailure ??= String(error);
      return "failed";
    }
  };
  const turned = () => {
    turn = null;
  };
  const caller = async () => {
    for (;;) {
      const from = now();
      if (from - lastAt > longestGapMs) longestGapMs = from - lastAt;
      lastAt = from;
      if (from >= endsAt) return;
      const n = calls++;
      const key = keys.keyOf(n);
      const outcome = await ask(key);
      outcomes[outcome] += 1;
      if (n % 8 === 0) latencies.push(now() - from);
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
    latenciesMs: Float64Array.from(latencies),
    longestGapMs,
    admitted,
    cpuUs: user + system,
    firstFailure,
  };
}
