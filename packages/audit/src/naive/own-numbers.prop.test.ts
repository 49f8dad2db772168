import { Verb } from "@quorumguard/limiter";
import fc from "fast-check";
import { test } from "vitest";
import { Both } from "./testing/both.ts";

const second = 1_000_000;
const hour = 3_600 * second;

const bucket = fc.record({
  algorithm: fc.constant("token-bucket"),
  limit: fc.constantFrom(0, 10, 100, 1_000, 3_600),
  burst: fc.constantFrom(5, 50, 100),
  windowMs: fc.constantFrom(60_000, 3_600_000, 3_600_000),
});
const window = fc.record({
  algorithm: fc.constantFrom("sliding-window-log", "fixed-window", "sliding-window-counter"),
  limit: fc.constantFrom(0, 10, 100),
  windowMs: fc.constantFrom(1_000, 60_000, 86_400_000),
});
const policy = fc
  .oneof({ weight: 3, arbitrary: bucket }, { weight: 2, arbitrary: window })
  .map((numbers) => ({ name: "api", ...numbers }));
const limit = fc.constantFrom(0, 1, 60, 200, 36_000);
const own = fc.oneof(
  fc.record({ policy: fc.constant("api"), limit }),
  fc.record({ policy: fc.constant("api"), limit, burst: fc.constantFrom(5, 50, 100) }),
);
const change = fc.oneof(
  { weight: 7, arbitrary: policy.map((one) => ({ kind: "putPolicies", policies: [one] })) },
  { weight: 3, arbitrary: own.map((one) => ({ kind: "putOverrides", overrides: [{ ...one, key: "k" }] })) },
  fc.constant({ kind: "deleteOverrides", overrides: [{ policy: "api", key: "k" }] }),
  own.map((one) => ({ kind: "putTiers", tiers: [{ name: "gold", limits: [one] }] })),
  fc.constant({ kind: "putTierKeys", tierKeys: [{ key: "k", tier: "gold" }] }),
  fc.record({ one: policy, its: own, hasOverride: fc.boolean(), isMember: fc.boolean() }).map((drawn) => ({
    kind: "putDocument",
    document: {
      policies: [drawn.one],
      overrides: drawn.hasOverride ? [{ ...drawn.its, key: "k" }] : [],
      tiers: [{ name: "gold", limits: [drawn.its] }],
      tierKeys: drawn.isMember ? [{ key: "k", tier: "gold" }] : [],
    },
  })),
  fc.nat(8).map((version) => ({ kind: "rollback", version: 1 + version })),
);
const waitUs = fc.oneof(
  { weight: 2, arbitrary: fc.constantFrom(0, 1) },
  { weight: 4, arbitrary: fc.nat(200 * second) },
  { weight: 1, arbitrary: fc.nat(3 * hour) },
);
/** A key is used up, or holds something; then much changes while it waits, or nearly all the time. */
const round = fc.record({
  costs: fc.constantFrom([1], [64, 32, 16, 8, 4, 2, 1, 1], [64, 32, 16, 8, 4, 2, 1, 1]),
  hold: fc.option(fc.record({ cost: fc.constantFrom(1, 5, 20), ttlMs: fc.constantFrom(1_000, 60_000, 3_600_000) }), {
    freq: 2,
  }),
  settles: fc.option(fc.nat(20), { freq: 2 }),
  passes: fc.option(fc.boolean(), { freq: 2 }),
  changes: fc.array(fc.record({ waitUs, change }), { minLength: 1, maxLength: 5 }),
  waitUs,
});

test("A1 K1 the model and the limiter agree on keys with numbers of their own, whatever changes while they wait", () => {
  fc.assert(
    fc.property(policy, own, fc.array(round, { minLength: 1, maxLength: 5 }), (first, row, rounds) => {
      const both = new Both();
      let stampUs = 1_763_000_000_000_000;
      both.change(stampUs, { kind: "putPolicies", policies: [first] });
      both.change(stampUs, { kind: "putTiers", tiers: [{ name: "gold", limits: [row] }] });
      const open: number[] = [];
      for (const { costs, hold, settles, passes, changes, ...then } of rounds) {
        const handle =
          hold === null ? 0 : both.call(stampUs, "k", hold.cost, { verb: Verb.reserve, ttlMs: hold.ttlMs }).handle;
        if (handle > 0) open.push(handle);
        for (const cost of costs) for (const key of ["k", "other"]) both.call(stampUs, key, cost);
        for (const each of changes) {
          stampUs += each.waitUs;
          both.change(stampUs, each.change);
        }
        stampUs += then.waitUs;
        if (passes !== null) both.pass(stampUs, passes);
        const settled = settles === null ? undefined : open.shift();
        if (settled === undefined || settles === null) continue;
        both.call(stampUs, "k", Math.max(1, settles), {
          verb: settles === 0 ? Verb.cancel : Verb.commit,
          handle: settled,
        });
      }
      for (const cost of [64, 32, 16, 8, 4, 2, 1]) for (const key of ["k", "other"]) both.call(stampUs, key, cost);
    }),
    { numRuns: Number(process.env.NAIVE_RUNS ?? 150) },
  );
}, 600_000);
