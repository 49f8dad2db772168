import { expect, it } from "vitest";
import { Outcome } from "../call-batch.ts";
import { encodeUtf8 } from "../entry/utf8.ts";
import type { Rule } from "../rule.ts";
import { bucket, START_US } from "../testing/harness.ts";
import { byName, PolicyHarness } from "../testing/policy-harness.ts";
import { Verb } from "../verb.ts";

const second = 1_000_000;
const hour = 3_600 * second;
const nameAlone = byName("mails");
const tokens = (limit: number) => {
  const policy = { name: "mails", algorithm: "token-bucket", limit, burst: 3_600, windowMs: 3_600_000 };
  return { kind: "putPolicies", policies: [policy] };
};
const slow = { kind: "putOverrides", overrides: [{ policy: "mails", key: "slow", limit: 1, burst: 100 }] };
const tiered = [
  { kind: "putTiers", tiers: [{ name: "free", limits: [{ policy: "mails", limit: 1, burst: 100 }] }] },
  { kind: "putTierKeys", tierKeys: [{ key: "slow", tier: "free" }] },
];

function pass(harness: PolicyHarness, fromUs: number, hours: number): number {
  for (let tenth = 1; tenth <= hours * 10; tenth++) harness.apply(fromUs + tenth * (hour / 10));
  return fromUs + hours * hour;
}

const left = (harness: PolicyHarness, rule: Rule, stampUs: number) =>
  harness.limiter.peek("n", rule, encodeUtf8("slow"), 1, stampUs).remaining[0];

it.each([
  ["an override", [slow], 1],
  ["a tier", tiered, 1],
  ["an override, through several changes", [slow], 3],
])(
  "K1 the counter of a key that is slower by %s than its policy is kept for as long as it counts",
  (_, own, changes) => {
    const harness = new PolicyHarness();
    harness.change(tokens(3_600));
    for (const change of own) expect(harness.change(change).error).toBeNull();
    expect(harness.one(START_US, "slow", nameAlone, 100).outcome).toBe(Outcome.allowed);
    let stampUs = START_US + second;
    for (let i = 1; i <= changes; i++) {
      expect(harness.change(tokens(3_600 + i), {}, stampUs).error).toBeNull();
      stampUs = pass(harness, stampUs, 5);
    }
    // What drained since its last charge, and the token that is not whole yet.
    expect(left(harness, nameAlone, stampUs)).toBe(changes * 5);
    expect(harness.one(stampUs, "slow", nameAlone, 100).outcome).toBe(Outcome.limited);
  },
);

it("K1 what a slow bucket of callers' own numbers used is there when they count again, hours after a fast policy came", () => {
  const harness = new PolicyHarness();
  const inline = bucket(1, hour, 100, "mails");
  expect(harness.one(START_US, "slow", inline, 100).outcome).toBe(Outcome.allowed);
  harness.change(tokens(3_600), {}, START_US + second);
  const stampUs = pass(harness, START_US + second, 5);
  harness.change({ kind: "deletePolicies", names: ["mails"] }, {}, stampUs);
  expect(left(harness, inline, stampUs)).toBe(5);
});

it("K1 a debt that outlasts the bucket's own time is there after a change", () => {
  const harness = new PolicyHarness();
  harness.change(tokens(3_600));
  const { handle } = harness.ask(START_US, Verb.reserve, "slow", nameAlone, { cost: 1, ttlMs: 60_000 });
  harness.ask(START_US, Verb.commit, "slow", nameAlone, { handle, cost: 36_000 });
  harness.change(tokens(3_601), {}, START_US + second);
  const stampUs = pass(harness, START_US + second, 5);
  harness.change(tokens(3_600), {}, stampUs);
  expect(harness.one(stampUs, "slow", nameAlone).outcome).toBe(Outcome.limited);
});

it.each([
  ["an override", [slow]],
  ["a tier", tiered],
])(
  "K1 a key that is slower by %s than a new bucket is kept for its own time, whatever it was counted by before",
  (_, own) => {
    const window = { name: "mails", algorithm: "sliding-window-log", limit: 100, windowMs: 1_000 };
    for (const before of [{ kind: "putPolicies", policies: [window] }, tokens(3_600_000)]) {
      const harness = new PolicyHarness();
      harness.change(before);
      expect(harness.one(START_US, "slow", nameAlone, 100).outcome).toBe(Outcome.allowed);
      for (const change of own) expect(harness.change(change).error).toBeNull();
      harness.change(tokens(3_600), {}, START_US);
      const stampUs = pass(harness, START_US, 5);
      expect(left(harness, nameAlone, stampUs)).toBe(5);
    }
  },
);
