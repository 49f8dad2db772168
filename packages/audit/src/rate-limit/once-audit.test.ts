import { Algorithm, type Rule, Verb } from "@quorumguard/limiter";
import { expect, test } from "vitest";
import type { CommittedCall } from "./call-operation.ts";
import { auditOnce } from "./once-audit.ts";
import type { AskedItem, CallerRecord } from "./records.ts";

const rule: Rule = { algorithm: Algorithm.slidingWindowLog, limit: 5, windowUs: 1_000_000, burst: 0, policy: "" };
const take: AskedItem = { key: "a", rule, cost: 1 };
const reserve: AskedItem = { ...take, verb: Verb.reserve };
const cancel: AskedItem = { ...take, verb: Verb.cancel, handle: 7 };

const asked = (item: AskedItem, over: Partial<CallerRecord> = {}): CallerRecord => ({
  ...{ client: "client-1", startUs: 0, endUs: 10, items: [item], requestId: null },
  ...{ allowed: true, source: "quorum", degraded: false, error: null, applied: null, ...over },
});

/** A log that executed one call after another, each in the session before its `#`. */
const executed = (...calls: readonly (readonly [callId: string, item: AskedItem])[]): readonly CommittedCall[] =>
  calls.map(([callId, item], at) => ({ callId, items: [item], index: at + 1, position: 0, stampUs: at }));

const audit = (records: readonly CallerRecord[], log: readonly CommittedCall[]) =>
  auditOnce(records, { executed: log }, (session) => ({ "1:0": "client-1", "2:0": "client-1" })[session]);

test("as many calls as were made are fine, whatever they came to", () => {
  const log = executed(["1:0#1", take], ["2:0#1", take], ["anonymous 3/0", take], ["1:0#2", reserve]);
  expect(audit([asked(take), asked(take, { allowed: null }), asked(reserve)], log)).toEqual([]);
});

test("a call that went under two numbers is found, in one session or in two", () => {
  const why = [expect.stringMatching(/^client-1 on .*: callers asked 1 times, the log executed 2 calls$/)];
  for (const second of ["1:0#2", "2:0#1"]) {
    expect(audit([asked(take)], executed(["1:0#1", take], [second, take]))).toEqual(why);
    expect(audit([asked(reserve)], executed(["1:0#1", reserve], [second, reserve]))).toEqual(why);
    expect(audit([asked(cancel)], executed(["1:0#1", cancel], [second, cancel]))).toEqual(why);
  }
});

test("what another client, key or cost was asked for excuses nothing, nor does a call outside sessions", () => {
  const others = [
    asked(take, { client: "client-2" }),
    asked({ ...take, key: "b" }),
    asked({ ...take, cost: 2 }),
    asked(take, { requestId: "r" }),
  ];
  expect(audit(others, executed(["1:0#1", take]))).toHaveLength(1);
});

test("a reserve that its caller gave up may be cancelled, once", () => {
  const given = [asked(reserve, { allowed: null, error: "timed_out" })];
  expect(audit(given, executed(["1:0#1", reserve], ["1:0#2", cancel]))).toEqual([]);
  expect(audit(given, executed(["1:0#1", reserve], ["1:0#2", cancel], ["1:0#3", cancel]))).toHaveLength(1);
  expect(audit([asked(reserve)], executed(["1:0#1", reserve], ["1:0#2", cancel]))).toHaveLength(1);
});

test("who waits for a turn asks as often as it takes", () => {
  const waited = { process: "client-1/1", came: 1, left: 2 };
  const log = executed(["1:0#1", take], ["1:0#2", take]);
  expect(audit([asked(take, { waited })], log)).toEqual([]);
  expect(
    audit(
      [asked(take, { waited }), asked({ ...take, key: "b" })],
      executed(["1:0#1", { ...take, key: "b" }], ["1:0#2", { ...take, key: "b" }]),
    ),
  ).toHaveLength(1);
});
