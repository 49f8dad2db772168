import { expect, it } from "vitest";
import { NEVER, Outcome } from "../call-batch.ts";
import { batchOf, bucket, Harness, START_US, windowLog } from "../testing/harness.ts";

const second = 1_000_000;

it("K1 two windows over one key never trim each other", () => {
  const harness = new Harness();
  const long = windowLog(1, 60 * second);
  harness.take(START_US, "k", long);
  expect(harness.take(START_US + 1_000, "k", windowLog(5, 1_000)).remaining).toBe(4);
  expect(harness.take(START_US + 10_000, "k", long).outcome).toBe(Outcome.limited);
});

it("K1 an inline window log is shared across limits; a named one is a counter of its own", () => {
  const harness = new Harness();
  harness.take(START_US, "k", windowLog(5, second), 3);
  expect(harness.take(START_US, "k", windowLog(10, second)).remaining).toBe(6);
  expect(harness.take(START_US, "k", windowLog(10, second, "login")).remaining).toBe(9);
  expect(harness.take(START_US, "k", windowLog(7, second, "login")).remaining).toBe(5);
});

it("K1 an inline bucket is told apart by limit and burst; a named one is not", () => {
  const harness = new Harness();
  harness.take(START_US, "k", bucket(10, second, 5), 5);
  expect(harness.take(START_US, "k", bucket(10, second, 6), 1).remaining).toBe(5);
  expect(harness.take(START_US, "k", bucket(11, second, 5), 1).remaining).toBe(4);
  harness.take(START_US, "k", bucket(10, second, 5, "p"), 5);
  expect(harness.take(START_US, "k", bucket(20, second, 5, "p"), 1).outcome).toBe(Outcome.limited);
});

it("K1 namespaces, and names that run together with keys, do not meet", () => {
  const harness = new Harness();
  const rule = windowLog(1, second);
  expect(harness.take(START_US, "k", rule, 1, "a").outcome).toBe(Outcome.allowed);
  expect(harness.take(START_US, "k", rule, 1, "b").outcome).toBe(Outcome.allowed);
  expect(harness.take(START_US, "bk", windowLog(1, second, "a"), 1, "").outcome).toBe(Outcome.allowed);
  expect(harness.take(START_US, "k", windowLog(1, second, "ab"), 1, "").outcome).toBe(Outcome.allowed);
  expect(harness.take(START_US, "k", windowLog(1, second, "b"), 1, "a").outcome).toBe(Outcome.allowed);
});

it("K1 a named bucket whose limit changes drains at the slower rate, never faster than any in force", () => {
  const harness = new Harness();
  harness.take(START_US, "k", bucket(1, second, 10, "p"), 10);
  expect(harness.take(START_US + second, "k", bucket(1_000, second, 10, "p")).remaining).toBe(0);
  expect(harness.take(START_US + second + 5_000, "k", bucket(1_000, second, 10, "p"), 5).outcome).toBe(Outcome.allowed);
});

it("K2 expiry is by comparison: a key that no sweep has reached starts anew at its expiry", () => {
  const harness = new Harness();
  for (let i = 0; i < 5_000; i++) harness.take(START_US, `k${i}`, windowLog(1, second));
  harness.take(START_US + second, "x", windowLog(1, second));
  expect(harness.limiter.stats.keys).toBeGreaterThan(4_000);
  expect(harness.take(START_US + second, "k4999", windowLog(1, second)).outcome).toBe(Outcome.allowed);
});

it("K2 a full table refuses a new key, charges nothing, and never evicts a live count", () => {
  const harness = new Harness({ maxKeys: 2 });
  const rule = windowLog(2, second);
  harness.take(START_US, "a", rule);
  harness.take(START_US, "b", rule);
  expect(harness.take(START_US, "c", rule)).toMatchObject({ outcome: Outcome.keysFull, remaining: 0 });
  expect(harness.take(START_US, "a", rule)).toMatchObject({ outcome: Outcome.allowed, remaining: 0 });
  expect(harness.take(START_US, "b", rule).remaining).toBe(0);
  expect(harness.limiter.stats).toMatchObject({ keys: 2, keysFull: 1 });
});

