import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { createPageRuntime } from "./page-runtime.ts";

const setPause = (callback: () => void, delayMs: number) => createPageRuntime().setPause!(callback, delayMs);

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "performance", "Date"] });
});
afterEach(() => {
  vi.useRealTimers();
});

test("a pause ends on time, and not before", async () => {
  const over = vi.fn();
  setPause(over, 60_000);
  await vi.advanceTimersByTimeAsync(59_999);
  expect(over).not.toHaveBeenCalled();
  await vi.advanceTimersByTimeAsync(1);
  expect(over).toHaveBeenCalledOnce();
});

test("a device that slept through it looks soon, although the clock of its timers stood still", async () => {
  const over = vi.fn();
  setPause(over, 3_600_000);
  await vi.advanceTimersByTimeAsync(1_000);
  vi.setSystemTime(Date.now() + 3_600_000);
  await vi.advanceTimersByTimeAsync(5_000);
  expect(over).toHaveBeenCalledOnce();
});

test("a clock that is set back does not prolong it", async () => {
  const over = vi.fn();
  setPause(over, 20_000);
  vi.setSystemTime(Date.now() - 3_600_000);
  await vi.advanceTimersByTimeAsync(20_000);
  expect(over).toHaveBeenCalledOnce();
});

test("a pause that is cancelled does not end, wherever it was", async () => {
  const over = vi.fn();
  const cancel = setPause(over, 20_000);
  await vi.advanceTimersByTimeAsync(12_000);
  cancel();
  await vi.advanceTimersByTimeAsync(60_000);
  expect(over).not.toHaveBeenCalled();
  expect(vi.getTimerCount()).toBe(0);
});
