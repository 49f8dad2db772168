import { Algorithm, type Rule } from "@quorumguard/limiter";
import { describe, expect, test } from "vitest";
import type { CallDecision, CallOperation, CommittedCall } from "./call-operation.ts";
import { judgeCallHistory } from "./judge-call-history.ts";
import type { JudgeOptions } from "./judge-options.ts";
import type { AskedItem } from "./records.ts";

const ms = 1_000;
const second = 1_000 * ms;
const rule: Rule = { algorithm: Algorithm.slidingWindowLog, limit: 2, windowUs: second, burst: 0, policy: "" };
const bucket: Rule = { algorithm: Algorithm.tokenBucket, limit: 2, windowUs: second, burst: 3, policy: "" };
const fixed: Rule = { ...rule, algorithm: Algorithm.fixedWindow };
const counter: Rule = { ...rule, algorithm: Algorithm.slidingWindowCounter };
/** Stamps of an honest cluster: the callers' time, shifted. */
const shiftUs = 5_000 * second;

interface Told extends Partial<CallDecision> {
  readonly atMs: number;
  readonly untilMs?: number;
  readonly key?: string;
  readonly rule?: Rule;
  readonly cost?: number;
  readonly items?: readonly AskedItem[];
  /** Where it stands in the log; its stamp is its start unless told otherwise. */
  readonly place?: number;
}

/** A call that took 10 ms unless told otherwise; without a place in the log it is known by its answer alone. */
function call(callId: string, allowed: boolean | null, told: Told): CallOperation {
  const { atMs, untilMs = atMs + 10, key = "k", cost = 1, items, place, rule: own = rule, ...decided } = told;
  const base = {
    clientId: "client",
    callId,
    items: items ?? [{ key, rule: own, cost }],
    startUs: atMs * ms,
    endUs: untilMs * ms,
  };
  if (allowed === null) return { ...base, decision: null, applied: "unknown" };
  const decision = {
    ...{ allowed, remaining: null, source: "quorum", degraded: false, index: place ?? null, position: null },
    ...{ stampUs: place === undefined ? null : shiftUs + atMs * ms },
    ...decided,
  };
  return { ...base, decision, applied: null };
}

/** The log that executed these calls, each in an entry of its own at its place. */
function logOf(calls: readonly CallOperation[], places: readonly number[]): CommittedCall[] {
  return calls.map(({ callId, items, startUs, decision }, at) => {
    const stampUs = decision?.stampUs ?? shiftUs + startUs;
    return { callId, items, index: places[at]!, position: 0, stampUs };
  });
}

const judge = (calls: readonly CallOperation[], options: JudgeOptions = {}) => judgeCallHistory(calls, options);

function expectRejected(calls: readonly CallOperation[], reason: RegExp, options: JudgeOptions = {}): void {
  const { verdict, violations } = judge(calls, options);
  expect(violations.join("\n")).toMatch(reason);
  expect(verdict).toBe("rejected");
}

const allowedTwice = [
  call("a", true, { atMs: 0, place: 1, remaining: 1 }),
  call("b", true, { atMs: 20, place: 2, remaining: 0 }),
];
const denied = call("c", false, { atMs: 40, place: 3, remaining: 0 });

