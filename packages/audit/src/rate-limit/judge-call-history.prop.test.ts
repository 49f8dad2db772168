import { Algorithm, type Rule } from "@quorumguard/limiter";
import fc from "fast-check";
import { expect, test } from "vitest";
import type { CallOperation, CommittedCall } from "./call-operation.ts";
import { judgeCallHistory } from "./judge-call-history.ts";
import { createNaiveCounter, type NaiveCounter } from "./naive-counter.ts";
import { type AskedItem, counterIdentity } from "./records.ts";

/*
 * An honest limiter, played by the naive counters at true moments that the judge does not see: whatever it answers must be
 * accepted, by the log, by indexes alone, and by what callers saw. What a dishonest one answers must not be.
 */

const ms = 1_000;
const rules: readonly Rule[] = [
  { algorithm: Algorithm.slidingWindowLog, limit: 2, windowUs: 200 * ms, burst: 0, policy: "" },
  { algorithm: Algorithm.slidingWindowLog, limit: 4, windowUs: 200 * ms, burst: 0, policy: "" },
  { algorithm: Algorithm.tokenBucket, limit: 3, windowUs: 300 * ms, burst: 2, policy: "" },
  { algorithm: Algorithm.fixedWindow, limit: 3, windowUs: 250 * ms, burst: 0, policy: "" },
  { algorithm: Algorithm.slidingWindowCounter, limit: 3, windowUs: 250 * ms, burst: 0, policy: "" },
];

const item: fc.Arbitrary<AskedItem> = fc.record({
  key: fc.constantFrom("a", "b"),
  rule: fc.constantFrom(...rules),
  cost: fc.constantFrom(1, 1, 1, 2, 3),
});

const asking = fc.record({
  /** From the decision before; calls overlap since each starts earlier and ends later than it is decided. */
  pauseUs: fc.integer({ min: 1, max: 60 * ms }),
  earlierUs: fc.integer({ min: 0, max: 40 * ms }),
  laterUs: fc.integer({ min: 0, max: 40 * ms }),
  items: fc.oneof({ weight: 8, arbitrary: item.map((one) => [one]) }, fc.array(item, { minLength: 2, maxLength: 3 })),
  fate: fc.constantFrom("told", "told", "told", "told", "told", "reply lost", "request lost"),
  withPrevious: fc.boolean(),
  byLeader: fc.boolean(),
});

type Asking = typeof asking extends fc.Arbitrary<infer Value> ? Value : never;

interface History {
  readonly calls: CallOperation[];
  readonly log: CommittedCall[];
}

/** Plays the limiter; `lie` may turn a denial into an allowance that charges nothing. */
function play(
  askings: readonly Asking[],
  rate: number,
  lie: (at: number) => boolean,
): History & { readonly lies: number } {
  const counters = new Map<string, NaiveCounter>();
  const counterOf = ({ rule, key }: AskedItem) => {
    const identity = counterIdentity("", rule, key);
    if (!counters.has(identity)) counters.set(identity, createNaiveCounter(rule.algorithm));
    return counters.get(identity)!;
  };
  const calls: CallOperation[] = [];
  const log: CommittedCall[] = [];
  let [atUs, index, position, lies] = [1_000_000, 0, 0, 0];
  for (const [number, { pauseUs, earlierUs, laterUs, items, fate, withPrevious, byLeader }] of askings.entries()) {
    // One entry holds calls of one moment; so the next entry is of a later one.
    if (withPrevious && index > 0) position++;
    else [atUs, index, position] = [atUs + pauseUs, index + 1, 0];
    const stampUs = 7_000_000_000 + Math.floor(atUs * rate);
    const callId = `call ${number}`;
    const base = { clientId: "c", callId, items, startUs: atUs - earlierUs, endUs: atUs + laterUs };
    if (fate === "request lost") {
      calls.push({ ...base, decision: null, applied: "unknown" });
      continue;
    }
    const ahead = new Map<string, number>();
    const verdicts = items.map((one) => {
      const identity = counterIdentity("", one.rule, one.key);
      const cost = one.cost + (ahead.get(identity) ?? 0);
      ahead.set(identity, cost);
      return counterOf(one).judge(one.rule, cost, stampUs);
    });
    const fits = verdicts.every(({ allowed }) => allowed);
    const lied = !fits && fate === "told" && lie(number);
    if (lied) lies++;
    const allowed = fits || lied;
    const remaining = items.length === 1 ? verdicts[0]!.remaining : null;
    const fast = byLeader && !allowed && items.length === 1 && fate === "told";
    if (!fast) {
      log.push({ callId, items, index, position, stampUs });
      if (fits) for (const one of items) counterOf(one).charge(one.rule, one.cost, stampUs);
    }
    const place = fast ? { index: null, position: null } : { index, position };
    const source = fast ? "leader" : "quorum";
    const decision = { allowed, remaining, source, degraded: false, stampUs, ...place };
    if (fate === "reply lost") calls.push({ ...base, decision: null, applied: "unknown" });
    else calls.push({ ...base, decision, applied: null });
  }
  return { calls, log, lies };
}

/** The same history with less known about it. */
function forget(calls: readonly CallOperation[], what: "position" | "place" | "remaining"): CallOperation[] {
  const gone = {
    position: { position: null },
    place: { index: null, position: null, stampUs: null },
    remaining: { index: null, position: null, stampUs: null, remaining: null },
  }[what];
  return calls.map((call) => (call.decision === null ? call : { ...call, decision: { ...call.decision, ...gone } }));
}

const askings = fc.array(asking, { minLength: 5, maxLength: 40 });
const rate = fc.double({ min: 0.9905, max: 1.0095, noNaN: true });

test("no honest history is refused, however little is known about it", () => {
  const verdicts = { accepted: 0, unknown: 0, rejected: 0 };
  fc.assert(
    fc.property(askings, rate, (asked, speed) => {
      const { calls, log } = play(asked, speed, () => false);
      const byLog = judgeCallHistory(calls, { log });
      expect(byLog.violations).toEqual([]);
      expect([byLog.verdict, byLog.searched]).toEqual(["accepted", 0]);
      for (const what of ["position", "place", "remaining"] as const) {
        const { verdict, violations } = judgeCallHistory(forget(calls, what), { maxSteps: 20_000, stampLagUs: 0 });
        expect(violations).toEqual([]);
        verdicts[verdict]++;
      }
    }),
    { numRuns: 100 },
  );
  expect(verdicts.unknown).toBeLessThan(verdicts.accepted / 10);
});

test("an allowance that charged nothing is always found by the log, and often without any place", () => {
  const found = { lies: 0, byLog: 0, byPlaces: 0, byCallers: 0 };
  fc.assert(
    fc.property(askings, rate, fc.integer({ min: 0, max: 5 }), (asked, speed, chosen) => {
      let denials = 0;
      const { calls, log, lies } = play(asked, speed, () => denials++ === chosen);
      if (lies === 0) return;
      found.lies++;
      if (judgeCallHistory(calls, { log }).verdict === "rejected") found.byLog++;
      if (judgeCallHistory(calls).verdict === "rejected") found.byPlaces++;
      const seen = judgeCallHistory(forget(calls, "place"), { maxSteps: 20_000, stampLagUs: 0 });
      if (seen.verdict === "rejected") found.byCallers++;
    }),
    { numRuns: 100 },
  );
  expect(found.lies).toBeGreaterThan(10);
  expect(found.byLog).toBe(found.lies);
  expect(found.byPlaces).toBeGreaterThan(found.lies / 2);
  expect(found.byCallers).toBeGreaterThan(found.lies / 5);
});
