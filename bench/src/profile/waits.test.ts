import { expect, it } from "vitest";
import { restMs, spreadOf, type Waits, waitsNote, waitsTable } from "./waits.ts";

const waits: Waits = {
  frameBytes: 512,
  call: { p50Ms: 0.6, meanMs: 0.8 },
  flushMeanMs: { leader: 0.31, follower: 0.3 },
  bareTrip: { p50Ms: 0.04, meanMs: 0.05 },
  bareFlush: { p50Ms: 0.1, meanMs: 0.2 },
};

it("the rest of a call is what a follower's flush and two round trips leave of its mean; the leader's flush runs beside them", () => {
  expect(restMs(waits)).toBeCloseTo(0.4, 9);
  expect(restMs({ ...waits, flushMeanMs: { leader: 9, follower: 0.3 } })).toBeCloseTo(0.4, 9);
  expect(waitsTable(waits)).toBe(
    [
      "| Where a lone call waits | mean, ms | p50, ms |",
      "| --- | --- | --- |",
      "| the whole call, by its client | 0.800 | 0.600 |",
      "| on its way: two bare round trips | 0.100 | 0.080 |",
      "| on its way: a flush on a follower | 0.300 | – |",
      "| on its way: the rest | 0.400 | – |",
      "| beside it: the flush on the leader | 0.310 | – |",
      "| for comparison: a bare write and flush | 0.200 | 0.100 |",
    ].join("\n"),
  );
  expect(waitsNote(waits)).toContain("512 bytes");
});

it("middle and mean of what took long now and then; of nothing there is neither", () => {
  expect(spreadOf([5, 1, 3])).toEqual({ p50Ms: 3, meanMs: 3 });
  expect(spreadOf([1, 1, 10])).toEqual({ p50Ms: 1, meanMs: 4 });
  expect(() => spreadOf([])).toThrow("nothing was measured");
});