describe("A1 a history whose indexes are known", () => {
  test("an honest one is accepted by its witness, room coming back after the window", () => {
    const calls = [...allowedTwice, denied, call("d", true, { atMs: 1_000, place: 4, remaining: 0 })];
    expect(judge(calls)).toMatchObject({ verdict: "accepted", witnessed: 4, searched: 0, violations: [] });
    expect(judge(calls, { log: logOf(calls, [1, 2, 3, 4]) })).toMatchObject({ verdict: "accepted", witnessed: 4 });
  });

  test("calls of one entry whose places in it nobody knows are searched for an order", () => {
    const stampUs = shiftUs;
    const calls = [
      // A denial of 2 that only comes right between the two.
      call("a", true, { atMs: 0, place: 1, remaining: 1, stampUs }),
      call("b", false, { atMs: 0, place: 1, cost: 2, remaining: 1, stampUs }),
      call("c", true, { atMs: 0, place: 1, remaining: 0, stampUs }),
    ];
    expect(judge(calls)).toMatchObject({ verdict: "accepted" });
    expectRejected([...calls, call("d", true, { atMs: 0, place: 1, remaining: 0, stampUs })], /no order of 4/);
  });

  test("a call of unknown outcome may be what took the missing room, at its time or never", () => {
    const calls = [
      call("lost", null, { atMs: 0 }),
      call("a", true, { atMs: 20, place: 2, remaining: 0 }),
      call("b", false, { atMs: 40, place: 3, remaining: 0 }),
    ];
    expect(judge(calls)).toMatchObject({ verdict: "accepted" });
    expectRejected(calls.slice(1), /the model says otherwise: allowed, 1 remaining/);
    expect(judge([call("lost", null, { atMs: 0 }), ...allowedTwice]).verdict).toBe("accepted");
  });

  test("buckets and groups are replayed exactly", () => {
    const two: AskedItem[] = [
      { key: "k", rule, cost: 1 },
      { key: "k", rule, cost: 1 },
    ];
    const calls = [
      call("a", true, { atMs: 0, place: 1, rule: bucket, key: "b", cost: 3, remaining: 0 }),
      call("b", false, { atMs: 499, place: 2, rule: bucket, key: "b", remaining: 0 }),
      call("c", true, { atMs: 520, place: 3, rule: bucket, key: "b", remaining: 0 }),
      call("d", true, { atMs: 530, place: 4, items: two }),
      call("e", false, { atMs: 550, place: 5, remaining: 0 }),
    ];
    expect(judge(calls)).toMatchObject({ verdict: "accepted", witnessed: 5 });
    expectRejected([...calls, call("f", true, { atMs: 560, place: 6, items: two })], /call f .* denied/);
  });
});

describe("windows that begin at multiples of their length", () => {
  const told = (id: string, allowed: boolean, atMs: number, remaining: number, own: Rule) =>
    call(id, allowed, { atMs, place: atMs, remaining, rule: own });
  const acrossBoundary = (own: Rule) => [told("a", true, 900, 1, own), told("b", true, 920, 0, own)];

  test("a fixed window lets the limit through on both sides of its boundary, and not once more", () => {
    const honest = [
      ...acrossBoundary(fixed),
      told("c", false, 999, 0, fixed),
      told("d", true, 1_000, 1, fixed),
      told("e", true, 1_010, 0, fixed),
      told("f", false, 1_999, 0, fixed),
    ];
    expect(judge(honest)).toMatchObject({ verdict: "accepted", witnessed: 6, searched: 0 });
    expectRejected([...honest.slice(0, 2), told("c", true, 999, 0, fixed)], /call c .* says otherwise: denied/);
    expectRejected([...honest.slice(0, 5), told("f", true, 1_999, 0, fixed)], /call f .* says otherwise: denied/);
    expectRejected([...honest.slice(0, 3), told("d", false, 1_000, 0, fixed)], /call d .* says otherwise: allowed/);
  });

  test("the sliding window counter counts of the bucket before what the window still covers, rounded up", () => {
    const honest = [
      ...acrossBoundary(counter),
      told("c", false, 1_000, 0, counter),
      told("d", false, 1_499, 0, counter),
      told("e", true, 1_500, 0, counter),
      told("f", false, 1_999, 0, counter),
      told("g", true, 2_000, 0, counter),
    ];
    expect(judge(honest)).toMatchObject({ verdict: "accepted", witnessed: 7, searched: 0 });
    const early = told("d", true, 1_499, 0, counter);
    expectRejected([...honest.slice(0, 3), early], /call d .* says otherwise: denied, 0 remaining/);
  });

  test("a call of unknown outcome may have taken what is missing, wherever the boundary lies", () => {
    for (const own of [fixed, counter]) {
      const lost = call("lost", null, { atMs: 900, rule: own });
      expect(judge([lost, told("b", true, 920, 0, own)]).verdict).toBe("accepted");
      expect(judge([lost, told("b", true, 920, 1, own)]).verdict).toBe("accepted");
      expectRejected([told("b", true, 920, 0, own)], /says otherwise: allowed, 1 remaining/);
    }
  });

  test("callers know no boundaries: room may come back at any time, but not more than the limit; nor does it stay gone", () => {
    const seen = (id: string, allowed: boolean, atMs: number, remaining: number, own: Rule) =>
      call(id, allowed, { atMs, remaining, rule: own });
    for (const own of [fixed, counter]) {
      const full = [seen("a", true, 0, 1, own), seen("b", true, 20, 0, own)];
      expect(judge([...full, seen("c", true, 40, 1, own)]).verdict).toBe("accepted");
      expect(judge([...full, seen("c", false, 40, 0, own)]).verdict).toBe("accepted");
      expectRejected([...full, seen("c", true, 40, 2, own)], /no order of 3 operations fits/);
      expectRejected([...full, seen("c", false, 4_500, 0, own)], /no order of 3 operations fits/);
    }
    // Under the counter what was admitted fades until the end of the next window.
    const late = call("late", false, { atMs: 1_700, source: "denial-cache", rule: counter });
    expect(judge([call("a", true, { atMs: 0, cost: 2, rule: counter }), late], { stampLagUs: 0 }).verdict).toBe(
      "accepted",
    );
  });
});

