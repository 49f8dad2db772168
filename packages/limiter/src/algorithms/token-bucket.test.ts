import { describe, expect, it } from "vitest";
import { Outcome } from "../call-batch.ts";
import { bucket, START_US } from "../testing/harness.ts";
import { PolicyHarness } from "../testing/policy-harness.ts";

const SECOND_US = 1_000_000;
const HOUR_US = 3600 * SECOND_US;
const mails = { ...bucket(0, 0, 0, "mails"), algorithm: 1 as const };

/** A policy `mails` of so many an hour and bursts of 10. */
function mailsAt(limit: number): PolicyHarness {
  const harness = new PolicyHarness();
  const policy = { name: "mails", algorithm: "token-bucket", limit, burst: 10, window: "1h" };
  harness.change({ kind: "putPolicies", policies: [policy] });
  return harness;
}

/** What `vip` is left a second after it used all 10, the rate having become 1 an hour after a tenth of that second. */
function leftAfterSlowing(harness: PolicyHarness, slow: unknown): number {
  expect(harness.one(START_US, "vip", mails, 10).outcome).toBe(Outcome.allowed);
  expect(harness.change(slow, {}, START_US + SECOND_US / 10).error).toBeNull();
  // More than the burst is always denied, and says what is left.
  return harness.one(START_US + SECOND_US, "vip", mails, 11).remaining;
}

describe("a bucket whose rate changes while it is in use", () => {
  it("has refilled at the rate in force when its policy slows down", () => {
    const policy = { name: "mails", algorithm: "token-bucket", limit: 1, burst: 10, window: "1h" };
    expect(leftAfterSlowing(mailsAt(36_000), { kind: "putPolicies", policies: [policy] })).toBe(1);
  });

  it("has not refilled at the rate of an override that is gone", () => {
    const harness = mailsAt(1);
    harness.change({ kind: "putOverrides", overrides: [{ policy: "mails", key: "vip", limit: 36_000 }] });
    const slow = { kind: "deleteOverrides", overrides: [{ policy: "mails", key: "vip" }] };
    expect(leftAfterSlowing(harness, slow)).toBeLessThanOrEqual(1);
  });

  it("has not refilled at the policy's rate once an override slows it down", () => {
    const slow = { kind: "putOverrides", overrides: [{ policy: "mails", key: "vip", limit: 1 }] };
    expect(leftAfterSlowing(mailsAt(36_000), slow)).toBeLessThanOrEqual(1);
  });

  it("has not refilled at the rate that its tier had before", () => {
    const harness = mailsAt(1);
    const tiers = (limit: number) => [{ name: "gold", limits: [{ policy: "mails", limit }] }];
    harness.change({ kind: "putTiers", tiers: tiers(36_000) });
    harness.change({ kind: "putTierKeys", tierKeys: [{ tier: "gold", key: "vip" }] });
    expect(leftAfterSlowing(harness, { kind: "putTiers", tiers: tiers(2) })).toBeLessThanOrEqual(1);
  });
});

describe("a bucket that callers share under one name with numbers of their own", () => {
  const fast = bucket(36_000, HOUR_US, 10, "mails");
  const slow = bucket(1, HOUR_US, 10, "mails");

  it("never admits more than the fastest of them does", () => {
    const harness = new PolicyHarness();
    let admitted = 0;
    for (let atUs = 0; atUs <= 3 * SECOND_US; atUs += SECOND_US / 20) {
      for (const rule of [slow, fast]) {
        if (harness.one(START_US + atUs, "k", rule).outcome === Outcome.allowed) admitted++;
      }
    }
    // 10 at once, and at most 10 a second for 3 seconds; under the slow one alone it would be 10.
    expect(admitted).toBeLessThanOrEqual(40);
    expect(admitted).toBeGreaterThan(10);
  });

  it("drains at the slower rate until it is empty by the rate of its last charge", () => {
    const harness = new PolicyHarness();
    harness.one(START_US, "k", fast, 10);
    expect(harness.one(START_US + SECOND_US - 1, "k", slow, 10)).toMatchObject({ remaining: 0, retryAfterMs: 1 });
    expect(harness.one(START_US + SECOND_US, "k", slow, 10).outcome).toBe(Outcome.allowed);
  });
});
