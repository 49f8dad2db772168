import { Algorithm, type Rule } from "@quorumguard/limiter";
import { createKeyCounter } from "../naive/key-counter.ts";

/** What a naive counter says to one take, in the units of the wire. */
export interface NaiveVerdict {
  readonly allowed: boolean;
  readonly remaining: number;
  readonly resetAfterMs: number;
  /** -1: never. */
  readonly retryAfterMs: number;
}

/**
 * A limit kept in the dumbest way that is right: what it admitted is counted anew at each question. It shares no line
 * with the limiter, so that one cannot hide the other's mistake. Stamps never run backwards.
 */
export interface NaiveCounter {
  judge(rule: Rule, cost: number, stampUs: number): NaiveVerdict;
  charge(rule: Rule, cost: number, stampUs: number): void;
}

const inMs = (durationUs: number) => Math.ceil(durationUs / 1000);

/**
 * Makes an unused counter of one identity: plain takes of the model that the audit by log replays.
 *
 * @throws {Error} for `concurrency`, which counts holders and not admissions.
 */
export function createNaiveCounter(algorithm: Algorithm): NaiveCounter {
  if (algorithm === Algorithm.concurrency) throw new Error(`algorithm ${algorithm} has no counter of admissions`);
  const counter = createKeyCounter(algorithm);
  return {
    judge(rule, cost, stampUs) {
      const { allowed, never, available, retryUs, resetNowUs, resetChargedUs } = counter.judge(rule, cost, stampUs);
      return {
        allowed,
        remaining: allowed ? available - cost : available,
        resetAfterMs: inMs(allowed ? resetChargedUs : resetNowUs),
        retryAfterMs: never ? -1 : inMs(retryUs),
      };
    },
    charge: counter.charge,
  };
}
