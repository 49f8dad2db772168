import { expect, it } from "vitest";
import { Outcome } from "../call-batch.ts";
import { Algorithm, type Rule } from "../rule.ts";
import { batchOf, nonceOf, START_US } from "../testing/harness.ts";
import { byName, PolicyHarness } from "../testing/policy-harness.ts";
import { Verb } from "../verb.ts";

const second = 1_000_000;
const nameAlone = byName("api");
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
  expect(harness.one(START_US, "vip", nameAlone, 9).outcome).toBe(Outcome.allowed);
  expect(harness.ask(START_US, Verb.reserve, "vip", nameAlone, { cost: 1, ttlMs: 1_000 }).outcome).toBe(
    Outcome.allowed,
  );
  expect(harness.change(ownNoMore, {}, START_US + 1_000).error).toBeNull();
  harness.apply(START_US + 2_000, () => {}, true);
  expect(harness.one(START_US + 2 * second, "vip", nameAlone, 10).outcome).toBe(Outcome.limited);
});

it("L3 a reset does not bring back the rate under which a hold was opened", () => {
  const harness = fastKey();
  const reserved = harness.ask(START_US, Verb.reserve, "vip", nameAlone, { cost: 10, ttlMs: 60_000 });
  expect(reserved.outcome).toBe(Outcome.allowed);
  expect(harness.change(ownNoMore, {}, START_US + 1_000).error).toBeNull();
  expect(harness.ask(START_US + 2_000, Verb.reset, "vip", nameAlone).outcome).toBe(Outcome.allowed);
  expect(harness.one(START_US + 62 * second, "vip", nameAlone, 10).outcome).toBe(Outcome.limited);
});

const ownTier = [
  { kind: "putTiers", tiers: [{ name: "gold", limits: [{ policy: "api", limit: 36_000 }] }] },
  { kind: "putTierKeys", tierKeys: [{ key: "vip", tier: "gold" }] },
];
const noTier = [{ kind: "deleteTierKeys", keys: ["vip"] }];

it.each([
  ["an override", "falls silent", [own(36_000)], [ownNoMore]],
  ["an override", "says goodbye", [own(36_000)], [ownNoMore]],
  ["a tier", "falls silent", ownTier, noTier],
  ["a tier", "says goodbye", ownTier, noTier],
])(
  "R2 a slot that was carried over by the rate of %s does not bring it back when its session %s",
  (_, end, on, off) => {
    const harness = new PolicyHarness({ sessionTtlUs: 10 * second });
    harness.change({
      kind: "putPolicies",
      policies: [{ name: "api", algorithm: "concurrency", limit: 5, windowMs: 3_600_000 }],
    });
    const session = harness.session(START_US, 1);
    const origin = { kind: "session", session, nonce: nonceOf(1), ackedThrough: 0 } as const;
    const slot = { key: "vip", rule: nameAlone, verb: Verb.reserve, ttlMs: 3_000_000 };
    expect(harness.calls(START_US, origin, batchOf([[slot]], 1))[0]!.outcome).toBe(Outcome.allowed);
    for (const asked of [...on, tokens(1), ...off]) expect(harness.change(asked).error).toBeNull();
    expect(harness.admitted(START_US + second, nameAlone, "vip")).toBe(9);
    const endUs = START_US + (end === "falls silent" ? 10 * second + 1 : 5 * second);
    harness.apply(endUs, (writer) => void (end === "falls silent" || writer.goodbye(session, nonceOf(1))));
    expect(harness.limiter.stats.slots).toBe(0);
    // The slot's own, and nothing of the nine.
    expect(harness.admitted(endUs + 2 * second, nameAlone, "vip")).toBe(1);
  },
);

const hour = 3_600 * second;
const take = (harness: PolicyHarness, stampUs: number, cost: number) =>
  harness.one(stampUs, "vip", nameAlone, cost).outcome;
const change = (harness: PolicyHarness, asked: object, stampUs: number) =>
  expect(harness.change(asked, {}, stampUs).error).toBeNull();

it.each([
  ["that ends its policy's epoch", 2 * second, 2 * second],
  ["a second after its policy's epoch ended", 2 * second, 3 * second],
  ["a second before its policy's epoch ends", 2 * second, second],
])("K1 a key that is slowed down by a change %s is kept for its own time, asked or not", (_, policyUs, ownUs) => {
  const harness = new PolicyHarness();
  change(harness, tokens(3_600, 100), START_US);
  expect(take(harness, START_US, 100)).toBe(Outcome.allowed);
  const changes = [
    { atUs: policyUs, section: tokens(3_601, 100) },
    { atUs: ownUs, section: own(1) },
  ].sort((one, other) => one.atUs - other.atUs);
  if (policyUs === ownUs) {
    const document = { policies: tokens(3_601, 100).policies, overrides: own(1).overrides };
    change(harness, { kind: "putDocument", document }, START_US + ownUs);
  } else for (const { atUs, section } of changes) change(harness, section, START_US + atUs);
  for (let tenth = 1; tenth <= 50; tenth++) harness.apply(START_US + (tenth * hour) / 10);
  expect(take(harness, START_US + 5 * hour, 100)).toBe(Outcome.limited);
  // What drained until it was slowed down, and an hour's limit of 1 since.
  expect(take(harness, START_US + 5 * hour, 9)).toBe(Outcome.limited);
});

it.each([
  ["touched", true],
  ["not touched", false],
])(
  "K1 an override counts from its own stamp for a key whose counts wait to be carried over, %s since",
  (_, isTouched) => {
    const faster = new PolicyHarness();
    change(faster, tokens(1), START_US);
    expect(take(faster, START_US, 10)).toBe(Outcome.allowed);
    change(faster, tokens(1, 11), START_US + second);
    if (isTouched) expect(take(faster, START_US + second, 10)).toBe(Outcome.limited);
    change(faster, own(36_000), START_US + 5 * hour);
    expect(take(faster, START_US + 5 * hour, 10)).toBe(Outcome.limited);
    expect(take(faster, START_US + 5 * hour, 5)).toBe(Outcome.allowed);

    const slower = new PolicyHarness();
    change(slower, tokens(36_000), START_US);
    expect(take(slower, START_US, 10)).toBe(Outcome.allowed);
    change(slower, tokens(36_001), START_US + 1_000);
    if (isTouched) expect(take(slower, START_US + 1_000, 10)).toBe(Outcome.limited);
    change(slower, own(1), START_US + 2_000);
    change(slower, tokens(36_002), START_US + 20 * second);
    expect(take(slower, START_US + 20 * second, 1)).toBe(Outcome.limited);
  },
);

it("K1 a change of numbers carries over what waits though the table is full, and only that", () => {
  const harness = new PolicyHarness({ maxKeys: 2 });
  const inline: Rule = { algorithm: Algorithm.tokenBucket, limit: 1, windowUs: hour, burst: 10, policy: "" };
  change(harness, tokens(1), START_US);
  expect(take(harness, START_US, 10)).toBe(Outcome.allowed);
  expect(harness.one(START_US, "other", inline).outcome).toBe(Outcome.allowed);
  change(harness, tokens(2, 5), START_US + second);
  const overrides = Array.from({ length: 50 }, (_, i) => ({ policy: "api", key: `stranger ${i}`, limit: 9 }));
  change(harness, { kind: "putOverrides", overrides }, START_US + second);
  expect(harness.limiter.stats.keys).toBe(2);
  change(harness, own(36_000), START_US + second);
  expect(harness.limiter.stats.keys).toBeLessThanOrEqual(3);
  expect(take(harness, START_US + second, 1)).toBe(Outcome.limited);
});
