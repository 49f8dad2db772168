import { afterEach, beforeEach, expect, it, vi } from "vitest";
import type { ClusterNode } from "../node/node.ts";
import { StampClock } from "../node/stamp-clock.ts";
import { advanceTime } from "./advance-time.ts";
import { MovedTime, NodeClock } from "./test-time.ts";

// No time passes by itself.
beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

/** A leader's stamp, from a moment on at which its wall clock is so far ahead. */
function leader(aheadMs: number) {
  const time = new MovedTime();
  const clock = new NodeClock(time);
  const stamp = new StampClock(clock, 0);
  stamp.takeOver([], 1, 0);
  time.move(0, aheadMs);
  const wallAheadUs = () => clock.wallMs() * 1_000 - stamp.nowUs();
  // The rate follows the wall clock from here on.
  time.move(10, 10);
  stamp.nowUs();
  const node = { nodeId: 1, stampUs: () => stamp.nowUs() } as ClusterNode;
  return { time, node, wallAheadUs };
}

const spans = [0.5, 1_000, 60_000, 8_640_000_000];

it.each([0, 500, -500].flatMap((aheadMs) => spans.map((ms) => [aheadMs, ms] as const)))(
  "with a wall clock %i ms ahead, a stamp gains the %d ms that time is moved by",
  async (aheadMs, ms) => {
    const { time, node, wallAheadUs } = leader(aheadMs);
    const [fromUs, fromAheadUs] = [node.stampUs(), wallAheadUs()];
    await advanceTime(
      time,
      ms,
      async () => node,
      () => [node],
    );
    const gainedUs = node.stampUs() - fromUs;
    expect(gainedUs).toBeGreaterThanOrEqual(ms * 1_000);
    expect(gainedUs).toBeLessThanOrEqual(ms * 1_000 + 2);
    // The stamp has nothing to make up for that it had not before.
    expect(Math.abs(wallAheadUs() - fromAheadUs)).toBeLessThan(1_000);
  },
);

it("who has not heard of the new time is waited for", async () => {
  const { time, node } = leader(0);
  let follower = 0;
  const late = { nodeId: 2, stampUs: () => follower } as ClusterNode;
  let moved = false;
  const moving = advanceTime(
    time,
    1_000,
    async () => node,
    () => [node, late],
  ).then(() => {
    moved = true;
  });
  await vi.advanceTimersByTimeAsync(20);
  expect(moved).toBe(false);
  follower = node.stampUs();
  await vi.advanceTimersByTimeAsync(20);
  await moving;
});
