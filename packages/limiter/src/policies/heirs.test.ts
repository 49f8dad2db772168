import { expect, it } from "vitest";
import { Outcome } from "../call-batch.ts";
import { batchOf, bucket, copyOf, START_US, windowLog } from "../testing/harness.ts";
import { byName, PolicyHarness, putPolicy } from "../testing/policy-harness.ts";
import { Verb } from "../verb.ts";
import { MAX_SHAPES_SEEN } from "./census.ts";

const second = 1_000_000;
const gone = { kind: "deletePolicies", names: ["api"] };
const tokens = { name: "api", algorithm: "token-bucket", limit: 10, burst: 10, windowMs: 100_000 };
const inline = bucket(10, 100 * second, 10, "api");

/** Six of ten reserved under a policy, which went, and given back to the bucket of a caller. */
function givenBack(harness: PolicyHarness, policy: object = tokens, rule = inline): void {
  harness.change(putPolicy(policy));
  const { handle } = harness.ask(START_US, Verb.reserve, "k", rule, { cost: 6, ttlMs: 300_000 });
  harness.change(gone, {}, START_US);
  expect(harness.ask(START_US, Verb.cancel, "k", rule, { handle })).toMatchObject({ outcome: 1, remaining: 10 });
}

it("K1 what was given back stays so when a call finds no room for its other key", () => {
  const harness = new PolicyHarness({ maxKeys: 4 });
  givenBack(harness);
  const long = windowLog(5, 3_600 * second, "other");
  for (const key of ["a", "b"]) expect(harness.one(START_US, key, long).outcome).toBe(Outcome.allowed);
  const both = harness.group(START_US + second, [
    { key: "k", rule: inline },
    { key: "c", rule: long },
  ]);
  expect(both.map(({ outcome }) => outcome)).toEqual([Outcome.keysFull, Outcome.keysFull]);
  expect(harness.one(START_US + second, "k", inline, 10).outcome).toBe(Outcome.allowed);
});

it("K1 what was given back stays so for as long as an old counter counts by itself, long after others would be forgotten", () => {
  const hour = 3_600 * second;
  const slowly = bucket(1, hour, 100, "api");
  const harness = new PolicyHarness();
  harness.change(putPolicy({ ...tokens, limit: 3_600, burst: 3_600, windowMs: 3_600_000 }));
  harness.change({ kind: "putOverrides", overrides: [{ policy: "api", key: "k", limit: 1, burst: 100 }] });
  const { handle } = harness.ask(START_US, Verb.reserve, "k", byName("api"), { cost: 90, ttlMs: 60_000 });
  harness.change(gone, {}, START_US);
  expect(harness.ask(START_US, Verb.cancel, "k", slowly, { handle })).toMatchObject({ outcome: 1, remaining: 100 });
  for (let tenth = 1; tenth <= 50; tenth++) harness.apply(START_US + tenth * (hour / 10));
  expect(harness.one(START_US + 5 * hour, "k", slowly, 100).outcome).toBe(Outcome.allowed);
});

it("K1 an empty counter goes when nothing is left that it stands before", () => {
  const harness = new PolicyHarness();
  givenBack(harness);
  expect(harness.limiter.stats.keys).toBe(2);
  for (let at = 0; at < 400; at += 20) harness.apply(START_US + at * second);
  expect(harness.limiter.stats.keys).toBe(0);
});

const day = 86_400 * second;
const perSecond = { name: "api", algorithm: "sliding-window-log", limit: 5, windowMs: 1_000 };
const yearly = windowLog(5, 300 * day, "api");

/** So many entries without calls that the sweep comes by everywhere. */
function sweep(harness: PolicyHarness, stampUs: number): number {
  for (let at = 0; at < 8; at++) harness.apply(stampUs + at);
  return harness.limiter.stats.keys;
}

it("K1 what one caller asks by keeps the counters of others for two days after a policy went, not for its whole window", () => {
  const harness = new PolicyHarness();
  harness.change(putPolicy(perSecond));
  for (let at = 0; at < 50; at++) harness.one(START_US, `k${at}`, byName("api"));
  harness.one(START_US, "k0", yearly);
  harness.change(gone, {}, START_US);
  expect(sweep(harness, START_US + 2 * day - second)).toBe(50);
  expect(harness.one(START_US + 2 * day - second, "k1", yearly, 5).outcome).toBe(Outcome.limited);
  expect(sweep(harness, START_US + 2 * day)).toBeLessThan(2);
});

it("K1 a caller's counter keeps no other beyond two days, and is itself there for its whole window", () => {
  const harness = new PolicyHarness();
  expect(harness.one(START_US, "k", yearly, 5).outcome).toBe(Outcome.allowed);
  for (let at = 0; at < 50; at++) harness.one(START_US, `k${at}`, windowLog(5, second, "api"));
  harness.change(putPolicy(perSecond), {}, START_US);
  expect(sweep(harness, START_US + 2 * day - second)).toBe(51);
  expect(sweep(harness, START_US + 2 * day)).toBe(1);
  // However many rules are between: what fades first is forgotten.
  for (let at = 1; at <= 40; at++) {
    harness.one(START_US + 9 * day + at, "k0", byName("api"));
    harness.change(putPolicy({ ...perSecond, windowMs: 1_000 + (at % 2) }), {}, START_US + 9 * day + at);
  }
  harness.change(gone, {}, START_US + 10 * day);
  expect(harness.one(START_US + 299 * day, "k", yearly).outcome).toBe(Outcome.limited);
  expect(harness.one(START_US + 299 * day, "k1", yearly, 5).outcome).toBe(Outcome.allowed);
});

it("K1 what keeps an empty counter is the same on a node that was restored, and found under more windows than a change looks at", () => {
  const harness = new PolicyHarness({ maxKeys: 10_000 });
  harness.change(putPolicy({ ...tokens, windowMs: 3_600_000 }));
  const { handle } = harness.ask(START_US, Verb.reserve, "k", inline, { cost: 6, ttlMs: 300_000 });
  harness.change(gone, {}, START_US);
  const many = Array.from({ length: MAX_SHAPES_SEEN + 4 }, (_, at) => [
    { key: "x", rule: windowLog(5, 2 * second + at, "api") },
  ]);
  harness.calls(START_US, { kind: "anonymous", namespace: "n" }, batchOf(many));
  harness.ask(START_US, Verb.cancel, "k", inline, { handle });
  const rest = sweep(harness, START_US + second);
  sweep(harness, START_US + 10 * second);
  expect([rest, harness.limiter.stats.keys]).toEqual([many.length + 2, 2]);
  const copy = copyOf(harness.limiter);
  const { appliedIndex } = copy;
  sweep(harness, START_US + 60 * second);
  expect(harness.one(START_US + 61 * second, "k", inline, 10).outcome).toBe(Outcome.allowed);
  for (const { index, bytes } of harness.entries) if (index > appliedIndex) copy.apply(index, bytes);
  expect(copy.stateHash()).toEqual(harness.limiter.stateHash());
});
