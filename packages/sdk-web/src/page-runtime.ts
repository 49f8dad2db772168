import type { Runtime } from "@quorumguard/sdk-core";
import { webRuntime } from "./web-runtime.ts";

/** How often a long pause looks whether the device has slept meanwhile. */
const LOOK_MS = 5_000;

/** The web's runtime as a page has it: turns end as they do for people, and pauses know of sleep. */
export function createPageRuntime(): Runtime {
  return { ...webRuntime, endOfTurn, setPause };
}

/**
 * After the promise reactions of this turn, so that calls made in them travel along. By a message to itself, since timers are slowed
 * down in background tabs and messages are not.
 */
function endOfTurn(callback: () => void): void {
  if (typeof MessageChannel === "undefined") {
    queueMicrotask(callback);
    return;
  }
  const { port1, port2 } = new MessageChannel();
  port1.onmessage = () => {
    port1.close();
    callback();
  };
  port2.postMessage(null);
}

/** The clock of timers stands still while some devices sleep, and limits go on: it ends by the wall clock too. */
function setPause(callback: () => void, delayMs: number): () => void {
  const dueMs = webRuntime.monotonicMs() + delayMs;
  const dueWallMs = webRuntime.wallMs() + delayMs;
  const look = (): void => {
    const leftMs = Math.min(dueMs - webRuntime.monotonicMs(), dueWallMs - webRuntime.wallMs());
    if (leftMs <= 0) callback();
    else cancel = webRuntime.setTimer(look, Math.min(leftMs, LOOK_MS), true);
  };
  let cancel = webRuntime.setTimer(look, Math.min(delayMs, LOOK_MS), true);
  return () => cancel();
}