describe("A2 planted bugs that the witness finds", () => {
  test("an admission outside the log: more than the limit, at an index of its own", () => {
    expectRejected(
      [...allowedTwice, call("c", true, { atMs: 40, place: 3, remaining: 0 })],
      /call c .* says otherwise: denied/,
    );
  });

  test("a remaining that is off by one", () => {
    expectRejected(
      [allowedTwice[0]!, call("b", true, { atMs: 20, place: 2, remaining: 1 })],
      /says otherwise: allowed, 0/,
    );
  });

  test("a denial of what had room", () => {
    expectRejected(
      [allowedTwice[0]!, call("b", false, { atMs: 20, place: 2, remaining: 1 })],
      /says otherwise: allowed/,
    );
  });

  test("a double charge: one call executed twice", () => {
    const log = logOf([...allowedTwice, allowedTwice[0]!], [1, 2, 5]);
    expectRejected(allowedTwice, /call a .* executed twice, at index 1 and at entry 5.*double charge/, { log });
  });

  test("a charge that no caller asked for", () => {
    const log = logOf([...allowedTwice, denied], [1, 2, 3]);
    expectRejected(allowedTwice, /entry 3, position 0 has it, but nobody asked it/, { log });
    expect(judge(allowedTwice, { log, mayBeUnheard: ({ callId }) => callId === "c" }).verdict).toBe("accepted");
  });

  test("a call that was reported as not applied, and is in the log", () => {
    const refused: CallOperation = { ...call("b", null, { atMs: 20 }), applied: "no" };
    const log = logOf([allowedTwice[0]!, refused], [1, 2]);
    expectRejected([allowedTwice[0]!, refused], /told that it was not applied, but entry 2/, { log });
    expect(judge([allowedTwice[0]!, { ...refused, applied: "unknown" }], { log }).verdict).toBe("accepted");
  });

  test("a lost acknowledgement: the log does not have what a caller was told", () => {
    const log = logOf([allowedTwice[0]!], [1]);
    expectRejected(allowedTwice, /call b .* acknowledged as allowed, but the log does not have it/, { log });
  });

  test("a call executed under other content than was asked", () => {
    const log = logOf([allowedTwice[0]!, { ...allowedTwice[1]!, items: [{ key: "k", rule, cost: 2 }] }], [1, 2]);
    expectRejected(allowedTwice, /call b .* entry 2, position 0 has other content/, { log });
  });

  test("an index used twice", () => {
    const calls = allowedTwice.map((one) => ({ ...one, decision: { ...one.decision!, index: 7, position: 0 } }));
    expectRejected(calls, /index 7, position 0 is claimed twice: by call a .* and by call b/);
  });

  test("an entry with two stamps, and stamps that run backwards", () => {
    const [first, second] = allowedTwice as [CallOperation, CallOperation];
    const same = [first, { ...second, decision: { ...second.decision!, index: 1 } }];
    expectRejected(same, /one entry has one stamp/);
    const back = [first, { ...second, decision: { ...second.decision!, stampUs: shiftUs - 1 } }];
    expectRejected(back, /stamps: index 1 .* backwards/);
  });

  test("an order that real time forbids: what had ended stands after what was asked later", () => {
    const [first, second] = allowedTwice as [CallOperation, CallOperation];
    const swapped = [
      { ...first, decision: { ...first.decision!, index: 2, remaining: 0, stampUs: shiftUs } },
      { ...second, decision: { ...second.decision!, index: 1, remaining: 1, stampUs: shiftUs } },
    ];
    expectRejected(
      swapped,
      /call a .* ended at 10000 us with index 2, but call b .* asked later at 20000 us, has index 1/,
    );
    const together = swapped.map((one) => ({ ...one, startUs: 0, endUs: 30 * ms }));
    expect(judge(together).verdict).toBe("accepted");
  });

  test("frozen time: stamps that stand still while callers wait", () => {
    const frozen = [0, 1, 2, 3, 4].map((at) =>
      call(`f${at}`, at < 2, { atMs: at * 2_000, place: at + 1, remaining: at === 0 ? 1 : 0, stampUs: shiftUs + at }),
    );
    expectRejected(frozen, /stamps gained only 1 us from index 1 to 2, in at least 1990000 us/);
    const timeBreaks = [{ fromUs: 11 * ms, toUs: 8_000 * ms }];
    expect(judge(frozen, { timeBreaks }).verdict).toBe("accepted");
  });

  test("time that leaps ahead and empties a window early", () => {
    const leap = call("c", true, { atMs: 40, place: 3, remaining: 1, stampUs: shiftUs + 5 * second });
    expectRejected([...allowedTwice, leap], /stamps gained 4980000 us from index 2 to 3, in at most 30000 us/);
  });

  test("a call that the history has twice", () => {
    expectRejected([allowedTwice[0]!, allowedTwice[0]!], /call a .* the history has it twice/);
  });
});