it("K2 a full table makes room from expired keys before it refuses", () => {
  const harness = new Harness({ maxKeys: 100 });
  for (let i = 0; i < 100; i++) harness.take(START_US + i, `k${i}`, windowLog(1, second));
  for (let i = 0; i < 100; i++) {
    const { outcome } = harness.take(START_US + second + i, `new${i}`, windowLog(1, second));
    expect(outcome).toBe(Outcome.allowed);
  }
  expect(harness.limiter.stats.keys).toBeLessThanOrEqual(100);
});

it("K2 looking for room is bounded at each entry, however many new keys it has, and finds it in the end", () => {
  const keys = 100_000;
  const harness = new Harness({ maxKeys: keys });
  const calls = (stampUs: number, name: string, from: number, rule = windowLog(1, 60 * second)) => {
    const items = Array.from({ length: 1_000 }, (_, i) => [{ key: `${name}${from + i}`, rule }]);
    return harness.calls(stampUs, { kind: "anonymous", namespace: "n" }, batchOf(items));
  };
  // Of a full table only what was filled last has expired: whoever looks for it looks at all the others first.
  for (let from = 0; from < keys - 1_000; from += 1_000) calls(START_US, "k", from);
  calls(START_US, "short", 0, windowLog(1, second));
  const turns = Array.from({ length: 3 }, (_, turn) => calls(START_US + 2 * second, `new${turn}:`, 0));
  const allowed = turns.map((items) => items.filter(({ outcome }) => outcome === Outcome.allowed).length);
  expect(allowed[0]).toBe(0);
  expect(Math.max(...allowed)).toBeGreaterThan(900);
});

it("K2 a denial needs no room: what is denied anyway is denied in a full table too", () => {
  const harness = new Harness({ maxKeys: 1 });
  harness.take(START_US, "a", windowLog(1, second));
  expect(harness.take(START_US, "b", windowLog(0, second)).outcome).toBe(Outcome.limited);
});

it("K2 bounds change through the log, and a smaller one evicts nobody", () => {
  const harness = new Harness();
  const rule = windowLog(2, second);
  for (const key of ["a", "b", "c"]) harness.take(START_US, key, rule);
  harness.apply(START_US, (writer) => void writer.bounds({ ...harness.limiter.bounds, maxKeys: 1 }));
  expect(harness.limiter.bounds.maxKeys).toBe(1);
  expect(harness.take(START_US, "a", rule).remaining).toBe(0);
  expect(harness.take(START_US, "d", rule).outcome).toBe(Outcome.keysFull);
});

it("K2 sweeping is bounded at each entry, and in time frees all", () => {
  const harness = new Harness();
  const rule = windowLog(1, second);
  const items = (from: number) => Array.from({ length: 1_000 }, (_, i) => [{ key: `k${from + i}`, rule }]);
  for (let i = 0; i < 20; i++)
    harness.calls(START_US, { kind: "anonymous", namespace: "n" }, batchOf(items(i * 1_000)));
  expect(harness.limiter.stats.keys).toBe(20_000);
  harness.apply(START_US + second);
  const after = harness.limiter.stats.keys;
  expect(after).toBeLessThan(20_000);
  expect(after).toBeGreaterThan(15_000);
  for (let i = 0; i < 10; i++) harness.apply(START_US + second);
  expect(harness.limiter.stats.keys).toBe(0);
});

it("K3 limit 0 is always denied, and a cost above limit or burst is a denial that no waiting cures", () => {
  const harness = new Harness();
  const never = { outcome: Outcome.limited, retryAfterMs: NEVER };
  expect(harness.take(START_US, "k", windowLog(0, second))).toMatchObject(never);
  expect(harness.take(START_US, "k", bucket(0, second, 5))).toMatchObject(never);
  expect(harness.take(START_US, "k", windowLog(3, second), 4)).toMatchObject({ ...never, remaining: 3 });
  expect(harness.take(START_US, "k", bucket(9, second, 3), 4)).toMatchObject({ ...never, remaining: 3 });
  expect(harness.limiter.stats.keys).toBe(0);
});

it("the token bucket admits its burst at once, and then exactly its rate", () => {
  const harness = new Harness();
  const rule = bucket(3, second, 7);
  let admitted = 0;
  for (let at = 0; at < 10 * second; at += 1_000) {
    if (harness.take(START_US + at, "k", rule).outcome === Outcome.allowed) admitted++;
    expect(admitted).toBeLessThanOrEqual(7 + Math.floor((3 * at) / second));
  }
  expect(admitted).toBe(7 + 29);
});
