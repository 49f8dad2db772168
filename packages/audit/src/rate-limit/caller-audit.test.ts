import { Algorithm, type Rule } from "@quorumguard/limiter";
import { describe, expect, test } from "vitest";
import { auditCallers } from "./caller-audit.ts";
import type { CallerRecord } from "./records.ts";

const second = 1_000_000;
const windowRule: Rule = {
  algorithm: Algorithm.slidingWindowLog,
  limit: 3,
  windowUs: second,
  burst: 0,
  policy: "",
};
const bucketRule: Rule = { algorithm: Algorithm.tokenBucket, limit: 10, windowUs: second, burst: 2, policy: "" };

function call(rule: Rule, startUs: number, endUs: number, over: Partial<CallerRecord> & { cost?: number } = {}) {
  const items = [{ key: "k", rule, cost: over.cost ?? 1 }];
  const facts = { client: "c", source: "quorum", degraded: false, requestId: null, error: null, applied: null };
  return { ...facts, startUs, endUs, items, allowed: true, ...over } as CallerRecord;
}

describe("A1 A2 the audit by callers", () => {
  test("allows the limit in one window and finds one more", () => {
    const calls = [0, 1, 2].map((at) => call(windowRule, at * 1000, at * 1000 + 500));
    expect(auditCallers(calls, [])).toEqual([]);
    expect(auditCallers([...calls, call(windowRule, 900_000, 901_000)], [])[0]).toContain("4 admitted");
  });

  test("finds a cost that does not fit", () => {
    expect(auditCallers([call(windowRule, 0, 1, { cost: 2 }), call(windowRule, 2, 3, { cost: 2 })], [])).toHaveLength(
      1,
    );
  });

  test("finds a window emptied early, as by a clock that was set forward", () => {
    const before = [0, 1, 2].map((at) => call(windowRule, at, at + 100));
    const after = [0, 1, 2].map((at) => call(windowRule, 300_000 + at, 300_100 + at));
    expect(auditCallers([...before, ...after], [])[0]).toContain("6 admitted");
  });

  test("claims nothing about calls that may have fallen into different windows", () => {
    const calls = [0, 1, 2].map((at) => call(windowRule, at, at + 100));
    expect(auditCallers([...calls, call(windowRule, 100, 999_500)], [])).toEqual([]);
    expect(auditCallers([...calls, call(windowRule, 995_000, 996_000)], [])).toEqual([]);
  });

  test("counts only what was allowed by the cluster", () => {
    const calls = [0, 1, 2].map((at) => call(windowRule, at, at + 100));
    const others = [
      call(windowRule, 5, 6, { allowed: false }),
      call(windowRule, 5, 6, { allowed: null, error: "timed_out" }),
      call(windowRule, 5, 6, { degraded: true }),
    ];
    expect(auditCallers([...calls, ...others], [])).toEqual([]);
  });

  test("counts a repeated request once, from when it was first asked", () => {
    const calls = [0, 1].map((at) => call(windowRule, 500_000 + at, 500_100 + at));
    const again = [0, 600_000].map((at) => call(windowRule, at, at + 100, { requestId: "r" }));
    expect(auditCallers([...calls, ...again], [])).toEqual([]);
    expect(auditCallers([...calls, ...calls, ...again], [])[0]).toContain("5 admitted");
    const lost = call(windowRule, 0, 100, { requestId: "s", allowed: null, error: "timed_out" });
    const answered = call(windowRule, 1_400_000, 1_400_100, { requestId: "s" });
    const later = [0, 1, 2].map((at) => call(windowRule, 1_300_000 + at, 1_300_100 + at));
    expect(auditCallers([lost, answered, ...later], [])).toEqual([]);
  });

  test("looks at no window across a restart of the whole cluster, and at those on either side", () => {
    const before = [0, 1, 2].map((at) => call(windowRule, at, at + 100));
    const after = [0, 1, 2].map((at) => call(windowRule, 300_000 + at, 300_100 + at));
    const breaks = [{ fromUs: 200_000, toUs: 250_000 }];
    expect(auditCallers([...before, ...after], breaks)).toEqual([]);
    expect(auditCallers([...before, ...after, call(windowRule, 300_010, 300_110)], breaks)[0]).toContain("4 admitted");
    expect(auditCallers([call(windowRule, 50, 150), ...before, ...after], breaks)[0]).toContain("4 admitted");
  });

  test("allows a bucket its burst and its gain, and finds one more", () => {
    const calls = [call(bucketRule, 0, 10), call(bucketRule, 5, 20), call(bucketRule, 100_000, 100_010)];
    expect(auditCallers(calls, [])).toEqual([]);
    expect(auditCallers([...calls, call(bucketRule, 100_020, 100_030)], [])[0]).toContain("4 admitted");
  });

  test("keeps two buckets of one key apart, and one window of one key together", () => {
    const other: Rule = { ...bucketRule, burst: 3 };
    const calls = [
      ...[1, 2].map((at) => call(bucketRule, at, at + 1)),
      ...[1, 2, 3].map((at) => call(other, at, at + 1)),
    ];
    expect(auditCallers(calls, [])).toEqual([]);
    const wide: Rule = { ...windowRule, limit: 4 };
    const shared = [0, 1, 2, 3, 4].map((at) => call(at % 2 === 0 ? wide : windowRule, at, at + 1));
    expect(auditCallers(shared, [])[0]).toContain("5 admitted");
  });
});
