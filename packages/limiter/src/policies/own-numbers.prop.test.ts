import fc from "fast-check";
import { expect, it } from "vitest";
import { Outcome } from "../call-batch.ts";
import { START_US } from "../testing/harness.ts";
import { byName, PolicyHarness } from "../testing/policy-harness.ts";

const name = byName("api");
const second = 1_000_000;
const hour = 3_600 * second;
const window = { name: "api", algorithm: "sliding-window-log", windowMs: 1_000 };

interface Numbers {
  readonly limit: number;
  readonly burst: number;
  readonly windowMs: number;
}

const numbers = fc.record({
  limit: fc.constantFrom(10, 1_000, 3_600, 3_600),
  burst: fc.constantFrom(5, 50, 100),
  windowMs: fc.constantFrom(60_000, 3_600_000, 3_600_000),
});
const own = fc.record({
  limit: fc.constantFrom(1, 120, 200, 36_000),
  burst: fc.option(fc.constantFrom(5, 50, 100), { nil: undefined }),
});
const waitUs = fc.oneof(
  { weight: 2, arbitrary: fc.constantFrom(0, 1) },
  { weight: 4, arbitrary: fc.nat(200 * second) },
  { weight: 1, arbitrary: fc.nat(3 * hour) },
);
const change = fc.oneof(
  { weight: 5, arbitrary: fc.record({ waitUs, kind: fc.constant("burst" as const), to: fc.constantFrom(5, 100) }) },
  { weight: 5, arbitrary: fc.record({ waitUs, kind: fc.constant("policy" as const), to: numbers }) },
  {
    weight: 3,
    arbitrary: fc.record({ waitUs, kind: fc.constant("override" as const), to: fc.option(own, { freq: 3 }) }),
  },
  fc.record({ waitUs, kind: fc.constant("row" as const), to: own }),
  fc.record({ waitUs, kind: fc.constant("member" as const), is: fc.boolean() }),
  fc.record({ waitUs, kind: fc.constant("sweep" as const) }),
);
/** The key takes what it can; then much changes while it waits. */
const round = fc.record({
  costs: fc.constantFrom([1], [64, 32, 16, 8, 4, 2, 1, 1], [100, 50, 5]),
  changes: fc.array(change, { minLength: 1, maxLength: 5 }),
  waitUs,
});

type Owned = { readonly limit: number; readonly burst?: number | undefined } | null;

/**
 * The level of one bucket that is told every rate as it comes: what it admitted, less what the rates in force let drain.
 * A rule with less room takes over its burst at most; what it could not take over is kept beside it, since it counts again
 * from the next policy on, and drains at the fastest rate that was in force. It knows nothing of epochs, or of when a key
 * is asked.
 */
class Bucket {
  #policy: Numbers;
  #override: Owned = null;
  #row: Owned = null;
  #isMember = false;
  #level = 0;
  #kept = 0;
  #keptRate = 0;
  #atUs = START_US;

  constructor(policy: Numbers) {
    this.#policy = policy;
  }

  get numbers(): Numbers {
    return this.#policy;
  }

  get own(): Owned {
    return this.#override ?? (this.#isMember ? this.#row : null);
  }

  get burst(): number {
    return this.own?.burst ?? this.#policy.burst;
  }

  get rate(): number {
    return (this.own?.limit ?? this.#policy.limit) / (this.#policy.windowMs * 1_000);
  }

  goTo(stampUs: number): number {
    const elapsedUs = stampUs - this.#atUs;
    this.#keptRate = Math.max(this.#keptRate, this.rate);
    this.#level = Math.max(0, this.#level - this.rate * elapsedUs);
    this.#kept = Math.max(0, this.#kept - this.#keptRate * elapsedUs);
    this.#atUs = stampUs;
    return this.#level;
  }

  take(cost: number): void {
    this.#level += cost;
  }

  policy(to: Numbers): void {
    const { limit, burst, windowMs } = this.#policy;
    if (to.limit === limit && to.burst === burst && to.windowMs === windowMs) return;
    this.#keptRate = this.#kept > 0 ? Math.max(this.#keptRate, this.rate) : this.rate;
    this.#policy = to;
    const level = Math.max(this.#level, this.#kept);
    this.#level = Math.min(level, this.burst);
    // What a window counted it forgets by itself.
    this.#kept = limit === 0 ? 0 : level;
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

const bucketOf = (numbers: Numbers) => {
  return { kind: "putPolicies", policies: [{ name: "api", algorithm: "token-bucket", ...numbers }] };
};
const written = ({ limit, burst }: NonNullable<Owned>) => ({ policy: "api", limit, ...(burst ? { burst } : {}) });

type Change = typeof change extends fc.Arbitrary<infer Value> ? Value : never;

/** Makes a change known to both; null: it is none. */
function changeOf(each: Change, bucket: Bucket): object | null {
  switch (each.kind) {
    case "policy":
      bucket.policy(each.to);
      return bucketOf(each.to);
    case "burst": {
      const to = { ...bucket.numbers, burst: each.to };
      bucket.policy(to);
      return bucketOf(to);
    }
    case "override": {
      bucket.override(each.to);
      const overrides = each.to === null ? [] : [{ ...written(each.to), key: "k" }];
      return { kind: "putDocument", document: { overrides } };
    }
    case "row":
      bucket.row(each.to);
      return { kind: "putTiers", tiers: [{ name: "gold", limits: [written(each.to)] }] };
    case "member":
      bucket.member(each.is);
      return { kind: "putDocument", document: { tierKeys: each.is ? [{ key: "k", tier: "gold" }] : [] } };
    default:
      return null;
  }
}

it("K1 a key with numbers of its own gets no more than the rates in force let drain, whatever changes while it waits", () => {
  const seen = { admitted: 0, denied: 0 };
  fc.assert(
    fc.property(
      numbers,
      fc.option(own, { freq: 4 }),
      fc.array(round, { minLength: 1, maxLength: 4 }),
      (first, its, rounds) => {
        const harness = new PolicyHarness();
        const bucket = new Bucket({ limit: 0, burst: first.burst, windowMs: window.windowMs });
        let stampUs = START_US;
        // What a window counted knows no rate: what is left of it is the bucket's that comes next.
        harness.change({ kind: "putPolicies", policies: [{ ...window, limit: first.burst }] });
        const taken = harness.admitted(stampUs, name, "k", first.burst);
        expect(taken).toBe(first.burst);
        bucket.take(taken);
        harness.change({ kind: "putTiers", tiers: [{ name: "gold", limits: [] }] });
        harness.change(changeOf({ waitUs: 0, kind: "override", to: its }, bucket)!);
        harness.change(changeOf({ waitUs: 0, kind: "policy", to: first }, bucket)!);
        for (const { costs, changes, ...then } of rounds) {
          for (const each of changes) {
            stampUs += each.waitUs;
            bucket.goTo(stampUs);
            const asked = changeOf(each, bucket);
            if (asked === null) harness.apply(stampUs);
            else expect(harness.change(asked, {}, stampUs).error).toBeNull();
          }
          stampUs += then.waitUs;
          for (const cost of costs) {
            const level = bucket.goTo(stampUs);
            if (harness.one(stampUs, "k", name, cost).outcome !== Outcome.allowed) {
              seen.denied++;
              continue;
            }
            expect(level + cost, `after ${stampUs - START_US} µs`).toBeLessThanOrEqual(bucket.burst + 1e-6);
            bucket.take(cost);
            seen.admitted++;
          }
        }
      },
    ),
    { numRuns: 500 },
  );
  expect(Math.min(seen.admitted, seen.denied)).toBeGreaterThan(100);
}, 120_000);
