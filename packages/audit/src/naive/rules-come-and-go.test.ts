import { Algorithm, type Rule, Verb } from "@quorumguard/limiter";
import { describe, expect, it } from "vitest";
import { Both, byName } from "./testing/both.ts";

const second = 1_000_000;
const startUs = 1_763_000_000_000_000;
const ok = 1;
const limited = 2;
const put = (algorithm: string, limit: number, windowMs: number, burst?: number) => ({
  kind: "putPolicies",
  policies: [{ name: "api", algorithm, limit, windowMs, ...(burst === undefined ? {} : { burst }) }],
});
const gone = { kind: "deletePolicies", names: ["api"] };

describe("A1 K1 the limiter and the model agree, and the bound holds", () => {
  it("a counter that the next policy's outlasts is told no more, whatever numbers the key gets later", () => {
    for (const asks of [true, false]) {
      const both = new Both();
      both.change(startUs, put("token-bucket", 10, 3_600_000, 100));
      expect(both.call(startUs, "k", 64).outcome).toBe(ok);
      both.change(startUs, put("token-bucket", 1, 3_600_000, 100));
      if (asks) expect(both.call(startUs, "k", 100).outcome).toBe(limited);
      both.change(startUs, { kind: "putOverrides", overrides: [{ policy: "api", key: "k", limit: 1_000 }] });
      const laterUs = startUs + 2_400 * second;
      both.change(laterUs, put("token-bucket", 10, 3_600_000, 100));
      both.change(laterUs, { kind: "deleteOverrides", overrides: [{ policy: "api", key: "k" }] });
      // 1,000 an hour were in force for 40 minutes. Who did not ask before it waits longer.
      expect(both.call(laterUs, "k", 64).outcome).toBe(asks ? ok : limited);
    }
  });

  it("old counters stay or go together: a window that a bucket cannot outlast keeps the bucket before it", () => {
    const both = new Both();
    both.change(startUs, put("token-bucket", 10, 3_600_000, 100));
    both.call(startUs, "k", 50);
    both.change(startUs, put("sliding-window-log", 100, 60_000));
    both.call(startUs, "k", 20);
    both.change(startUs, put("token-bucket", 1, 3_600_000, 100));
    both.call(startUs, "k", 1);
    both.change(startUs, { kind: "putOverrides", overrides: [{ policy: "api", key: "k", limit: 1_000 }] });
    both.change(startUs + 2_400 * second, put("token-bucket", 10, 3_600_000, 100));
    both.change(startUs + 2_400 * second, { kind: "deleteOverrides", overrides: [{ policy: "api", key: "k" }] });
    both.call(startUs + 2_400 * second, "k", 64);
  });
});

describe("A1 K1 what callers bring is kept in mind for two days", () => {
  const day = 86_400 * second;
  const yearly: Rule = { ...byName, limit: 5, windowUs: 300 * day };

  it("of what a policy counted, and for its whole window of what a caller counted itself", () => {
    for (const [afterUs, outcome] of [
      [2 * day - second, limited],
      [2 * day, ok],
    ] as const) {
      const both = new Both();
      both.change(startUs, put("sliding-window-log", 5, 1_000));
      both.call(startUs, "k", 5);
      both.call(startUs, "other", 5, { rule: yearly });
      both.change(startUs, gone);
      for (let at = 0; at < 4; at++) both.pass(startUs + afterUs - 4 + at, false);
      expect(both.call(startUs + afterUs, "k", 5, { rule: yearly }).outcome).toBe(outcome);
    }
    const both = new Both();
    expect(both.call(startUs, "k", 5, { rule: yearly }).outcome).toBe(ok);
    both.change(startUs, put("sliding-window-log", 5, 1_000));
    both.pass(startUs + 10 * day, false);
    both.change(startUs + 10 * day, gone);
    expect(both.call(startUs + 299 * day, "k", 1, { rule: yearly }).outcome).toBe(limited);
  });

  it("what was given back after a policy went stays so while a slow counter counts", () => {
    const both = new Both();
    const slowly: Rule = {
      ...yearly,
      algorithm: Algorithm.tokenBucket,
      limit: 1,
      windowUs: 3_600 * second,
      burst: 100,
    };
    both.change(startUs, put("token-bucket", 3_600, 3_600_000, 3_600));
    both.change(startUs, { kind: "putOverrides", overrides: [{ policy: "api", key: "k", limit: 1, burst: 100 }] });
    const { handle } = both.call(startUs, "k", 90, { verb: Verb.reserve, ttlMs: 60_000 });
    both.change(startUs, gone);
    both.call(startUs, "k", 1, { verb: Verb.cancel, handle, rule: slowly });
    for (let at = 1; at <= 50; at++) both.pass(startUs + at * 360 * second, false);
    expect(both.call(startUs + 18_000 * second, "k", 100, { rule: slowly }).outcome).toBe(ok);
  });
});

