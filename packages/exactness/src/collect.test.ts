import type { CallerRecord, CallOperation } from "@quorumguard/audit";
import { expect, test } from "vitest";
import { ruleOf } from "./cell.ts";
import { collectCell, type Heard } from "./collect.ts";

const rule = ruleOf({ clients: 1, windowMs: 1_000 }, "sliding-window-log");
const items = [{ key: "k", rule, cost: 1 }];

/** A call on the wire, decided at a stamp and heard a little later. */
function wire(callId: string, startUs: number, allowed: boolean, stampUs: number, index: number | null): CallOperation {
  const source = index === null ? "leader" : "quorum";
  const decision = { allowed, remaining: 0, source, degraded: false, index, position: null, stampUs };
  return { clientId: "c", callId, items, startUs, endUs: startUs + 400, decision, applied: null };
}

const record = (startUs: number, allowed: boolean | null, source = "quorum"): CallerRecord => ({
  ...{ client: "c", startUs, endUs: startUs + 500, items, requestId: null, allowed, source, degraded: false },
  ...{ error: allowed === null ? "timed_out" : null, applied: allowed === null ? "unknown" : null },
});

const collect = (heard: Partial<Heard>) =>
  collectCell("k", rule, { wire: [], records: [], placeOf: () => undefined, ...heard });

test("a call counts where the log executed it, not where its repetition was answered", () => {
  const late = wire("1:0#1", 1_000, true, 900_000, 9);
  const place = { callId: "1:0#1", namespace: "", items, index: 4, position: 2, stampUs: 500_000 };
  const { arrivals, unheard } = collect({
    wire: [late],
    records: [record(1_000, true)],
    placeOf: (callId) => (callId === "1:0#1" ? place : undefined),
  });
  expect(arrivals).toEqual([{ stampUs: 500_000, index: 4, position: 2, cost: 1, admitted: true, answered: true }]);
  expect(unheard).toBe(0);
});

test("a denial from applied state has the stamp of its reply and no place in the log", () => {
  const { arrivals } = collect({ wire: [wire("1:0#1", 1_000, false, 7_000, null)], records: [record(1_000, false)] });
  expect(arrivals).toMatchObject([{ stampUs: 7_000, index: null, admitted: false, answered: true }]);
});

test("what a client answers by itself, and what nobody answers, counts when it was asked, reckoned in stamps", () => {
  const heard = [wire("1:0#1", 1_000, true, 7_000, 3)];
  const records = [record(1_000, true), record(2_400, false, "denial-cache"), record(3_400, null, "none")];
  const { arrivals, askedStampsUs } = collect({ wire: heard, records: [...records, record(4_400, true, "lease")] });
  // The reply with stamp 7,000 was heard at 1,400.
  expect(arrivals).toMatchObject([
    { stampUs: 7_000, admitted: true, answered: true },
    { stampUs: 8_000, admitted: false, answered: true },
    { stampUs: 9_000, admitted: false, answered: false },
    { stampUs: 10_000, admitted: true, answered: true },
  ]);
  expect(askedStampsUs).toHaveLength(4);
});

test("an admission on the wire that no caller was told is counted as unheard", () => {
  const heard = [wire("1:0#1", 1_000, true, 7_000, 3)];
  expect(collect({ wire: heard, records: [record(1_000, null)] }).unheard).toBe(1);
});

test("other keys are none of its business", () => {
  const other = { ...wire("1:0#1", 1_000, true, 7_000, 3), items: [{ ...items[0]!, key: "other" }] };
  expect(collect({ wire: [other] }).arrivals).toEqual([]);
});
