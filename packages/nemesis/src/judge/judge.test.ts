import { describe, expect, test } from "vitest";
import { honestRun } from "./honest-run.fixture.ts";
import { judge } from "./judge.ts";

const clean = { overAdmitted: 0, chargedTwice: 0, acknowledgedLost: 0, degraded: 0, violations: [] };

describe("A2 the judge of real runs", () => {
  test("accepts a run in which nobody lied", () => {
    const evidence = honestRun();
    expect(evidence.calls.some(({ allowed }) => allowed === false)).toBe(true);
    expect(judge(evidence)).toEqual(clean);
  });

  test("accepts calls that nobody learned the outcome of", () => {
    expect(judge(honestRun({ unanswered: [1, 5, 10], applied: "unknown" }))).toEqual(clean);
  });

  test("finds an acknowledged admission that the log has lost", () => {
    const verdict = judge(honestRun({ forgotten: [1] }));
    expect(verdict.acknowledgedLost).toBe(1);
    expect(verdict.violations.join()).toContain("no committed entry");
  });

  test("finds an acknowledged admission of a ledger that the cluster has lost", () => {
    expect(judge(honestRun({ settledOff: 3 }))).toMatchObject({ acknowledgedLost: 3, chargedTwice: 0 });
  });

  test("finds a call that was charged twice, in a ledger by what is left of it, everywhere by the log", () => {
    expect(judge(honestRun({ repeated: [5] })).chargedTwice).toBeGreaterThanOrEqual(4);
    expect(judge(honestRun({ repeated: [1] })).chargedTwice).toBe(1);
    expect(judge(honestRun({ settledOff: -2 })).chargedTwice).toBe(2);
  });

  test("finds a call that was charged though its caller was told that it was not", () => {
    const verdict = judge(honestRun({ unanswered: [10], applied: "no" }));
    expect(verdict.chargedTwice).toBeGreaterThanOrEqual(2);
    expect(verdict.violations.join()).toContain("ledger/client-1/a/0");
  });

  test("finds an allowance beyond the limit", () => {
    const honest = honestRun();
    const denied = honest.calls.findIndex(({ allowed }) => allowed === false) + 1;
    const verdict = judge(honestRun({ waved: [denied] }));
    expect(verdict.overAdmitted).toBeGreaterThanOrEqual(1);
    expect(verdict.violations.some((line) => line.startsWith("callers: "))).toBe(true);
    expect(verdict.violations.some((line) => line.startsWith("history: "))).toBe(true);
  });

  test("accepts what was admitted by a lease, and remembers that no caller asked for the lease", () => {
    expect(judge(honestRun({ spent: 3 }))).toEqual(clean);
  });

  test("finds a lease that more was spent of than it was for, and one that was spent after its end", () => {
    const overspent = judge(honestRun({ spent: 4 }));
    expect(overspent).toMatchObject({ overAdmitted: 1, chargedTwice: 0, acknowledgedLost: 0 });
    expect(overspent.violations).toEqual([expect.stringMatching(/^leases: client-1 on .*leased: 1 spent at/)]);
    const late = judge(honestRun({ spent: 3, spentLateMs: 100 }));
    expect(late.overAdmitted).toBe(3);
    expect(late.violations.join()).toContain("its last lease");
  });

  test("finds a lease that was charged to nobody", () => {
    const { sessions, ...rest } = honestRun({ spent: 1 });
    const owned = sessions.map((line) => (line.kind === "session" ? { ...line, client: "client-2" } : line));
    expect(judge({ ...rest, sessions: owned }).violations.join()).toContain("no lease of that client");
  });

  test("finds calls that ended in what no fault explains: they tested nothing", () => {
    const { calls, ...rest } = honestRun({ unanswered: [1, 6], applied: "unknown" });
    expect(judge({ ...rest, calls }).violations).toEqual([]);
    const mistaken = calls.map((call) => (call.allowed === null ? { ...call, error: "invalid_argument" } : call));
    expect(judge({ ...rest, calls: mistaken }).violations).toEqual([
      "callers: 2 calls ended in invalid_argument, which no fault explains",
    ]);
  });

  test("accepts no log that was not seen whole", () => {
    const { entries, ...rest } = honestRun();
    expect(judge({ ...rest, entries: entries.filter(({ index }) => index !== 9) }).violations.join()).toContain(
      "the entry at index 9 was never seen",
    );
    expect(judge({ ...rest, entries: [] }).violations.join()).toContain("no committed entry was seen");
  });

  test("accepts that the cluster charged what a process decided by itself when its patience was over", () => {
    const { calls, ...rest } = honestRun();
    const own = { allowed: false, remaining: null, degraded: true, source: "local" };
    const decidedHere = calls.map((call, at) => ([1, 5, 10].includes(at + 1) ? { ...call, ...own } : call));
    expect(judge({ ...rest, calls: decidedHere })).toEqual({ ...clean, degraded: 3 });
  });

  test("reports degraded decisions, which the load never asks for", () => {
    const { calls, ...rest } = honestRun();
    const [first, ...others] = calls;
    expect(judge({ ...rest, calls: [{ ...first!, degraded: true, source: "local" }, ...others] }).degraded).toBe(1);
  });
});
