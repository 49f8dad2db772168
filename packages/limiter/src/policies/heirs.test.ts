import { expect, it } from "vitest";
import { Outcome } from "../call-batch.ts";
import { bucket, START_US, windowLog } from "../testing/harness.ts";
import { byName, PolicyHarness, putPolicy } from "../testing/policy-harness.ts";
import { Verb } from "../verb.ts";

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
