import { ErrorReason } from "@quorumguard/proto";
import { realMs } from "../real-time.ts";
import type { StreamListener } from "../session/stream-listener.ts";
import type { Runtime } from "../transport.ts";

/** A node that has too much to do is left alone for a while: calls that come then are not even refused. */
const ECHO_MS = 1_000;

/**
 * Remembers when a node last had too much to do: calls that nobody takes for that reason, and those that wait behind them,
 * say nothing about whether the cluster decides (SEMANTICS U1).
 */
export interface Overload extends StreamListener {
  /** Whether a call that began at that time, on the monotonic clock, may have ended because of it. */
  since(atMs: number): boolean;
}

/** No node has said so. */
export function createOverload(runtime: Pick<Runtime, "monotonicMs" | "realMs">): Overload {
  let toldMs = Number.NEGATIVE_INFINITY;
  return {
    since: (atMs) => toldMs >= atMs - ECHO_MS,
    welcomed() {},
    told(message) {
      if (message.case !== "error" || message.value.detail?.reason !== ErrorReason.OVERLOADED) return;
      toldMs = realMs(runtime);
    },
  };
}
