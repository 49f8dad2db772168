import { Algorithm, type Rule } from "@quorumguard/limiter";
import { describe, expect, test } from "vitest";
import { callsOfRecords } from "./calls-of-records.ts";
import { judgeCallHistory } from "./judge-call-history.ts";
import type { JudgeOptions } from "./judge-options.ts";
import type { CallerRecord } from "./records.ts";

const ms = 1_000;
const rule: Rule = { algorithm: Algorithm.slidingWindowLog, limit: 3, windowUs: 1_000 * ms, burst: 0, policy: "" };
const bucket: Rule = { algorithm: Algorithm.tokenBucket, limit: 3, windowUs: 1_000 * ms, burst: 3, policy: "" };

/** What a caller saw of one call; 10 ms long unless told otherwise. */
function saw(
  atMs: number,
  allowed: boolean | null,
  remaining: number | null,
  over: Partial<CallerRecord> = {},
): CallerRecord {
  return {
    client: "client",
    startUs: atMs * ms,
    endUs: (atMs + 10) * ms,
    items: [{ key: "k", rule, cost: 1 }],
    requestId: null,
    allowed,
    remaining,
    source: allowed === null ? "none" : "quorum",
    degraded: false,
    error: allowed === null ? "timed_out" : null,
    applied: allowed === null ? "unknown" : null,
    ...over,
  };
}

const judge = (records: readonly CallerRecord[], options: JudgeOptions = {}) =>
  judgeCallHistory(callsOfRecords(records), { stampLagUs: 100 * ms, ...options });

const full = [saw(0, true, 2), saw(20, true, 1), saw(40, true, 0)];
const fromBucket = { items: [{ key: "k", rule: bucket, cost: 1 }] };

describe("a history of which only callers tell", () => {
  test("an honest one is accepted by search, room coming back after the window", () => {
    const records = [...full, saw(60, false, 0), saw(1_100, true, 2), saw(1_120, true, 1)];
    expect(judge(records)).toMatchObject({ verdict: "accepted", witnessed: 0, searched: 6, doubts: [] });
  });

  test("concurrent calls are put into the order that their answers tell, whoever began first", () => {
    const together = [0, 1, 2].map((remaining) => saw(remaining, true, remaining));
    expect(judge(together).verdict).toBe("accepted");
  });

  test("a call of unknown outcome explains a missing token, however much later; or was never charged", () => {
    const unknown = saw(0, null, null);
    expect(judge([unknown, saw(500, true, 1)]).verdict).toBe("accepted");
    expect(judge([unknown, saw(500, true, 2)]).verdict).toBe("accepted");
    expect(judge([{ ...unknown, applied: "no" }, saw(500, true, 1)]).verdict).toBe("rejected");
  });

  test("within 1 % of the window nobody knows whether an admission still counts", () => {
    const edge = (atMs: number, remaining: number) =>
      judge([saw(0, true, 2), saw(atMs, true, remaining)], { stampLagUs: 0 });
    for (const remaining of [1, 2]) expect(edge(1_000, remaining).verdict).toBe("accepted");
    expect(edge(970, 2).verdict).toBe("rejected");
    expect(edge(1_030, 1).verdict).toBe("rejected");
  });

  test("repetitions of a request id are one charge", () => {
    const request = { requestId: "r" };
    const twice = [saw(0, true, 2, request), saw(20, true, 2, request), saw(40, true, 1)];
    expect(judge(twice).verdict).toBe("accepted");
    expect(judge([saw(0, null, null, request), saw(20, true, 2, request), saw(40, true, 1)]).verdict).toBe("accepted");
    expect(judge(twice.map((record) => ({ ...record, requestId: null }))).verdict).toBe("rejected");
  });

  test("a restart of the whole cluster may have moved time by anything", () => {
    const records = [...full, saw(300, true, 2)];
    expect(judge(records).verdict).toBe("rejected");
    expect(judge(records, { timeBreaks: [{ fromUs: 100 * ms, toUs: 200 * ms }] }).verdict).toBe("accepted");
  });

  test("a search without an answer is a doubt, not an acceptance", () => {
    const { verdict, doubts, violations } = judge(full, { maxSteps: 0 });
    expect([verdict, violations]).toEqual(["accepted", []]);
    expect(doubts).toEqual([]);
    // So many calls at once, none of which tells what was left: more orders than steps.
    const many = Array.from({ length: 40 }, (_, at) =>
      saw(at % 3, true, null, { endUs: 900 * ms, items: [{ key: "k", rule: { ...rule, limit: 41 }, cost: 1 }] }),
    );
    const wrong = saw(901, true, 7, { items: [{ key: "k", rule: { ...rule, limit: 41 }, cost: 1 }] });
    expect(judge([...many, wrong], { maxSteps: 3_000 })).toMatchObject({ verdict: "unknown", violations: [] });
  });
});

describe("A2 planted bugs that callers alone can see", () => {
  test("an admission beyond the limit", () => {
    expect(judge([...full, saw(60, true, 0)]).verdict).toBe("rejected");
    expect(judge([...full, saw(60, true, null)]).violations.join()).toMatch(/4 admitted within/);
  });

  test("a lost update: two callers are told the same remaining", () => {
    const { violations } = judge([saw(0, true, 2), saw(5, true, 1), saw(6, true, 1)]);
    expect(violations.join()).toMatch(/no order of 3 operations fits/);
  });

  test("a double charge: more is gone than was ever asked", () => {
    expect(judge([saw(0, true, 2), saw(20, true, 0)]).verdict).toBe("rejected");
  });

  test("a stale allowance: room that had been taken before the call began", () => {
    expect(judge([saw(0, true, 2), saw(20, true, 2)]).verdict).toBe("rejected");
  });

  test("frozen time: a denial long after everything that was taken has come back", () => {
    for (const source of ["quorum", "leader", "denial-cache"])
      expect(judge([...full, saw(2_500, false, 0, { source })]).verdict).toBe("rejected");
    for (const source of ["quorum", "leader", "denial-cache"])
      expect(judge([...full, saw(1_050, false, 0, { source })]).verdict).toBe("accepted");
  });

  test("a denial out of the blue", () => {
    expect(judge([saw(0, true, 2), saw(20, false, 0, { source: "leader" })]).verdict).toBe("rejected");
    expect(judge([saw(0, true, 2), saw(20, false, 2)]).verdict).toBe("rejected");
  });

  test("the same for buckets", () => {
    const taken = [0, 20, 40].map((atMs, at) => saw(atMs, true, 2 - at, fromBucket));
    expect(judge([...taken, saw(400, true, 0, fromBucket)]).verdict).toBe("accepted");
    expect(judge([...taken, saw(60, true, 0, fromBucket)]).verdict).toBe("rejected");
    expect(judge([...taken, saw(2_500, false, 0, fromBucket)]).verdict).toBe("rejected");
    expect(judge([...taken, saw(2_500, false, 0, { ...fromBucket, source: "leader" })]).verdict).toBe("rejected");
    expect(judge([...taken, saw(200, false, 0, { ...fromBucket, source: "leader" })]).verdict).toBe("accepted");
  });
});
