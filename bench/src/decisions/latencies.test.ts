import { expect, test } from "vitest";
import { Latencies } from "./latencies.ts";

test("however many calls there are, no more are kept than there is room for, of all of the run alike", () => {
  const latencies = new Latencies(64);
  const calls = 100_000;
  for (let n = 0; n < calls; n++) if (latencies.isTakenOf(n)) latencies.add(n);
  const kept = [...latencies.all()];
  expect(kept.length).toBeGreaterThan(32);
  expect(kept.length).toBeLessThanOrEqual(64);
  const step = kept[1]! - kept[0]!;
  expect(kept).toEqual(kept.map((_, at) => at * step));
  expect(kept.at(-1)! + step).toBeGreaterThanOrEqual(calls);
});

test("while there is room, every call is kept: of few calls the slowest is in the thousandth part", () => {
  const latencies = new Latencies(64);
  for (let n = 0; n < 50; n++) if (latencies.isTakenOf(n)) latencies.add(n);
  expect([...latencies.all()]).toEqual(Array.from({ length: 50 }, (_, n) => n));
});
