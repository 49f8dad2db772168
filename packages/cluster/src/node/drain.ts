import type { Clock } from "./clock.ts";
import type { NodeLog } from "./node-log.ts";
import type { RunningNode } from "./running-node.ts";
import { waitUntil } from "./wait-until.ts";

/** What a node that is to stop has in hand, and how it passes leadership on. */
export interface DrainParts {
  readonly clock: Clock;
  readonly tickMs: number;
  readonly running: RunningNode;
  readonly failed: () => boolean;
  readonly handOver: () => Promise<unknown>;
  readonly log: NodeLog;
}

/** Takes nothing new, hands over if the node leads, and waits until nothing is in flight, at most `timeoutMs`. */
export async function drain(timeoutMs: number, parts: DrainParts): Promise<void> {
  const { running, failed, handOver, log, clock } = parts;
  const untilMs = clock.monotonicMs() + timeoutMs;
  running.desk.close();
  const idle = (items: () => number) => waitUntil(parts, () => failed() || items() === 0, untilMs);
  await idle(() => running.proposals.pendingItems);
  if (running.driver.role.state === "leader") {
    await handOver().catch((error: unknown) => log("warn", "no-hand-over", { error: String(error) }));
  }
  await idle(() => running.proposals.pendingItems + running.forwarder.pendingItems);
}
