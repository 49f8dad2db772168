import { expect, it } from "vitest";
import { NEVER, Outcome } from "../call-batch.ts";
import { batchOf, Harness, type Item, START_US, windowLog } from "../testing/harness.ts";

const rule = windowLog(3, 1_000_000);
const anonymous = { kind: "anonymous", namespace: "n" } as const;

function group(harness: Harness, ...items: Item[]) {
  return harness.calls(START_US, anonymous, batchOf([items]));
}

it("G1 a denied group charges nothing, and each item tells its own verdict", () => {
  const harness = new Harness();
  harness.take(START_US, "full", rule, 3);
  const results = group(harness, { key: "a", rule }, { key: "full", rule }, { key: "b", rule, cost: 4 });
  expect(results).toMatchObject([
    { outcome: Outcome.allowed, remaining: 3, resetAfterMs: 0 },
    { outcome: Outcome.limited, remaining: 0, retryAfterMs: 1_000 },
    { outcome: Outcome.limited, remaining: 3, retryAfterMs: NEVER },
  ]);
  expect(harness.limiter.stats.keys).toBe(1);
  expect(harness.take(START_US, "a", rule).remaining).toBe(2);
});

it("G1 a repeated key counts cumulatively", () => {
  const harness = new Harness();
  const repeated = group(harness, { key: "a", rule, cost: 2 }, { key: "b", rule }, { key: "a", rule, cost: 2 });
  expect(repeated.map((each) => each.outcome)).toEqual([Outcome.allowed, Outcome.allowed, Outcome.limited]);
  const fits = group(harness, { key: "a", rule, cost: 2 }, { key: "b", rule }, { key: "a", rule });
  expect(fits).toMatchObject([{ remaining: 1 }, { remaining: 2 }, { remaining: 0 }]);
  expect(harness.take(START_US, "a", rule).outcome).toBe(Outcome.limited);
});

it("G1 a repeated key counts cumulatively across limits that share its counter", () => {
  const harness = new Harness();
  const results = group(harness, { key: "a", rule, cost: 3 }, { key: "a", rule: windowLog(4, 1_000_000), cost: 2 });
  expect(results.map((each) => each.outcome)).toEqual([Outcome.allowed, Outcome.limited]);
});

it("G1 groups and single calls of one frame see each other in order", () => {
  const harness = new Harness();
  const results = harness.calls(
    START_US,
    anonymous,
    batchOf([
      [{ key: "a", rule, cost: 2 }],
      [
        { key: "a", rule },
        { key: "b", rule },
      ],
      [{ key: "a", rule }],
    ]),
  );
  expect(results.map((each) => each.outcome)).toEqual([1, 1, 1, 2]);
});

it("G1 a group that finds no room for its new keys is not decided at all", () => {
  const harness = new Harness({ maxKeys: 2 });
  const results = group(harness, { key: "a", rule }, { key: "b", rule }, { key: "c", rule });
  expect(results.map((each) => each.outcome)).toEqual([Outcome.keysFull, Outcome.keysFull, Outcome.keysFull]);
  expect(harness.limiter.stats.keys).toBe(0);
  expect(
    group(harness, { key: "a", rule }, { key: "a", rule }, { key: "b", rule }).map((each) => each.outcome),
  ).toEqual([1, 1, 1]);
});

it("G1 a group makes room from expired keys, its own among them", () => {
  const harness = new Harness({ maxKeys: 3 });
  for (const key of ["a", "b", "c"]) harness.take(START_US, key, rule, 3);
  const results = harness.calls(
    START_US + 1_000_000,
    anonymous,
    batchOf([
      [
        { key: "x", rule },
        { key: "a", rule },
        { key: "y", rule },
      ],
    ]),
  );
  expect(results.map((each) => each.outcome)).toEqual([1, 1, 1]);
  expect(harness.limiter.stats.keys).toBeLessThanOrEqual(3);
});

it("D2 the denials of a group are never firm", () => {
  const harness = new Harness();
  const results = group(harness, { key: "a", rule, cost: 4 }, { key: "b", rule });
  expect(results.map((each) => each.firmForMs)).toEqual([0, 0]);
});
