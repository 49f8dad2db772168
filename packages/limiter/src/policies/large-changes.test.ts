import { describe, expect, it } from "vitest";
import { copyOf, START_US } from "../testing/harness.ts";
import { byName, PolicyHarness } from "../testing/policy-harness.ts";
import { readAdminChange } from "./admin-change.ts";
import { canonicalJson, type Json } from "./canonical.ts";
import { historyJson } from "./history.ts";
import { policyBounds } from "./policy-book.ts";

const clear = { kind: "putDocument", document: { overrides: [] } };

function putOverrides(harness: PolicyHarness, count: number, keyBytes: number, namespace = "n"): void {
  const perChange = Math.floor(240_000 / (keyBytes + 40));
  for (let from = 0; from < count; from += perChange) {
    const overrides = Array.from({ length: Math.min(perChange, count - from) }, (_, at) => ({
      ...{ policy: "p", key: `${from + at}-`.padEnd(keyBytes, "k"), limit: 5 },
    }));
    expect(harness.change({ kind: "putOverrides", overrides }, { namespace }).error).toBeNull();
  }
}

describe("a change of thousands of records", () => {
  it.each([
    ["3,440 overrides of long keys, most of what a namespace may have", 3_440, 500],
    ["10,000 overrides, as many as there may be", 10_000, 8],
  ])("that clears %s can be rolled back at once, after further changes, and from a snapshot", (_, count, keyBytes) => {
    const harness = new PolicyHarness();
    putOverrides(harness, count, keyBytes);
    const { policies } = harness.limiter;
    const version = policies.version("n");
    const before = policies.document("n");
    expect(harness.change(clear)).toEqual({ version: version + 1, changed: count, error: null });
    expect(policies.history("n")[0]!.edits).toHaveLength(count);
    expect(policies.diff("n", version, version + 1).edits).toHaveLength(count);
    for (let i = 1; i <= 5; i++) harness.change({ kind: "setKeyQuota", maxKeys: i });
    expect(copyOf(harness.limiter).policies.document("n", version)).toEqual(before);
    expect(harness.change({ kind: "rollback", version })).toMatchObject({ changed: count + 1, error: null });
    expect(policies.document("n")).toEqual(before);
    expect(policies.history("n")[0]!.edits).toHaveLength(count + 1);
  });

  it("can be rolled back whatever the histories of other namespaces hold: they give way", () => {
    const harness = new PolicyHarness();
    const { policies } = harness.limiter;
    const others = Array.from({ length: 5 }, (_, at) => `other${at}`);
    for (const other of others) putOverrides(harness, 2_800, 500, other);
    for (const namespace of others) {
      harness.change({ kind: "putDocument", document: { overrides: [] } }, { namespace });
      putOverrides(harness, 2_400, 500, namespace);
    }
    putOverrides(harness, 2_800, 500);
    const version = policies.version("n");
    const before = policies.document("n");
    harness.change(clear);
    expect(harness.change({ kind: "rollback", version }).error).toBeNull();
    expect(policies.document("n")).toEqual(before);
  });

  it("is refused when it is of more records than one entry may change, a preview as well, and changes nothing", () => {
    const harness = new PolicyHarness();
    putOverrides(harness, 10_000, 8);
    const entries = (count: number) =>
      Array.from({ length: count }, (_, at) => ({ list: "deny", match: "key", value: `${at}` }));
    harness.change({ kind: "putListEntries", entries: entries(2_001) });
    const { policies } = harness.limiter;
    const version = policies.version("n");
    const tooMany = { kind: "putDocument", document: { overrides: [], lists: [] } } as const;
    const message = /would change 12001 records; one change may change 12000: make it in parts/;
    expect(() => policies.preview("n", tooMany)).toThrow(message);
    expect(harness.change(tooMany)).toMatchObject({
      ...{ version, changed: 0 },
      error: { code: "too-many", message: expect.stringMatching(message) },
    });
    expect(harness.change({ kind: "deleteListEntries", entries: entries(1) }).error).toBeNull();
    expect(harness.change(tooMany)).toMatchObject({ changed: policyBounds.changeRecords, error: null });
    expect(harness.change({ kind: "rollback", version }).error).toMatchObject({ code: "too-many" });
    for (const one of [version + 1, version]) {
      expect(harness.change({ kind: "rollback", version: one }).error).toBeNull();
    }
    expect(policies.diff("n", version, policies.version("n")).edits).toEqual([]);
  });

  it("is refused when tiers would give too many buckets another rate, and rows that stay as they are count for nothing", () => {
    const harness = new PolicyHarness();
    const names = Array.from({ length: 12 }, (_, at) => `p${at}`);
    const bucket = { algorithm: "token-bucket", limit: 100, burst: 100, window: "1h" };
    harness.change({ kind: "putPolicies", policies: names.map((name) => ({ name, ...bucket })) });
    const tier = (rows: readonly string[], limit: number) => ({
      kind: "putTiers" as const,
      tiers: [{ name: "gold", limits: names.map((policy) => ({ policy, limit: rows.includes(policy) ? limit : 50 })) }],
    });
    harness.change(tier(names, 50));
    for (let from = 0; from < 10_000; from += 1_000) {
      const tierKeys = Array.from({ length: 1_000 }, (_, at) => ({ tier: "gold", key: `${from + at}` }));
      expect(harness.change({ kind: "putTierKeys", tierKeys }).error).toBeNull();
    }
    const message = /gives other rates to more than 20000 buckets/;
    expect(harness.change(tier(names.slice(0, 3), 60)).error).toMatchObject({
      code: "too-many",
      message: expect.stringMatching(message),
    });
    expect(() => harness.limiter.policies.preview("n", tier(names.slice(0, 3), 60))).toThrow(message);
    expect(harness.change(tier(names.slice(0, 2), 60)).error).toBeNull();
  });

  it("may give a tier of 6,000 keys another name: keys whose numbers stay as they are count for nothing", () => {
    const harness = new PolicyHarness();
    const names = Array.from({ length: 10 }, (_, at) => `p${at}`);
    const bucket = { algorithm: "token-bucket", limit: 100, burst: 100, window: "1h" };
    harness.change({ kind: "putPolicies", policies: names.map((name) => ({ name, ...bucket })) });
    const put = (tier: string, limit: number, count = 6_000) => ({
      tiers: [{ name: tier, limits: names.map((policy) => ({ policy, limit })) }],
      tierKeys: Array.from({ length: count }, (_, at) => ({ tier, key: `${at}` })),
    });
    harness.change({ kind: "putDocument", document: put("free", 10, 0) });
    for (let count = 1_000; count <= 6_000; count += 1_000) {
      expect(harness.change({ kind: "putDocument", document: put("free", 10, count) }).error).toBeNull();
    }
    expect(harness.change({ kind: "putDocument", document: put("basic", 11) }).error).toMatchObject({
      message: expect.stringMatching(/gives other rates to more than 20000 buckets/),
    });
    expect(harness.change({ kind: "putDocument", document: put("basic", 10) })).toMatchObject({
      changed: 6_002,
      error: null,
    });
  });

  it("is refused when tiers would have too many buckets reckoned by too many earlier rules, and is made in parts", () => {
    const harness = new PolicyHarness();
    const names = Array.from({ length: 30 }, (_, at) => `p${at}`);
    const put = (limit: number) => {
      const bucket = { algorithm: "token-bucket", limit, burst: 100, window: "1h" } as const;
      return { kind: "putPolicies", policies: names.map((name) => ({ name, ...bucket })) };
    };
    const rows = (changed: readonly string[], limit: number) => ({
      kind: "putTiers",
      tiers: [
        { name: "free", limits: names.map((policy) => ({ policy, limit: changed.includes(policy) ? limit : 10 })) },
      ],
    });
    harness.change(rows(names, 10));
    const tierKeys = Array.from({ length: 440 }, (_, at) => ({ tier: "free", key: `${at}` }));
    expect(harness.change({ kind: "putTierKeys", tierKeys }).error).toBeNull();
    harness.change(put(100));
    for (const name of names) harness.one(START_US, "0", byName(name), 100);
    for (let i = 1; i <= 31; i++) expect(harness.change(put(100 + i), {}, START_US + i).error).toBeNull();
    const error = {
      code: "too-many",
      message: expect.stringMatching(/more than 396000 buckets and earlier rules.*: make it in parts/),
    };
    expect(harness.change(rows(names, 20), {}, START_US + 40).error).toMatchObject(error);
    expect(harness.change(rows(names.slice(0, 15), 20), {}, START_US + 40).error).toBeNull();
  });

  it("of one row of a tier is made with as many keys and earlier rules as there may be, and with 2,000 overrides beside it", () => {
    const harness = new PolicyHarness();
    const put = (limit: number) => ({
      ...{ name: "p", algorithm: "token-bucket", limit, burst: 100, windowMs: 3_600_000 },
    });
    for (let i = 0; i < 40; i++) {
      harness.change({ kind: "putPolicies", policies: [put(100 + i)] }, {}, START_US + i);
      harness.one(START_US + i, "0", byName("p"));
    }
    const row = (limit: number) => ({ name: "free", limits: [{ policy: "p", limit }] });
    harness.change({ kind: "putTiers", tiers: [row(10)] }, {}, START_US + 40);
    for (let from = 0; from < 10_000; from += 1_000) {
      const tierKeys = Array.from({ length: 1_000 }, (_, at) => ({ tier: "free", key: `${from + at}` }));
      expect(harness.change({ kind: "putTierKeys", tierKeys }, {}, START_US + 40).error).toBeNull();
    }
    expect(harness.change({ kind: "putTiers", tiers: [row(0)] }, {}, START_US + 41)).toMatchObject({ changed: 1 });
    const document = (limit: number, count: number) => ({
      tiers: [row(limit)],
      overrides: Array.from({ length: count }, (_, at) => ({ policy: "p", key: `vip${at}`, limit: 50 })),
    });
    const made = { kind: "putDocument", document: document(20, 2_000) };
    expect(harness.change(made, {}, START_US + 42)).toMatchObject({ changed: 2_001, error: null });
    const tooMany = { kind: "putDocument", document: document(30, 4_001) };
    expect(harness.change(tooMany, {}, START_US + 43)).toMatchObject({ changed: 0, error: { code: "too-many" } });
  });

  it("of policies is made whatever tiers and keys there are: 130 policies, and 1,000 keys that are slower under each", () => {
    const harness = new PolicyHarness();
    const names = Array.from({ length: 130 }, (_, at) => `p${at}`);
    const put = (limit: number) => {
      const bucket = { algorithm: "token-bucket", limit, burst: 100, window: "1h" } as const;
      return { kind: "putPolicies", policies: names.map((name) => ({ name, ...bucket })) } as const;
    };
    harness.change({
      kind: "putTiers",
      tiers: [{ name: "free", limits: names.map((policy) => ({ policy, limit: 10 })) }],
    });
    const tierKeys = Array.from({ length: 1_000 }, (_, at) => ({ tier: "free", key: `${at}` }));
    expect(harness.change({ kind: "putTierKeys", tierKeys }).error).toBeNull();
    expect(harness.change(put(3_600))).toMatchObject({ changed: 130, error: null });
    expect(harness.limiter.policies.preview("n", readAdminChange(put(7_200), "change") as never).edits).toHaveLength(
      130,
    );
    expect(harness.change(put(7_200))).toMatchObject({ changed: 130, error: null });
  });

  it("is kept by the history in canonical JSON, whatever the texts say", () => {
    const harness = new PolicyHarness();
    const author = 'quotes "edits":[] and $& in a name';
    const put = (limit: number) => ({ overrides: [{ policy: "p", key: '"edits":[] $&', limit }] });
    harness.change({ kind: "putPolicies", policies: [{ name: "p", limit: 1, window: "1m" }] }, { author });
    harness.change({ kind: "putOverrides", ...put(5) }, { changeId: '"edits":[]' });
    harness.change({ kind: "putOverrides", ...put(6) });
    harness.change({ kind: "liftBan", policy: "p", key: "k" });
    harness.change(clear, { author });
    const entries = harness.limiter.policies.history("n");
    const written = entries.map((entry) => historyJson(entry, new Map()));
    expect(written).toEqual(entries.map((entry) => canonicalJson(entry as unknown as Json)));
    // A copy reads what was written with the texts at hand.
    expect(copyOf(harness.limiter).policies.history("n")).toEqual(entries);
  });
});
