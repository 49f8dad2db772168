import { expect, it } from "vitest";
import { Outcome } from "../call-batch.ts";
import { Algorithm, type Rule } from "../rule.ts";
import { START_US } from "../testing/harness.ts";
import { PolicyHarness } from "../testing/policy-harness.ts";
import { Verb } from "../verb.ts";

const second = 1_000_000;
const byName: Rule = { algorithm: Algorithm.slidingWindowLog, limit: 0, windowUs: 0, burst: 0, policy: "api" };
const tokens = (limit: number, burst = 10) => {
  return { kind: "putPolicies", policies: [{ name: "api", algorithm: "token-bucket", limit, burst, window: "1h" }] };
};
const own = (limit: number) => ({ kind: "putOverrides", overrides: [{ policy: "api", key: "vip", limit }] });
const ownNoMore = { kind: "deleteOverrides", overrides: [{ policy: "api", key: "vip" }] };

/** An hour's limit of 1, and one of 36,000 for the key alone. */
function fastKey(): PolicyHarness {
  const harness = new PolicyHarness();
  expect(harness.change(tokens(1)).error).toBeNull();
  expect(harness.change(own(36_000)).error).toBeNull();
  return harness;
}

it("K1 a new leader does not bring back the rate under which a hold was opened", () => {
  const harness = fastKey();
  expect(harness.one(START_US, "vip", byName, 9).outcome).toBe(Outcome.allowed);
  expect(harness.ask(START_US, Verb.reserve, "vip", byName, { cost: 1, ttlMs: 1_000 }).outcome).toBe(Outcome.allowed);
  expect(harness.change(ownNoMore, {}, START_US + 1_000).error).toBeNull();
  harness.apply(START_US + 2_000, () => {}, true);
  expect(harness.one(START_US + 2 * second, "vip", byName, 10).outcome).toBe(Outcome.limited);
});

it("L3 a reset does not bring back the rate under which a hold was opened", () => {
  const harness = fastKey();
  const reserved = harness.ask(START_US, Verb.reserve, "vip", byName, { cost: 10, ttlMs: 60_000 });
  expect(reserved.outcome).toBe(Outcome.allowed);
  expect(harness.change(ownNoMore, {}, START_US + 1_000).error).toBeNull();
  expect(harness.ask(START_US + 2_000, Verb.reset, "vip", byName).outcome).toBe(Outcome.allowed);
  expect(harness.one(START_US + 62 * second, "vip", byName, 10).outcome).toBe(Outcome.limited);
});
