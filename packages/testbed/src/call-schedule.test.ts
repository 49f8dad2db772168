import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { startSchedule } from "./call-schedule.ts";

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "performance"] });
});
afterEach(() => {
  vi.useRealTimers();
});

it("starts calls when they are due, though none has ended", async () => {
  const dueTimes: number[] = [];
  const startedAt = performance.now();
  let endAll = () => {};
  const ended = new Promise<void>((resolve) => {
    endAll = resolve;
  });
  const stop = startSchedule({
    intervalMs: 5,
    callsAtOnce: 2,
    call: (dueAt) => {
      dueTimes.push(dueAt - startedAt);
      return ended;
    },
  });
  vi.advanceTimersByTime(12);
  expect(dueTimes).toEqual([0, 0, 5, 5, 10, 10]);

  let stopped = false;
  const stopping = stop().then(() => {
    stopped = true;
  });
  vi.advanceTimersByTime(50);
  await Promise.resolve();
  expect(dueTimes).toHaveLength(6);
  expect(stopped).toBe(false);
  endAll();
  await stopping;
});

it("counts a call that started late from when it was due", () => {
  const late: number[] = [];
  const stop = startSchedule({
    intervalMs: 5,
    callsAtOnce: 1,
    call: async (dueAt) => {
      late.push(performance.now() - dueAt);
      // The first call keeps the event loop busy for 18 ms: three calls are late by then.
      if (late.length === 1) busyFor(18);
    },
  });
  vi.advanceTimersByTime(1);
  void stop();
  expect(late).toEqual([0, 13, 8, 3]);
});

/** Time passes, and no timer fires. */
function busyFor(ms: number): void {
  const now = performance.now();
  vi.spyOn(performance, "now").mockReturnValue(now + ms);
}
