import { createNaiveCounter } from "@quorumguard/audit";
import type { Rule } from "@quorumguard/limiter";
import { describe, expect, test } from "vitest";
import { planArrivals } from "./arrivals.ts";
import { type AlgorithmName, algorithmNames, ruleOf } from "./cell.ts";
import { type Arrival, type CellEvidence, measureCell } from "./measure.ts";

/** Chance from a seed; good enough to spread arrivals. */
function drawFrom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}

/** Five windows at three times the limit, decided by what `decides` says of an honest limiter's answer. */
function evidence(
  algorithm: AlgorithmName,
  decides: (honest: boolean, rule: Rule, at: number) => boolean = (honest) => honest,
): CellEvidence {
  const rule = ruleOf({ clients: 8, windowMs: 1_000 }, algorithm);
  const counter = createNaiveCounter(rule.algorithm);
  const stamps = planArrivals(drawFrom(7), 3 * rule.limit, 5_500_000).flatMap(({ atUs, count }) =>
    Array.from({ length: count }, () => 400_000 + atUs),
  );
  const arrivals = stamps.map((stampUs, at): Arrival => {
    const admitted = decides(counter.judge(rule, 1, stampUs).allowed, rule, at);
    // A limiter that admits too much does not remember it: otherwise it would make up for it later.
    if (admitted && counter.judge(rule, 1, stampUs).allowed) counter.charge(rule, 1, stampUs);
    return { stampUs, index: at + 1, position: 0, cost: 1, admitted, answered: true };
  });
  return { rule, arrivals, askedStampsUs: stamps, unheard: 0 };
}

describe.each(algorithmNames)("%s", (algorithm) => {
  test("an honest limiter admits what the naive model does, and reaches its bound but never passes it", () => {
    const measured = measureCell(evidence(algorithm));
    expect(measured).toMatchObject({ admittedRatio: 1, promptRatio: 1, unanswered: 0 });
    expect(measured.boundRatio).toBeLessThanOrEqual(1);
    expect(measured.boundRatio).toBeGreaterThan(0.95);
    expect(measured.naive).toBeGreaterThan(300);
  });

  test("a planted over-admission is found: one denial in fifty that is none", () => {
    const { boundRatio } = measureCell(evidence(algorithm, (honest, _, at) => honest || at % 50 === 0));
    expect(boundRatio).toBeGreaterThan(1);
  });

  test("a planted under-admission is found: charged, but one in twenty is told no", () => {
    const honest = evidence(algorithm);
    const arrivals = honest.arrivals.map((one, at) => (at % 20 === 0 ? { ...one, admitted: false } : one));
    expect(measureCell({ ...honest, arrivals }).admittedRatio).toBeLessThan(0.97);
  });

  test("a single admission beyond the bound is a ratio above 1, however large the limit", () => {
    const honest = evidence(algorithm);
    const at = honest.arrivals.findIndex((one) => !one.admitted);
    const arrivals = honest.arrivals.map((one, place) => (place === at ? { ...one, admitted: true } : one));
    expect(measureCell({ ...honest, arrivals }).boundRatio).toBeGreaterThan(1);
  });
});

describe("what counts", () => {
  const honest = () => evidence("sliding-window-log");

  test("a call without an answer is an arrival that the model decides", () => {
    const { arrivals, ...rest } = honest();
    const lost = arrivals.map((one) =>
      one.stampUs < 1_500_000 || one.stampUs >= 2_500_000
        ? one
        : { ...one, index: null, admitted: false, answered: false },
    );
    const measured = measureCell({ ...rest, arrivals: lost });
    expect(measured.unanswered).toBeGreaterThan(100);
    expect(measured.admittedRatio).toBeLessThan(0.95);
  });

  test("an admission that its caller did not hear of is none for admittedRatio, and one for boundRatio", () => {
    const measured = measureCell({ ...honest(), unheard: 20 });
    expect(measured.admittedRatio).toBeCloseTo(1 - 20 / measured.naive, 3);
    expect(measured.boundRatio).toBe(1);
  });

  test("calls that waited are no loss where they were decided, and show against the moment of asking", () => {
    const { arrivals, ...rest } = honest();
    const rule = rest.rule;
    const counter = createNaiveCounter(rule.algorithm);
    const late = arrivals.map((one) => {
      const waits = one.stampUs >= 2_400_000 && one.stampUs < 2_900_000;
      const stampUs = waits ? 2_900_000 : one.stampUs;
      const admitted = counter.judge(rule, 1, stampUs).allowed;
      if (admitted) counter.charge(rule, 1, stampUs);
      return { ...one, stampUs, admitted };
    });
    const measured = measureCell({ ...rest, arrivals: late });
    expect(measured.admittedRatio).toBe(1);
    expect(measured.promptRatio).toBeLessThan(1);
  });

  test("of one stamp the log goes first, and what needed no entry was judged behind it", () => {
    const rule = { ...ruleOf({ clients: 1, windowMs: 1_000 }, "sliding-window-log"), limit: 1 };
    const at = (stampUs: number, index: number | null, admitted: boolean): Arrival => ({
      ...{ stampUs, index, position: 0, cost: 1, admitted, answered: true },
    });
    const arrivals = [at(2_000_000, null, false), at(2_000_000, 5, true), at(1, 1, false), at(3_500_000, 9, true)];
    const measured = measureCell({ rule, arrivals, askedStampsUs: [], unheard: 0 });
    expect(measured).toMatchObject({ admitted: 1, naive: 1, admittedRatio: 1, boundRatio: 1 });
  });

  test("admissions that callers know of and the wire does not are a fault of the audit itself", () => {
    expect(() => measureCell({ ...honest(), unheard: -1 })).toThrow("1 admissions that nothing was heard of");
  });

  test("arrivals that hold no whole window are no evidence", () => {
    const { arrivals, ...rest } = honest();
    expect(() => measureCell({ ...rest, arrivals: arrivals.slice(0, 10) })).toThrow("no whole window");
    expect(() => measureCell({ ...rest, arrivals: [] })).toThrow("no whole window");
  });
});
