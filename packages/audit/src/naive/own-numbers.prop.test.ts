import {
  Algorithm,
  createEntryWriter,
  createLimiter,
  defaultBounds,
  type Rule,
  readAdminRequest,
  readEntry,
  Verb,
} from "@quorumguard/limiter";
import fc from "fast-check";
import { expect, test } from "vitest";
import { createNaiveLog } from "../rate-limit/naive-log.ts";

const second = 1_000_000;
const hour = 3_600 * second;
const byName: Rule = { algorithm: Algorithm.slidingWindowLog, limit: 0, windowUs: 0, burst: 0, policy: "api" };
const encoder = new TextEncoder();

/** A limiter and the model, which get the same entries; every answer is compared. */
class Both {
  readonly #limiter = createLimiter(defaultBounds);
  readonly #log = createNaiveLog(defaultBounds);
  readonly #writer = createEntryWriter();
  #index = 0;

  #apply(stampUs: number) {
    const bytes = this.#writer.finish(stampUs);
    const applied = this.#limiter.apply(++this.#index, bytes);
    const entry = readEntry(bytes);
    const before = this.#log.executed.length;
    this.#log.apply(this.#index, entry.stampUs, entry.takeover, [...entry.operations]);
    return { applied, before };
  }

  /** An entry with nothing in it: the sweep goes on, or a leader takes over. */
  pass(stampUs: number, takeover: boolean): void {
    this.#writer.begin({ takeover });
    this.#apply(stampUs);
  }

  change(stampUs: number, change: object): void {
    const changeId = `change-${this.#index}`;
    this.#writer.begin({ takeover: false });
    this.#writer.administer(readAdminRequest({ namespace: "n", change, changeId }));
    const result = this.#apply(stampUs).applied.operations[0]!;
    if (result.kind !== "administered") throw new Error(`the change came to ${result.kind}`);
    const { version, changed, error } = result.result;
    expect({ version, changed, error: error?.code ?? null }).toEqual(this.#log.change("n", changeId));
  }

  /** A call of one item; its handle, if it opened a hold. */
  call(
    stampUs: number,
    key: string,
    cost: number,
    more: { readonly verb?: number; readonly ttlMs?: number; readonly handle?: number; readonly rule?: Rule } = {},
  ): number {
    const { verb = Verb.take, ttlMs, handle, rule = byName } = more;
    const keyBytes = encoder.encode(key);
    const batch = {
      ...{ firstNumber: 0, calls: 1, items: 1, rules: [rule], keyBytes },
      keyStarts: Uint32Array.of(0),
      keyLengths: Uint32Array.of(keyBytes.length),
      ruleIndexes: Uint32Array.of(0),
      costs: Uint32Array.of(cost),
      sizes: Uint32Array.of(1),
      verbs: verb === Verb.take ? null : Uint8Array.of(verb),
      ttlsMs: ttlMs === undefined ? null : Float64Array.of(ttlMs),
      handles: handle === undefined ? null : Float64Array.of(handle),
    };
    this.#writer.begin({ takeover: false });
    this.#writer.calls({ kind: "anonymous", namespace: "n" }, batch, 0, 1);
    const { applied, before } = this.#apply(stampUs);
    const { outcomes, remaining, retryAfterMs, resetAfterMs, handles } = applied.results;
    const got = { outcome: outcomes[0], remaining: remaining[0], retryAfterMs: retryAfterMs[0] };
    expect({ ...got, resetAfterMs: resetAfterMs[0], handle: handles[0] }).toEqual(
      (({ outcome, remaining, retryAfterMs, resetAfterMs, handle }) => ({
        ...{ outcome, remaining, retryAfterMs, resetAfterMs, handle },
      }))(this.#log.decisionAt(before)!.answers[0]!),
    );
    return handles[0]!;
  }
}

const bucket = fc.record({
  algorithm: fc.constant("token-bucket"),
  limit: fc.constantFrom(0, 1, 10, 50, 100),
  burst: fc.constantFrom(5, 10, 50, 100),
  windowMs: fc.constantFrom(60_000, 3_600_000),
});
const window = fc.record({
  algorithm: fc.constantFrom("sliding-window-log", "fixed-window", "sliding-window-counter"),
  limit: fc.constantFrom(0, 10, 100),
  windowMs: fc.constantFrom(60_000, 3_600_000),
});
const policy = fc.oneof({ weight: 3, arbitrary: bucket }, window).map((numbers) => ({ name: "api", ...numbers }));
const own = fc.oneof(
  fc.record({ policy: fc.constant("api"), limit: fc.constantFrom(0, 1, 10, 100, 1_000) }),
  fc.record({
    policy: fc.constant("api"),
    limit: fc.constantFrom(0, 1, 10, 100, 1_000),
    burst: fc.constantFrom(5, 50, 100),
  }),
);
const change = fc.oneof(
  { weight: 4, arbitrary: policy.map((one) => ({ kind: "putPolicies", policies: [one] })) },
  { weight: 2, arbitrary: own.map((one) => ({ kind: "putOverrides", overrides: [{ ...one, key: "k" }] })) },
  fc.constant({ kind: "deleteOverrides", overrides: [{ policy: "api", key: "k" }] }),
  own.map((one) => ({ kind: "putTiers", tiers: [{ name: "gold", limits: [one] }] })),
  fc.constant({ kind: "putTierKeys", tierKeys: [{ key: "v", tier: "gold" }] }),
  fc
    .record({ one: policy, its: own, isOwn: fc.boolean(), isMember: fc.boolean() })
    .map(({ one, its, isOwn, isMember }) => ({
      kind: "putDocument",
      document: {
        policies: [one],
        overrides: isOwn ? [{ ...its, key: "k" }] : [],
        tiers: [{ name: "gold", limits: [its] }],
        tierKeys: isMember ? [{ key: "v", tier: "gold" }] : [],
      },
    })),
  fc.nat(8).map((version) => ({ kind: "rollback", version: 1 + version })),
);
const key = fc.constantFrom("k", "k", "v", "other");
const step = fc.record({
  waitUs: fc.oneof(fc.constantFrom(0, 1), fc.nat(second), fc.nat(120 * second), fc.nat(hour / 4), fc.nat(2 * hour)),
  what: fc.oneof(
    { weight: 4, arbitrary: fc.record({ change }) },
    { weight: 4, arbitrary: fc.record({ key, costs: fc.constantFrom([1], [10], [64, 32, 16, 8, 4, 2, 1, 1]) }) },
    { weight: 1, arbitrary: fc.record({ takeover: fc.boolean() }) },
    {
      weight: 2,
      arbitrary: fc.record({
        hold: key,
        cost: fc.constantFrom(1, 5, 20),
        ttlMs: fc.constantFrom(1_000, 60_000, 3_600_000),
      }),
    },
    { weight: 1, arbitrary: fc.record({ settle: fc.nat(3), actual: fc.nat(20) }) },
  ),
});

test("A1 K1 the model and the limiter agree on keys with numbers of their own, whatever changes while they wait", () => {
  fc.assert(
    fc.property(policy, own, fc.array(step, { minLength: 6, maxLength: 24 }), (first, row, steps) => {
      const both = new Both();
      let stampUs = 1_763_000_000_000_000;
      both.change(stampUs, { kind: "putPolicies", policies: [first] });
      both.change(stampUs, { kind: "putTiers", tiers: [{ name: "gold", limits: [row] }] });
      const open: { readonly key: string; readonly handle: number }[] = [];
      for (const { waitUs, what } of steps) {
        stampUs += waitUs;
        if ("change" in what) both.change(stampUs, what.change);
        else if ("key" in what) for (const cost of what.costs) both.call(stampUs, what.key, cost);
        else if ("takeover" in what) both.pass(stampUs, what.takeover);
        else if ("hold" in what) {
          const { hold, cost, ttlMs } = what;
          const handle = both.call(stampUs, hold, cost, { verb: Verb.reserve, ttlMs });
          if (handle > 0) open.push({ key: hold, handle });
        } else {
          const [hold] = open.splice(what.settle, 1);
          if (hold === undefined) continue;
          const verb = what.actual === 0 ? Verb.cancel : Verb.commit;
          both.call(stampUs, hold.key, Math.max(1, what.actual), { verb, handle: hold.handle });
        }
      }
    }),
    { numRuns: Number(process.env.NAIVE_RUNS ?? 150) },
  );
}, 600_000);
