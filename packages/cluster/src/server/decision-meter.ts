import type { DecisionFacts, NodeFailure } from "../node/node.ts";

/** Items `[from, to)` of `outcomes`, answered together. */
export interface AnsweredItems {
  readonly outcomes: Uint8Array;
  readonly from: number;
  readonly to: number;
  /** Items of each call, in order; null: each call has one. The items of a call are admitted together or not at all. */
  readonly sizes: ArrayLike<number> | null;
  /** Verb of each call, in order; null: all take. */
  readonly verbs: ArrayLike<number> | null;
  readonly facts: DecisionFacts;
  /** Since they were submitted. */
  readonly durationMs: number;
}

/** Where handlers report what they answered. Called once per part of a reply, so it must be cheap. */
export interface DecisionMeter {
  decided(items: AnsweredItems): void;
  failed(reason: NodeFailure["reason"], calls: number): void;
  /** A frame of calls came over a Session stream, and is submitted. */
  frame(): void;
  /** A Session stream was opened (+1) or closed (-1). */
  streams(change: 1 | -1): void;
}

/** For those who measure nothing, such as tests of something else. */
export const noMeter: DecisionMeter = { decided() {}, failed() {}, frame() {}, streams() {} };
