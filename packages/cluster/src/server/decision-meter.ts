import type { NodeFailure } from "../node/node.ts";

/** Where handlers report what they answered. Called once per part of a reply, so it must be cheap. */
export interface DecisionMeter {
  /** Items `[from, to)` were answered `durationMs` after they were submitted. */
  decided(outcomes: Uint8Array, from: number, to: number, source: "quorum" | "leader", durationMs: number): void;
  failed(reason: NodeFailure["reason"], calls: number): void;
  /** A Session stream was opened (+1) or closed (-1). */
  streams(change: 1 | -1): void;
}

/** For those who measure nothing, such as tests of something else. */
export const noMeter: DecisionMeter = { decided() {}, failed() {}, streams() {} };
