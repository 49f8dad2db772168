import { expect, test } from "vitest";
import type { Point } from "../decisions/points.ts";
import { measureWaits } from "./measure-waits.ts";

test("a lone call takes longer than a bare round trip, nodes count its flushes, and its entry is no larger than a page", async () => {
  const point: Point = {
    ...{ name: "1 in flight", keys: { kind: "unique" }, rule: { limit: 100, windowMs: 60_000 } },
    ...{ inFlight: 1, processes: 1, contenders: [] },
  };
  const { call, flushMeanMs, bareTrip, bareFlush, frameBytes } = await measureWaits(point, {
    warmUpMs: 300,
    sampleMs: 300,
  });
  for (const ms of [flushMeanMs.leader, flushMeanMs.follower, bareTrip.p50Ms, bareFlush.p50Ms])
    expect(ms).toBeGreaterThan(0);
  expect(call.p50Ms).toBeGreaterThan(bareTrip.p50Ms);
  expect(frameBytes).toBeGreaterThan(64);
  expect(frameBytes).toBeLessThanOrEqual(4_096);
});
