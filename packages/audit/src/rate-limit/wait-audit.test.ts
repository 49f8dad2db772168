import { Algorithm, Outcome, type Rule } from "@quorumguard/limiter";
import { expect, test } from "vitest";
import type { NaiveDecision } from "./naive-log.ts";
import type { AskedItem, CallerRecord } from "./records.ts";
import { auditWaits } from "./wait-audit.ts";

const rule: Rule = { algorithm: Algorithm.slidingWindowLog, limit: 5, windowUs: 1_000_000, burst: 0, policy: "" };
const item: AskedItem = { key: "k", rule, cost: 1 };

const admitted = { allowed: true, source: "quorum", error: null, applied: null } as const;
const denied = { allowed: false, source: "leader", error: null, applied: null } as const;
const uncounted = { allowed: null, source: "none", error: "aborted", applied: "no" } as const;
const unknown = { allowed: null, source: "none", error: "timed_out", applied: "unknown" } as const;

/** One who came at `came` and left at `left`. */
function waiter(
  came: number,
  left: number,
  end: Partial<CallerRecord>,
  process = "client-1/1",
  what = item,
): CallerRecord {
  const base = { client: "client-1", startUs: came, endUs: left, items: [what], requestId: null, degraded: false };
  return { ...base, ...admitted, ...end, waited: { process, came, left } };
}

/** What the log charged client-1 for the key, call by call. */
function audit(records: readonly CallerRecord[], ...charged: readonly number[]): readonly string[] {
  const answer = { remaining: 0, resetAfterMs: 0, retryAfterMs: 0, firmForMs: 0, limit: 5, shadow: 0, handle: 0 };
  const answers = [{ ...answer, outcome: Outcome.allowed }];
  const decisions = charged.map(
    (cost, at): NaiveDecision => ({ index: at + 1, stampUs: at, items: [{ ...item, cost }], allowed: true, answers }),
  );
  const log = { admitted: () => decisions.map((decision) => ({ session: "1:0", decision })) };
  return auditWaits(records, log, () => "client-1");
}

test("who came first may be admitted first, or leave in any other way at any time", () => {
  const line = [
    waiter(1, 5, {}),
    waiter(2, 3, denied),
    waiter(3, 4, uncounted),
    waiter(4, 6, {}),
    waiter(5, 7, unknown),
  ];
  expect(audit(line, 1, 1)).toEqual([]);
  expect(audit(line, 1, 1, 1)).toEqual([]);
});

test("whoever is admitted while one who came before still stands there has overtaken it", () => {
  const found = [
    expect.stringMatching(/^client-1\/1 on .* who came at 2 was admitted by 3, while who came at 1 still/),
  ];
  expect(audit([waiter(2, 3, {}), waiter(1, 5, {})], 1, 1)).toEqual(found);
  expect(audit([waiter(1, 5, denied), waiter(2, 3, {})], 1)).toEqual(found);
  expect(audit([waiter(1, Number.POSITIVE_INFINITY, { ...unknown, error: "died" }), waiter(2, 3, {})], 1)).toEqual(
    found,
  );
});

test("whoever may have been counted was asked for, which only the first of a line is", () => {
  expect(audit([waiter(1, 5, {}), waiter(2, 3, unknown)], 1)).toEqual([expect.stringContaining("was asked for by 3")]);
  expect(audit([waiter(1, 5, {}), waiter(2, 6, unknown)], 1)).toEqual([]);
});

test("keys, limits and processes have lines of their own", () => {
  const others = [
    waiter(2, 3, {}, "client-1/2"),
    waiter(3, 4, {}, "client-1/1", { ...item, key: "other" }),
    waiter(4, 5, {}, "client-1/1", { ...item, rule: { ...rule, limit: 3 } }),
  ];
  expect(audit([waiter(1, 9, {}), ...others], 1, 1, 1)).toEqual([]);
});

test("who was denied, or told that nothing was counted, is not charged", () => {
  const line = [waiter(1, 2, {}), waiter(2, 3, denied), waiter(3, 4, uncounted)];
  expect(audit(line, 1)).toEqual([]);
  expect(audit(line, 1, 1)).toEqual([expect.stringContaining("the log charged 2, those who waited can account for 1")]);
  expect(audit([...line, waiter(4, 5, unknown)], 1, 1)).toEqual([]);
});

test("what a lease allowed was charged with the lease", () => {
  expect(audit([waiter(1, 2, { source: "lease" })])).toEqual([]);
  expect(audit([waiter(1, 2, { source: "lease" })], 1)).toHaveLength(1);
});

test("without anybody who waits there is nothing to find", () => {
  const { waited: _, ...plain } = waiter(1, 2, denied);
  expect(audit([plain], 1)).toEqual([]);
});
