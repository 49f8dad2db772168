import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { GuardTime, NodeClock } from "./test-time.ts";

const dayMs = 86_400_000;

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

it("both clocks go on with the machine's, and gain what they are moved by", () => {
  const time = new GuardTime();
  const [fromMs, fromWallMs] = [time.monotonicMs(), time.wallMs()];
  vi.advanceTimersByTime(10);
  time.move(1_000, 2_000);
  expect([time.monotonicMs() - fromMs, time.wallMs() - fromWallMs]).toEqual([1_010, 2_010]);
});

it("timers that are moved over fire in their order, and the others are so much nearer", () => {
  const time = new GuardTime();
  const fired: string[] = [];
  time.setTimer(() => fired.push("third"), 3_000);
  time.setTimer(() => fired.push("second"), 2_000);
  time.setTimer(() => fired.push("first"), 1_000);
  time.setTimer(() => fired.push("cancelled"), 1_500)();
  time.move(2_000, 2_000);
  expect(fired).toEqual(["first", "second"]);
  vi.advanceTimersByTime(999);
  expect(fired).toHaveLength(2);
  vi.advanceTimersByTime(1);
  expect(fired).toEqual(["first", "second", "third"]);
});

it("who waits for the cluster to allow more goes on once that has been moved too", () => {
  const time = new GuardTime();
  const fired: string[] = [];
  time.setPause(() => fired.push("pause"), 1_000);
  time.setTimer(() => fired.push("lease"), 2_000);
  time.move(3_000, 3_000);
  expect(fired).toEqual(["lease"]);
  time.endPauses();
  expect(fired).toEqual(["lease", "pause"]);
});

it("a deadline is not moved over", () => {
  const time = new GuardTime();
  const late = vi.fn();
  time.setTimer(late, 1_000, true);
  time.move(dayMs, dayMs);
  vi.advanceTimersByTime(999);
  expect(late).not.toHaveBeenCalled();
  vi.advanceTimersByTime(1);
  expect(late).toHaveBeenCalledOnce();
});

it("a timer of months waits for months", () => {
  const time = new GuardTime();
  const due = vi.fn();
  time.setTimer(due, 133 * dayMs);
  vi.advanceTimersByTime(132 * dayMs);
  expect(due).not.toHaveBeenCalled();
  time.move(dayMs, dayMs);
  expect(due).toHaveBeenCalledOnce();
});

it("a node that stands still is called for nothing, and afterwards for everything that was not cancelled", () => {
  const clock = new NodeClock(new GuardTime());
  const called: string[] = [];
  clock.setTimer(() => called.push("timer"), 10);
  const cancel = clock.setTimer(() => called.push("cancelled"), 10);
  clock.endOfTurn(() => called.push("turn"));
  clock.paused = true;
  vi.advanceTimersByTime(1_000);
  expect(called).toEqual([]);
  cancel();
  clock.paused = false;
  vi.advanceTimersByTime(1);
  expect(called).toEqual(["turn", "timer"]);
});
