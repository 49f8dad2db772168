import { afterEach, describe, expect, test, vi } from "vitest";
import { EarlyPlatform } from "./early-platform.ts";

/** What callers have of time. */
interface Timers {
  monotonicMs(): number;
  setTimer(callback: () => void, delayMs: number, keepAlive?: boolean): () => void;
}

const dayMs = 86_400_000;

/** What every clock with timers promises, over a platform whose timers fire early. `open` is called once that is in place. */
export function describeTimers(name: string, open: () => Timers): void {
  describe(`timers of ${name}`, () => {
    afterEach(() => {
      vi.unstubAllGlobals();
      vi.restoreAllMocks();
    });

    test.each([0, 0.3, 0.9])(
      "never call back before their time by its own clock, nor much after it (%d)",
      (phaseMs) => {
        const platform = new EarlyPlatform(phaseMs);
        const timers = open();
        const lateMs: number[] = [];
        const delays = [0, 0.2, 1, 4.7, 16, 99.999, 1_000];
        for (const delayMs of delays) {
          const dueMs = timers.monotonicMs() + delayMs;
          timers.setTimer(() => lateMs.push(timers.monotonicMs() - dueMs), delayMs);
        }
        platform.pass(2_000);
        expect(lateMs).toHaveLength(delays.length);
        for (const ms of lateMs) {
          expect(ms).toBeGreaterThanOrEqual(0);
          expect(ms).toBeLessThanOrEqual(2);
        }
        expect(platform.early > 0).toBe(phaseMs > 0);
      },
    );

    test("end when they are cancelled, also while they wait for the rest", () => {
      const platform = new EarlyPlatform(0.9);
      const timers = open();
      const cancel = timers.setTimer(() => expect.unreachable(), 10);
      platform.pass(9.5);
      expect(platform.early).toBe(1);
      cancel();
      expect(platform.pending).toEqual([]);
    });

    test("keep a process alive to the end, or not at all", () => {
      const platform = new EarlyPlatform(0.9);
      const timers = open();
      for (const keepAlive of [true, false]) timers.setTimer(() => {}, 10, keepAlive);
      const before = platform.pending.map(({ keepsAlive }) => keepsAlive);
      platform.pass(9.5);
      expect(platform.early).toBe(2);
      expect(platform.pending.map(({ keepsAlive }) => keepsAlive)).toEqual(before);
      expect(before[1]).toBe(false);
    });

    test("may be longer than the platform's longest", () => {
      const platform = new EarlyPlatform(0.9);
      let called = 0;
      // The third part of the longest life of a session: its renewal.
      open().setTimer(() => called++, (400 * dayMs) / 3);
      platform.pass(133 * dayMs);
      expect(called).toBe(0);
      platform.pass(dayMs);
      expect(called).toBe(1);
    });
  });
}
