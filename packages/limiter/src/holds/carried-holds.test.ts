import { describe, expect, it } from "vitest";
import { Outcome } from "../call-batch.ts";
import { Algorithm, type Rule } from "../rule.ts";
import { batchOf, nonceOf, START_US } from "../testing/harness.ts";
import { PolicyHarness } from "../testing/policy-harness.ts";
import { Verb } from "../verb.ts";

const second = 1_000_000;
const byName: Rule = { algorithm: Algorithm.slidingWindowLog, limit: 0, windowUs: 0, burst: 0, policy: "api" };
const policies = {
  slots: { name: "api", algorithm: "concurrency", limit: 10, windowMs: 600_000 },
} as const;

function under(policy: object): PolicyHarness {
  const harness = new PolicyHarness();
  harness.change({ kind: "putPolicies", policies: [policy] });
  return harness;
}

function change(harness: PolicyHarness, policy: object, stampUs: number): void {
  harness.change({ kind: "putPolicies", policies: [policy] }, {}, stampUs);
}

describe("K1 a rule that takes over finds what is held, however late the key is touched", () => {
  it("a slot whose session ends between the change and the first touch is free", () => {
    const harness = under(policies.slots);
    const session = harness.session(START_US, 1);
    const origin = { kind: "session", session, nonce: nonceOf(1), ackedThrough: 0 } as const;
    const slot = { key: "k", rule: byName, cost: 4, verb: Verb.reserve };
    expect(harness.calls(START_US, origin, batchOf([[slot]], 1))[0]!.remaining).toBe(6);
    change(harness, { ...policies.slots, windowMs: 300_000 }, START_US + second);
    harness.apply(START_US + 2 * second, (writer) => void writer.goodbye(session, nonceOf(1)));
    expect(harness.ask(START_US + 3 * second, Verb.reserve, "k", byName, { cost: 10 }).outcome).toBe(Outcome.allowed);
    expect(harness.limiter.stats).toMatchObject({ slots: 1, slotsEnded: 1 });
  });
});
