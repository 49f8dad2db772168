import { Algorithm, Outcome, type Rule, Verb } from "@quorumguard/limiter";
import { expect, test } from "vitest";
import { auditLeases } from "./lease-audit.ts";
import type { NaiveDecision } from "./naive-log.ts";
import type { Acknowledgement, AskedItem, CallerRecord } from "./records.ts";

const ms = 1_000;
const rule: Rule = { algorithm: Algorithm.slidingWindowLog, limit: 100, windowUs: 1_000 * ms, burst: 0, policy: "" };
const take: AskedItem = { key: "k", rule, cost: 1 };

/** A lease of 3, handle 7, of client `a`, granted at stamp 1,000 ms for 100 ms. */
const grant: AskedItem = { ...take, cost: 3, verb: Verb.grant };

function decision(item: AskedItem, handle: number): NaiveDecision {
  const told = { remaining: 0, resetAfterMs: 0, retryAfterMs: 0, firmForMs: 0, limit: 100, shadow: 0 };
  const answers = [{ ...told, outcome: Outcome.allowed, handle }];
  return { index: 5, stampUs: 1_000 * ms, items: [item], allowed: true, answers };
}

function audit(options: {
  readonly spentAtMs: readonly number[];
  readonly returned?: number;
  readonly client?: string;
  readonly cost?: number;
  readonly own?: boolean;
  readonly breakMs?: number;
  /** Calls that cost 3, after those of `cost`. */
  readonly dearAtMs?: readonly number[];
  /** How much is left of another lease of 3, handle 8, that ends 50 ms later. */
  readonly second?: number;
}): string[] {
  const { spentAtMs, returned = 0, client = "a", cost = 1, own = false, breakMs, dearAtMs = [], second } = options;
  const decisions = [decision(grant, 7)];
  if (second !== undefined) decisions.push(decision(grant, 8));
  if (second !== undefined && second < 3) {
    decisions.push(decision({ ...take, cost: 3 - second, verb: Verb.giveBack, handle: 8 }, 0));
  }
  if (returned > 0) decisions.push(decision({ ...take, cost: returned, verb: Verb.giveBack, handle: 7 }, 0));
  const base = { requestId: null, degraded: false, error: null, applied: null } as const;
  const spentFor =
    (each: number) =>
    (atMs: number): CallerRecord => ({
      ...{ ...base, client, items: [{ ...take, cost: each }], allowed: true, source: "lease" },
      ...{ startUs: atMs * ms, endUs: atMs * ms },
    });
  const spent = [...spentAtMs.map(spentFor(cost)), ...dearAtMs.map(spentFor(3))];
  const asked: CallerRecord = {
    ...base,
    client,
    items: [grant],
    allowed: true,
    source: "quorum",
    startUs: 0,
    endUs: 0,
  };
  // True time runs 400 ms behind the stamps, and every 10 ms somebody hears one.
  const acknowledgements = Array.from({ length: 100 }, (_, at) => ({
    ...{ source: "quorum", stampUs: (900 + at * 10) * ms, heardUs: (500 + at * 10) * ms },
  })) as unknown as Acknowledgement[];
  return auditLeases({
    records: own ? [asked, ...spent] : spent,
    log: {
      *admitted() {
        for (const one of decisions) yield { session: "s", decision: one };
      },
      holdEndUs: (handle) =>
        new Map([
          [7, 1_100 * ms],
          [8, 1_150 * ms],
        ]).get(handle),
    },
    clientOf: () => "a",
    acknowledgements,
    timeBreaks: breakMs === undefined ? [] : [{ fromUs: breakMs * ms, toUs: breakMs * ms }],
  });
}

test("what was leased may be spent, all of it, until its end was surely reached", () => {
  expect(audit({ spentAtMs: [600, 650, 699] })).toEqual([]);
});

test("which lease a call was taken from is not seen: any way to share them will do, and only such", () => {
  // The calls of 1 came from the lease that ends later, and that of 3 from the one that ends first.
  expect(audit({ second: 2, spentAtMs: [600], dearAtMs: [610] })).toEqual([]);
  expect(audit({ second: 2, spentAtMs: [600, 601], dearAtMs: [610] })).toEqual([]);
  expect(audit({ second: 2, spentAtMs: [600, 601, 602], dearAtMs: [610] })).toHaveLength(1);
  // There is room for 4 in sum, and nowhere for 3 at once.
  expect(audit({ second: 2, returned: 1, spentAtMs: [], dearAtMs: [610] })).toHaveLength(1);
});

test("L3 one more than was granted is found", () => {
  expect(audit({ spentAtMs: [600, 610, 620, 630] })).toEqual([
    "a on ||1|1000000|k: 1 spent at 630000 us, and no lease of that client has as much left",
  ]);
  expect(audit({ spentAtMs: [600], cost: 4 }).length).toBe(1);
});

test("L2 a lease that is spent after its end is found", () => {
  expect(audit({ spentAtMs: [600, 705] })).toEqual([
    "a on ||1|1000000|k: 1 spent at 705000 us, when stamp 1100000 was reached: its last lease, granted at 1000000, was over at 1100000",
  ]);
});

test("L3 what was given back and is spent all the same is found", () => {
  expect(audit({ spentAtMs: [600, 610], returned: 1 })).toEqual([]);
  expect(audit({ spentAtMs: [600, 610, 620], returned: 1 }).length).toBe(1);
});

test("nobody spends another's lease", () => {
  expect(audit({ spentAtMs: [600], client: "b" }).length).toBe(1);
});

test("where callers ask for leases themselves, or time was broken, it does not guess", () => {
  expect(audit({ spentAtMs: [600, 610, 620, 630], own: true })).toEqual([]);
  expect(audit({ spentAtMs: [705], breakMs: 650 })).toEqual([]);
  expect(audit({ spentAtMs: [600, 610, 620, 630], breakMs: 610 }).length).toBe(1);
});