describe("denials without an entry", () => {
  const fast = (told: Told, source = "leader") => call("fast", false, { source, ...told });

  test("right at the stamp at which it was answered", () => {
    const calls = [...allowedTwice, fast({ atMs: 50, stampUs: shiftUs + 55 * ms })];
    expect(judge(calls)).toMatchObject({ verdict: "accepted", witnessed: 3 });
    expectRejected([allowedTwice[0]!, calls[2]!], /denied by leader at stamp 5000055000, where the model allows it/);
    const late = fast({ atMs: 1_200, stampUs: shiftUs + 1_205 * ms });
    expectRejected([...allowedTwice, late], /where the model allows it/);
  });

  test("from a client's cache: right if the model denied at some moment since the staleness allowed", () => {
    const cached = (atMs: number) => [...allowedTwice, fast({ atMs }, "denial-cache")];
    expect(judge(cached(900)).verdict).toBe("accepted");
    expect(judge(cached(1_400), { stalenessUs: 500 * ms }).verdict).toBe("accepted");
    expectRejected(cached(3_600), /at no moment from 500000 us before could more than 0 have been used/);
  });

  test("stale beyond what is allowed: answered from before a state that everyone had seen", () => {
    const reused = [
      call("a", true, { atMs: 0, place: 1, cost: 2, remaining: 0 }),
      call("b", true, { atMs: 2_000, place: 2, remaining: 1 }),
      fast({ atMs: 5_000, stampUs: shiftUs + 500 * ms }),
    ];
    expectRejected(reused, /from a state more than 500000 us old: call b/);
  });

  test("never because of the call's own charge", () => {
    const own = fast({ atMs: 20, untilMs: 90, stampUs: shiftUs + 80 * ms });
    const log = [...logOf([allowedTwice[0]!], [1]), { ...logOf([own], [2])[0]!, stampUs: shiftUs + 30 * ms }];
    expectRejected([allowedTwice[0]!, own], /denied without an entry .* but index 2 charged it before/, { log });
    // The first attempt was denied before the room came back, and another attempt was charged later.
    const before = fast({ atMs: 1_020, untilMs: 1_090, stampUs: shiftUs + 999 * ms });
    const full = [...allowedTwice, before];
    const charged = { ...logOf([before], [3])[0]!, stampUs: shiftUs + 1_080 * ms };
    expect(judge(full, { log: [...logOf(allowedTwice, [1, 2]), charged] }).verdict).toBe("accepted");
  });

  test("an allowance gets no such grace: only the log may allow", () => {
    for (const source of ["leader", "denial-cache", "elsewhere"])
      expectRejected([call("s", true, { atMs: 0, source })], new RegExp(`allowed by ${source}, undegraded`));
    const degraded = [0, 1, 2].map((at) => call(`l${at}`, true, { atMs: at, source: "local", degraded: true }));
    expect(judge(degraded).verdict).toBe("accepted");
  });
});
