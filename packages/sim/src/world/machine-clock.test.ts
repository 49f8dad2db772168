import { expect, test } from "vitest";
import { createMachineClock, createProcessClock } from "./machine-clock.ts";
import { createRandom } from "./random.ts";
import { createTrace } from "./trace.ts";
import { createWorld } from "./world.ts";

test("clocks that run fast or slow never jump, and timers go by them", async () => {
  const world = createWorld(createRandom(1), createTrace());
  const clock = createMachineClock(world, createRandom(2), 1_000);
  await world.run(1_000_000);
  const [monotonicMs, wallMs] = [clock.monotonicMs(), clock.wallMs()];
  clock.setRates(1.05, 0.5);
  expect([clock.monotonicMs(), clock.wallMs()]).toEqual([monotonicMs, wallMs]);
  await world.run(2_000_000);
  expect(clock.monotonicMs() - monotonicMs).toBeCloseTo(1_050, 3);
  expect(clock.wallMs() - wallMs).toBeCloseTo(500, 3);

  let rangUs = 0;
  const process = createProcessClock(world, world.spawn("p"), clock, createRandom(3), 100);
  process.setTimer(() => {
    rangUs = world.nowUs;
  }, 105);
  await world.run(3_000_000);
  expect(rangUs - 2_000_000).toBeGreaterThanOrEqual(100_000);
  expect(rangUs - 2_000_000).toBeLessThan(100_300);
});