describe("A1 K1 a policy that comes for callers with its window", () => {
  it("goes on with their counters, whatever its limit; for others it counts as of the change", () => {
    for (const [windowMs, retryAfterMs] of [
      [60_000, 48_000],
      [61_000, 61_000],
    ] as const) {
      const both = new Both();
      const inline: Rule = { ...byName, limit: 10, windowUs: 60 * second };
      expect(both.call(startUs, "k", 10, { rule: inline }).outcome).toBe(ok);
      both.change(startUs + 12 * second, put("sliding-window-log", 1, windowMs));
      expect(both.call(startUs + 12 * second, "k", 1)).toMatchObject({ outcome: limited, retryAfterMs });
    }
  });
});

describe("A1 L3 what a policy held that went is held for whoever asks, however late", () => {
  it("a policy that comes back finds it: it can be committed", () => {
    const both = new Both();
    both.change(startUs, put("token-bucket", 50, 1_000, 50));
    const { handle } = both.call(startUs, "k", 1, { verb: Verb.reserve, ttlMs: 36_000_000 });
    both.change(startUs, gone);
    const laterUs = startUs + 10_983 * second;
    both.change(laterUs, put("token-bucket", 10, 60_000, 100));
    expect(both.call(laterUs, "k", 1, { verb: Verb.commit, handle })).toMatchObject({ outcome: ok, remaining: 99 });
  });

  it("a policy that comes back with less room than is held admits nothing", () => {
    const both = new Both();
    both.change(startUs, put("sliding-window-counter", 100, 60_000));
    both.call(startUs, "k", 20, { verb: Verb.reserve, ttlMs: 36_000_000 });
    both.change(startUs, gone);
    both.change(startUs + 220 * second, put("sliding-window-counter", 1, 3_600_000));
    expect(both.call(startUs + 220 * second, "k", 1).outcome).toBe(limited);
  });

  it.each([true, false])(
    "its holds are the first inline rule's that asks, and faded for others: one asked before: %s",
    (isFirst) => {
      const both = new Both();
      const inline: Rule = { ...byName, algorithm: Algorithm.fixedWindow, limit: 1, windowUs: 3_600 * second };
      both.change(startUs, put("sliding-window-log", 50, 1_000));
      both.call(startUs, "k", 1, { verb: Verb.reserve, ttlMs: 36_000_000 });
      both.change(startUs, gone);
      both.pass(startUs, true);
      if (isFirst) both.call(startUs, "k", 51, { rule: { ...byName, limit: 50, windowUs: second } });
      expect(both.call(startUs + 2_176 * second, "k", 1, { rule: inline }).outcome).toBe(isFirst ? ok : limited);
    },
  );

  it.each([Algorithm.slidingWindowLog, Algorithm.tokenBucket, Algorithm.concurrency])(
    "callers who come long after the policy went find it: algorithm %i",
    (algorithm) => {
      const both = new Both();
      const inline: Rule = { ...byName, algorithm, limit: 3, windowUs: second, burst: algorithm === 2 ? 3 : 0 };
      both.change(startUs, put("concurrency", 3, 1_000));
      const { handle } = both.call(startUs, "k", 2, { verb: Verb.reserve, ttlMs: 36_000_000 });
      both.change(startUs, gone);
      const laterUs = startUs + 7_200 * second;
      for (let at = 0; at < 3; at++) both.pass(laterUs, false);
      expect(both.call(laterUs, "k", 1, { verb: Verb.commit, handle, rule: inline }).outcome).toBe(ok);
    },
  );

  it("what a call asks to count for is remembered whatever the call comes to: slots are never leased", () => {
    const both = new Both();
    const hour = 3_600 * second;
    const leased: Rule = { ...byName, algorithm: Algorithm.tokenBucket, limit: 50, windowUs: hour, burst: 100 };
    const inline: Rule = { ...byName, limit: 10, windowUs: second };
    both.change(startUs, put("concurrency", 50, 1_000));
    const { handle } = both.call(startUs, "k", 50, { verb: Verb.reserve, ttlMs: 3_600_000 });
    both.call(startUs, "v", 20, { verb: Verb.grant, ttlMs: 3_600_000, rule: leased });
    both.change(startUs, gone);
    both.call(startUs, "k", 1, { verb: Verb.cancel, handle, rule: inline });
    const late: Rule = { ...byName, algorithm: Algorithm.fixedWindow, limit: 1, windowUs: hour };
    both.call(startUs + 2_473 * second, "k", 1, { verb: Verb.reserve, ttlMs: 1_000, rule: late });
  });
});
