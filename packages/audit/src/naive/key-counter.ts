import { Algorithm, type Rule } from "@quorumguard/limiter";
import { createBucketCounter } from "./bucket-counter.ts";
import { createSlotCounter } from "./slot-counter.ts";
import { createEstimateCounter, createFixedWindowCounter, createLogCounter } from "./window-counters.ts";

/** The numbers that a counter counts by. */
export type Numbers = Pick<Rule, "limit" | "windowUs" | "burst">;

/** An amount that is withheld until it is settled or its time is over; whoever keeps the holds changes its dates. */
export interface HeldAmount {
  readonly cost: number;
  /** The stamps between which it is spent, as windows see it. */
  fromUs: number;
  datedUs: number;
  /** It is over from this stamp on. */
  expiryUs: number;
  /** The numbers under which its counter counts it. */
  numbers: Numbers;
}

/** How a take of so much would come out; durations in microseconds. */
export interface Judgement {
  readonly allowed: boolean;
  /** No waiting helps. */
  readonly never: boolean;
  /** What could be taken at once. */
  readonly available: number;
  /** Until the same take would be admitted, if nothing else happened and every hold stayed open to its end. */
  readonly retryUs: number;
  /** Until the key is as if never used: as it is, and with this take. */
  readonly resetNowUs: number;
  readonly resetChargedUs: number;
}

/**
 * One key's counter, kept in the dumbest way that is right: amounts in a list, counted anew at each question. It shares
 * no line with the limiter. Stamps never run backwards from one change to the next.
 */
export interface KeyCounter {
  judge(numbers: Numbers, wanted: number, stampUs: number): Judgement;
  /** What counts at the stamp, whatever the limit, rounded up. */
  usedAt(numbers: Numbers, stampUs: number): number;
  charge(numbers: Numbers, cost: number, stampUs: number): void;
  open(numbers: Numbers, held: HeldAmount, stampUs: number): void;
  /** Closes what is not over yet: it came to `actual`. */
  settle(numbers: Numbers, held: HeldAmount, actual: number, stampUs: number): void;
  /** Forgets all. */
  clear(): void;
}

/** Makes an unused counter. */
export function createKeyCounter(algorithm: number): KeyCounter {
  switch (algorithm) {
    case Algorithm.tokenBucket:
      return createBucketCounter();
    case Algorithm.slidingWindowCounter:
      return createEstimateCounter();
    case Algorithm.fixedWindow:
      return createFixedWindowCounter();
    case Algorithm.concurrency:
      return createSlotCounter();
    default:
      return createLogCounter();
  }
}
