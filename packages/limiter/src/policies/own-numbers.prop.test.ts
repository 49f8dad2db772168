import fc from "fast-check";
import { expect, it } from "vitest";
import { Outcome } from "../call-batch.ts";
import { START_US } from "../testing/harness.ts";
import { byName, PolicyHarness } from "../testing/policy-harness.ts";

const name = byName("api");
const second = 1_000_000;
const hour = 3_600 * second;

interface Numbers {
  readonly limit: number;
  readonly burst: number;
}

const numbers = fc.record({ limit: fc.constantFrom(1, 100, 1_000, 3_600), burst: fc.constantFrom(3, 50, 100) });
const own = fc.record({
  limit: fc.constantFrom(1, 120, 200, 36_000),
  burst: fc.option(fc.constantFrom(3, 10, 100), { nil: undefined }),
});
const waitUs = fc.oneof(fc.constant(0), fc.nat(second), fc.nat(240 * second), fc.nat(240 * second), fc.nat(2 * hour));
const step = fc.oneof(
  fc.record({
    waitUs,
    kind: fc.constant("policy" as const),
    to: numbers,
    windowMs: fc.constantFrom(60_000, 3_600_000),
  }),
  fc.record({ waitUs, kind: fc.constant("window" as const) }),
  fc.record({ waitUs, kind: fc.constant("override" as const), to: fc.option(own) }),
  fc.record({ waitUs, kind: fc.constant("row" as const), to: own }),
  fc.record({ waitUs, kind: fc.constant("member" as const), is: fc.boolean() }),
  fc.record({ waitUs, kind: fc.constant("sweep" as const) }),
  fc.record({
    waitUs,
    kind: fc.constant("take" as const),
    costs: fc.constantFrom([1], [100, 10, 1, 1], [64, 32, 4, 1]),
  }),
);

type Owned = { readonly limit: number; readonly burst?: number | undefined } | null;

/**
 * The level of one bucket that is told every rate as it comes: what it admitted, less what the rates in force let drain.
 * A rule with less room takes over its burst at most. It knows nothing of epochs, or of when a key is asked.
 */
class Bucket {
  #policy: Numbers & { readonly windowMs: number };
  #override: Owned = null;
  #row: Owned = null;
  #isMember = false;
  #level = 0;
  #atUs = START_US;

  constructor(policy: Numbers & { readonly windowMs: number }) {
    this.#policy = policy;
  }

  get own(): Owned {
    return this.#override ?? (this.#isMember ? this.#row : null);
  }

  get burst(): number {
    return this.own?.burst ?? this.#policy.burst;
  }

  goTo(stampUs: number): number {
    const limit = this.own?.limit ?? this.#policy.limit;
    this.#level = Math.max(0, this.#level - (limit * (stampUs - this.#atUs)) / (this.#policy.windowMs * 1_000));
    this.#atUs = stampUs;
    return this.#level;
  }

  take(cost: number): void {
    this.#level += cost;
  }

  policy(to: Numbers & { readonly windowMs: number }): void {
    this.#policy = to;
    this.#level = Math.min(this.#level, this.burst);
  }

  override(to: Owned): void {
    this.#override = to;
  }

  row(to: Owned): void {
    this.#row = to;
  }

  member(is: boolean): void {
    this.#isMember = is;
  }
}

const bucketOf = ({ limit, burst }: Numbers, windowMs: number) => {
  return { kind: "putPolicies", policies: [{ name: "api", algorithm: "token-bucket", limit, burst, windowMs }] };
};
const written = ({ limit, burst }: NonNullable<Owned>) => ({ policy: "api", limit, ...(burst ? { burst } : {}) });

it("K1 a key with numbers of its own gets no more than the rates in force let drain, whatever changes while it waits", () => {
  const seen = { admitted: 0, denied: 0, ownChanges: 0 };
  fc.assert(
    fc.property(numbers, fc.array(step, { minLength: 8, maxLength: 40 }), (first, steps) => {
      const harness = new PolicyHarness();
      const bucket = new Bucket({ ...first, windowMs: 3_600_000 });
      let stampUs = START_US;
      const change = (asked: object) => expect(harness.change(asked, {}, stampUs).error).toBeNull();
      change(bucketOf(first, 3_600_000));
      change({ kind: "putTiers", tiers: [{ name: "gold", limits: [] }] });
      for (const each of steps) {
        stampUs += each.waitUs;
        const level = bucket.goTo(stampUs);
        if (each.kind === "policy") {
          change(bucketOf(each.to, each.windowMs));
          bucket.policy({ ...each.to, windowMs: each.windowMs });
        } else if (each.kind === "window") {
          // A window in between: what it admits of a bucket's count is that count, at the same stamp.
          const day = { name: "api", algorithm: "sliding-window-log", limit: 100, windowMs: 86_400_000 };
          change({ kind: "putPolicies", policies: [day] });
          change(bucketOf(first, 3_600_000));
          bucket.policy({ ...first, windowMs: 3_600_000 });
        } else if (each.kind === "override") {
          seen.ownChanges++;
          const key = "k";
          if (each.to !== null) change({ kind: "putOverrides", overrides: [{ ...written(each.to), key }] });
          else change({ kind: "putDocument", document: { overrides: [] } });
          bucket.override(each.to);
        } else if (each.kind === "row") {
          change({ kind: "putTiers", tiers: [{ name: "gold", limits: [written(each.to)] }] });
          bucket.row(each.to);
        } else if (each.kind === "member") {
          change({ kind: "putDocument", document: { tierKeys: each.is ? [{ key: "k", tier: "gold" }] : [] } });
          bucket.member(each.is);
        } else if (each.kind === "sweep") harness.apply(stampUs);
        else {
          for (const cost of each.costs) {
            const before = bucket.goTo(stampUs);
            if (harness.one(stampUs, "k", name, cost).outcome !== Outcome.allowed) {
              seen.denied++;
              continue;
            }
            expect(before + cost, `level ${level} of ${bucket.burst}`).toBeLessThanOrEqual(bucket.burst + 1e-6);
            bucket.take(cost);
            seen.admitted++;
          }
        }
      }
    }),
    { numRuns: 300 },
  );
  expect(Math.min(seen.admitted, seen.denied, seen.ownChanges)).toBeGreaterThan(100);
});
