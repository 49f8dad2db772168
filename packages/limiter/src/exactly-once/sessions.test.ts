import { expect, it } from "vitest";
import { NEVER, Outcome } from "../call-batch.ts";
import type { SessionId } from "../limiter.ts";
import { batchOf, copyOf, Harness, type Item, itemsOf, nonceOf, START_US, windowLog } from "../testing/harness.ts";
import { Verb } from "../verb.ts";

const ttlUs = 60_000_000;
const rule = windowLog(100, 1_000_000_000);

function call(
  harness: Harness,
  stampUs: number,
  session: SessionId,
  firstNumber: number,
  calls: Item[][],
  { nonce = 1, ackedThrough = 0 } = {},
) {
  const origin = { kind: "session", session, nonce: nonceOf(nonce), ackedThrough } as const;
  return harness.apply(stampUs, (writer) => {
    writer.calls(origin, batchOf(calls, firstNumber), 0, calls.length);
  });
}
const take = (key: string, cost = 1): Item[] => [{ key, rule, cost }];

it("S1 two clients that register in one entry have two sessions, and a wrong nonce is unknown", () => {
  const harness = new Harness();
  const applied = harness.apply(START_US, (writer) => {
    writer.register(nonceOf(1), START_US, "n");
    writer.register(nonceOf(2), START_US, "n");
  });
  expect(applied.operations).toEqual([
    { kind: "registered", session: { index: 1, position: 0 } },
    { kind: "registered", session: { index: 1, position: 1 } },
  ]);
  expect(harness.limiter.knowsSession({ index: 1, position: 1 }, nonceOf(2))).toBe(true);
  expect(harness.limiter.knowsSession({ index: 1, position: 1 }, nonceOf(1))).toBe(false);
  const stolen = call(harness, START_US, { index: 1, position: 1 }, 1, [take("k")], { nonce: 1 });
  expect(itemsOf(stolen)[0]!.outcome).toBe(Outcome.sessionExpired);
  expect(harness.limiter.stats.keys).toBe(0);
});

it("S1 a session's calls count in the namespace that it registered", () => {
  const harness = new Harness();
  const registered = harness.register(START_US, nonceOf(1), START_US, "ann");
  if (registered.kind !== "registered") throw new Error(registered.kind);
  call(harness, START_US, registered.session, 1, [take("k")]);
  expect(harness.take(START_US, "k", rule, 1, "ann").remaining).toBe(98);
  expect(harness.limiter.sessionNamespace(registered.session, nonceOf(1))).toBe("ann");
  expect(harness.limiter.sessionNamespace(registered.session, nonceOf(2))).toBeNull();
});

it("S2 a retry, however it is batched anew, returns what the first attempt came to, with its entry and stamp", () => {
  const harness = new Harness();
  const session = harness.session(START_US, 1);
  const first = call(harness, START_US + 10, session, 1, [take("a", 40), take("b", 99), take("b", 5)]);
  const firstItems = itemsOf(first);
  const retry = call(harness, START_US + 20, session, 2, [take("b", 99), take("b", 5), take("c")]);
  expect(itemsOf(retry).slice(0, 2)).toEqual(firstItems.slice(1));
  expect(itemsOf(retry)[2]).toMatchObject({ outcome: Outcome.allowed, remaining: 99 });
  expect(retry.operations[0]).toMatchObject({
    runs: [
      { fromCall: 0, toCall: 2, from: 0, to: 2, index: first.index, stampUs: START_US + 10 },
      { fromCall: 2, toCall: 3, from: 2, to: 3, index: retry.index, stampUs: START_US + 20 },
    ],
  });
  expect(harness.take(START_US + 20, "b", rule, 1).remaining).toBe(0);
});

it("S2 a retry returns what the first attempt came to in full: times of months, denials that no waiting cures, handles", () => {
  const harness = new Harness();
  const session = harness.session(START_US, 1);
  const months = windowLog(1, 30_000_000_000_000);
  const calls: Item[][] = [
    [{ key: "a", rule: months, cost: 1 }],
    [{ key: "a", rule: months, cost: 1 }],
    [{ key: "b", rule, cost: 101 }],
    [{ key: "c", rule, cost: 2, verb: Verb.reserve }],
    [{ key: "c", rule, cost: 99 }],
  ];
  const first = itemsOf(call(harness, START_US, session, 1, calls));
  expect(first).toMatchObject([
    { outcome: Outcome.allowed, resetAfterMs: 30_000_000_000 },
    { outcome: Outcome.limited, retryAfterMs: 30_000_000_000 },
    { outcome: Outcome.limited, retryAfterMs: NEVER },
    { outcome: Outcome.allowed, handle: 1 },
    { outcome: Outcome.limited, remaining: 98 },
  ]);
  harness.limiter = copyOf(harness.limiter);
  expect(itemsOf(call(harness, START_US + 1_000_000, session, 1, calls))).toEqual(first);
});

it("S2 a number that was acknowledged never executes, not even in the frame that acknowledges it", () => {
  const harness = new Harness();
  const session = harness.session(START_US, 1);
  call(harness, START_US, session, 1, [take("a"), take("a")]);
  const late = call(harness, START_US, session, 2, [take("a"), take("a")], { ackedThrough: 2 });
  expect(itemsOf(late)).toMatchObject([{ outcome: Outcome.stale }, { outcome: Outcome.allowed, remaining: 97 }]);
  const stuck = call(harness, START_US, session, 1, [take("a"), take("a")], { ackedThrough: 0 });
  expect(itemsOf(stuck).map((each) => each.outcome)).toEqual([Outcome.stale, Outcome.stale]);
  expect(harness.take(START_US, "a", rule).remaining).toBe(96);
});

it("D1 a call that was decided or settled is known, by its session alone", () => {
  const harness = new Harness();
  const session = harness.session(START_US, 1);
  call(harness, START_US, session, 1, [take("a"), take("a")], { ackedThrough: 0 });
  call(harness, START_US, session, 3, [take("a")], { ackedThrough: 1 });
  const known = (number: number, nonce = 1) => harness.limiter.knowsCall(session, nonceOf(nonce), number);
  expect([1, 2, 3, 4].map((number) => known(number))).toEqual([true, true, true, false]);
  expect(known(2, 2)).toBe(false);
  expect(harness.limiter.knowsCall({ index: 99, position: 0 }, nonceOf(1), 2)).toBe(false);
});

it("S2 the results of a group come back whole, in a chain longer than a block", () => {
  const harness = new Harness();
  const session = harness.session(START_US, 1);
  const items = Array.from({ length: 700 }, (_, i) => ({ key: `k${i}`, rule, cost: 1 + (i % 100) }));
  const first = itemsOf(call(harness, START_US, session, 1, [items]));
  const retry = call(harness, START_US + 5, session, 1, [items]);
  expect(itemsOf(retry)).toEqual(first);
  expect(harness.take(START_US, "k0", rule).remaining).toBe(98);
  call(harness, START_US + 5, session, 2, [take("a")], { ackedThrough: 1 });
});

it("S3 when results are full a new call is refused and not executed, until some are acknowledged", () => {
  const harness = new Harness({ maxResultsPerSession: 3 });
  const session = harness.session(START_US, 1);
  const results = itemsOf(call(harness, START_US, session, 1, [take("a"), take("a"), take("a"), take("a")]));
  expect(results.map((each) => each.outcome)).toEqual([1, 1, 1, Outcome.resultsFull]);
  expect(harness.take(START_US, "a", rule).remaining).toBe(96);
  const retried = call(harness, START_US, session, 3, [take("a"), take("a")], { ackedThrough: 2 });
  expect(itemsOf(retried)).toMatchObject([{ remaining: 97 }, { outcome: Outcome.allowed, remaining: 95 }]);
});

it.each([12, 13, 15, 16, 18])("S3 acknowledged through %i of 13 to 18, each makes room for one", (ackedThrough) => {
  const harness = new Harness({ maxResultsPerSession: 6 });
  const session = harness.session(START_US, 1);
  const six = Array.from({ length: 6 }, () => take("a"));
  call(harness, START_US, session, 13, six);
  const outcomes = itemsOf(call(harness, START_US, session, 100, six, { ackedThrough })).map((each) => each.outcome);
  expect(outcomes).toEqual(six.map((_, i) => (i < ackedThrough - 12 ? Outcome.allowed : Outcome.resultsFull)));
});

it("S3 results with gaps and out of order are found, and forgotten when acknowledged", () => {
  const harness = new Harness({ maxResultsPerSession: 4 });
  const session = harness.session(START_US, 1);
  for (const number of [9_000_000_000, 5, 700, 6]) call(harness, START_US, session, number, [take("a")]);
  expect(itemsOf(call(harness, START_US, session, 700, [take("a")]))[0]!.remaining).toBe(97);
  expect(itemsOf(call(harness, START_US, session, 7, [take("a")]))[0]!.outcome).toBe(Outcome.resultsFull);
  const after = call(harness, START_US, session, 9_000_000_000, [take("a")], { ackedThrough: 701 });
  expect(itemsOf(after)[0]!.remaining).toBe(99);
  expect(itemsOf(call(harness, START_US, session, 702, [take("a")]))[0]!.remaining).toBe(95);
});

it("S3 of neighbours that are acknowledged one by one the rest is kept, groups whole, and all memory comes back", () => {
  const harness = new Harness();
  const session = harness.session(START_US, 1);
  const wide = windowLog(1_000_000, 1_000_000_000);
  const calls = Array.from({ length: 20 }, (_, i) =>
    Array.from({ length: 1 + (i % 3) }, (_, nth) => ({ key: `k${nth}`, rule: wide, cost: 1 })),
  );
  const sizes: number[] = [];
  for (let first = 1; first < 1_000; first += 20) {
    const results = itemsOf(call(harness, START_US, session, first, calls, { ackedThrough: first - 1 }));
    for (let left = calls.slice(1); left.length > 0; left = left.slice(1)) {
      const number = first + calls.length - left.length;
      const again = itemsOf(call(harness, START_US, session, number, left, { ackedThrough: number - 1 }));
      expect(again).toEqual(results.slice(-left.flat().length));
    }
    const cut = harness.limiter.beginSnapshot();
    sizes.push(cut.next(Number.MAX_SAFE_INTEGER)!.length);
    cut.release();
  }
  expect(new Set(sizes).size).toBe(1);
});

it("S4 the same nonce returns the same session; its register is refused one TTL after its hello", () => {
  const harness = new Harness();
  const session = harness.session(START_US, 1);
  expect(harness.register(START_US + 5, nonceOf(1), START_US)).toEqual({ kind: "registered", session });
  expect(harness.register(START_US + ttlUs, nonceOf(1), START_US)).toEqual({ kind: "registered", session });
  const refused = { kind: "refused", reason: "too-old" };
  expect(harness.register(START_US + ttlUs + 1, nonceOf(1), START_US)).toEqual(refused);
  expect(harness.register(START_US + ttlUs + 1, nonceOf(3), START_US)).toEqual(refused);
  expect(harness.limiter.stats.sessions).toBe(0);
});

it("S4 a late copy of a register creates no second session, neither after a goodbye nor after expiry", () => {
  const harness = new Harness();
  const session = harness.session(START_US, 1);
  const closed = harness.apply(START_US, (writer) => void writer.goodbye(session, nonceOf(1)));
  expect(closed.operations[0]).toEqual({ kind: "closed", known: true });
  expect(harness.register(START_US + ttlUs, nonceOf(1), START_US)).toMatchObject({ reason: "too-old" });
  const early = harness.register(START_US + ttlUs, nonceOf(2), START_US + 2 * ttlUs - 1);
  expect(early.kind).toBe("registered");
  expect(harness.register(START_US + 2 * ttlUs + 1, nonceOf(2), START_US + 2 * ttlUs - 1)).toMatchObject({
    kind: "refused",
  });
  expect(harness.register(START_US, nonceOf(4), START_US + 10 * ttlUs)).toMatchObject({ reason: "too-old" });
});

it("S4 a call of an expired session is refused, not executed, and creates nothing", () => {
  const harness = new Harness();
  const session = harness.session(START_US, 1);
  call(harness, START_US + 1, session, 1, [take("a")]);
  const late = call(harness, START_US + ttlUs + 2, session, 1, [take("a"), take("b")]);
  expect(itemsOf(late).map((each) => each.outcome)).toEqual([Outcome.sessionExpired, Outcome.sessionExpired]);
  expect(harness.limiter.stats.sessions).toBe(0);
  expect(harness.limiter.knowsSession(session, nonceOf(1))).toBe(false);
  expect(harness.take(START_US + ttlUs + 2, "a", rule).remaining).toBe(98);
});

it("S5 a takeover entry keeps alive who lived at the preceding stamp, and wakes nobody who was dead", () => {
  const harness = new Harness();
  const dead = harness.session(START_US, 1);
  const alive = harness.session(START_US + ttlUs, 2);
  harness.apply(START_US + ttlUs + 1);
  const outageUs = 600_000_000;
  harness.apply(START_US + outageUs, () => {}, true);
  expect(harness.limiter.knowsSession(dead, nonceOf(1))).toBe(false);
  expect(harness.limiter.knowsSession(alive, nonceOf(2))).toBe(true);
  harness.apply(START_US + outageUs + ttlUs);
  expect(harness.limiter.knowsSession(alive, nonceOf(2))).toBe(true);
  harness.apply(START_US + outageUs + ttlUs + 1);
  expect(harness.limiter.knowsSession(alive, nonceOf(2))).toBe(false);
});

it("S5 a takeover wakes none of the dead that no sweep has reached yet", () => {
  const harness = new Harness();
  const ids = Array.from({ length: 40 }, (_, i) => harness.session(START_US + i, i));
  harness.apply(START_US + ttlUs + 30);
  expect(harness.limiter.stats.sessions).toBeGreaterThan(30);
  harness.apply(START_US + 5 * ttlUs, () => {}, true);
  const alive = ids.filter((id, i) => harness.limiter.knowsSession(id, nonceOf(i)));
  expect(alive).toEqual(ids.slice(30));
});

it("S5 without the mark, the same pause forgets the session", () => {
  const harness = new Harness();
  const session = harness.session(START_US, 1);
  harness.apply(START_US + 600_000_000);
  expect(harness.limiter.knowsSession(session, nonceOf(1))).toBe(false);
});

it("S6 renewals and frames extend a session; a wrong nonce renews nothing", () => {
  const harness = new Harness();
  const session = harness.session(START_US, 1);
  const renew = (stampUs: number, nonce: number) =>
    harness.apply(stampUs, (writer) => void writer.renew(session, nonceOf(nonce), 0)).operations[0];
  expect(renew(START_US + ttlUs, 1)).toEqual({ kind: "renewed", known: true });
  expect(renew(START_US + 2 * ttlUs, 2)).toEqual({ kind: "renewed", known: false });
  call(harness, START_US + 2 * ttlUs, session, 1, [take("a")]);
  expect(renew(START_US + 3 * ttlUs, 1)).toEqual({ kind: "renewed", known: true });
  expect(renew(START_US + 4 * ttlUs + 1, 1)).toEqual({ kind: "renewed", known: false });
});

it("S6 a full table refuses new sessions and evicts none; a goodbye or an expiry makes room", () => {
  const harness = new Harness({ maxSessions: 2 });
  const first = harness.session(START_US, 1);
  const second = harness.session(START_US + 10, 2);
  expect(harness.register(START_US + 20, nonceOf(3))).toEqual({ kind: "refused", reason: "sessions-full" });
  expect(harness.limiter.knowsSession(first, nonceOf(1))).toBe(true);
  harness.apply(START_US + 20, (writer) => void writer.goodbye(second, nonceOf(2)));
  harness.session(START_US + 30, 3);
  expect(harness.register(START_US + ttlUs, nonceOf(4))).toEqual({ kind: "refused", reason: "sessions-full" });
  expect(harness.register(START_US + ttlUs + 1, nonceOf(4)).kind).toBe("registered");
});

it("S6 a stranger who registers and leaves over and over grows nothing without bound", () => {
  const harness = new Harness({ maxSessions: 3 });
  for (let i = 0; i < 50; i++) {
    const session = harness.session(START_US + i, i);
    harness.apply(START_US + i, (writer) => void writer.goodbye(session, nonceOf(i)));
  }
  const restored = copyOf(harness.limiter);
  expect(restored.stats.sessions).toBe(0);
  expect(harness.limiter.nextDueUs()).toBe(START_US + 47 + ttlUs + 1);
});

it("S7 a request id returns its first answer to the same caller, and is another's own", () => {
  const harness = new Harness();
  const of = (identity: string, requestId: string) =>
    ({ kind: "request", namespace: "n", identity, requestId }) as const;
  const batch = batchOf([take("k", 2)]);
  const first = harness.calls(START_US, of("ann", "1"), batch);
  const again = harness.apply(START_US + 9, (writer) => void writer.calls(of("ann", "1"), batch, 0, 1));
  expect(itemsOf(again)).toEqual(first);
  expect(again.operations[0]).toMatchObject({
    runs: [{ fromCall: 0, toCall: 1, from: 0, to: 1, index: 1, stampUs: START_US }],
  });
  expect(harness.calls(START_US + 9, of("bob", "1"), batch)[0]!.remaining).toBe(96);
  expect(harness.calls(START_US + 9, of("ann", "2"), batch)[0]!.remaining).toBe(94);
});

it("S7 the same id with another call is an error, however alike; the frame around it does not matter", () => {
  const harness = new Harness();
  const origin = { kind: "request", namespace: "n", identity: "ann", requestId: "1" } as const;
  harness.calls(START_US, origin, batchOf([take("k", 2)]));
  const others: Item[][] = [take("k", 3), take("j", 2), [{ key: "k", rule: windowLog(99, rule.windowUs), cost: 2 }]];
  for (const other of [...others, [...take("k", 1), ...take("k", 1)]]) {
    const result = harness.calls(START_US, origin, batchOf([other]));
    expect(result.every((each) => each.outcome === Outcome.requestIdReused)).toBe(true);
  }
  const mixed = batchOf([take("x"), take("k", 2), [{ key: "y", rule: windowLog(1, 5_000) }]]);
  const same = harness.apply(START_US, (writer) => void writer.calls(origin, mixed, 1, 2));
  expect(itemsOf(same)[0]).toMatchObject({ outcome: Outcome.allowed, remaining: 98 });
  expect(harness.take(START_US, "k", rule).remaining).toBe(97);
});

it("S7 ids are remembered for the published time; a full memory refuses and charges nothing", () => {
  const harness = new Harness({ maxRequestIds: 2, requestIdTtlUs: 1_000_000 });
  const of = (requestId: string) => ({ kind: "request", namespace: "n", identity: "", requestId }) as const;
  const batch = batchOf([take("k")]);
  harness.calls(START_US, of("1"), batch);
  harness.calls(START_US + 1, of("2"), batch);
  expect(harness.calls(START_US + 2, of("3"), batch)[0]!.outcome).toBe(Outcome.requestIdsFull);
  expect(harness.calls(START_US + 1_000_000, of("1"), batch)[0]!.remaining).toBe(99);
  expect(harness.calls(START_US + 1_000_001, of("3"), batch)[0]!.remaining).toBe(97);
  expect(harness.calls(START_US + 1_000_001, of("2"), batch)[0]!.remaining).toBe(98);
});

it("S5 S7 a takeover after a jump of time forgets no request id: asked again it charges nothing, and time then runs on", () => {
  const harness = new Harness({ requestIdTtlUs: 1_000_000 });
  const of = (requestId: string) => ({ kind: "request", namespace: "n", identity: "", requestId }) as const;
  const batch = batchOf([take("k")]);
  const remaining = (stampUs: number, requestId: string) => harness.calls(stampUs, of(requestId), batch)[0]!.remaining;
  expect(remaining(START_US, "dead")).toBe(99);
  expect(remaining(START_US + 1, "alive")).toBe(98);
  harness.apply(START_US + 1_000_001);
  const jumpUs = 60_000_000;
  harness.apply(START_US + 1_000_001 + jumpUs, () => {}, true);
  expect(remaining(START_US + 1_000_001 + jumpUs, "alive")).toBe(98);
  const before = harness.take(START_US + 1_000_001 + jumpUs, "k", rule).remaining;
  expect(remaining(START_US + 1_000_001 + jumpUs, "dead")).toBe(before - 1);
  expect(remaining(START_US + 1_000_002 + jumpUs, "alive")).toBe(before - 2);
});

it("S7 a full key table decides nothing, so the id may come back once there is room", () => {
  const harness = new Harness({ maxKeys: 1 });
  const brief = windowLog(1, 1_000);
  harness.take(START_US, "other", brief);
  const origin = { kind: "request", namespace: "n", identity: "", requestId: "1" } as const;
  const batch = batchOf([[{ key: "k", rule: brief }]]);
  expect(harness.calls(START_US, origin, batch)[0]!.outcome).toBe(Outcome.keysFull);
  expect(harness.calls(START_US + 1_000, origin, batch)[0]!.outcome).toBe(Outcome.allowed);
});

it("S8 sessions with results, request ids and what they charged are in the snapshot", () => {
  const harness = new Harness();
  const session = harness.session(START_US, 1);
  const origin = { kind: "request", namespace: "n", identity: "", requestId: "1" } as const;
  const first = itemsOf(call(harness, START_US, session, 1, [take("a", 7), [...take("b"), ...take("c")]]));
  const requested = harness.calls(START_US, origin, batchOf([take("d", 9)]));
  harness.limiter = copyOf(harness.limiter, 100);
  expect(itemsOf(call(harness, START_US + 1, session, 1, [take("a", 7), [...take("b"), ...take("c")]]))).toEqual(first);
  expect(harness.calls(START_US + 1, origin, batchOf([take("d", 9)]))).toEqual(requested);
  expect(harness.take(START_US + 1, "d", rule).remaining).toBe(90);
});

it("U1 living sessions are counted by namespace, through goodbyes, deaths and snapshots", () => {
  const harness = new Harness();
  const counts = (limiter = harness.limiter) => ["n", "m", "none"].map((name) => limiter.countSessions(name));
  expect(counts()).toEqual([0, 0, 0]);
  const first = harness.session(START_US, 1);
  harness.register(START_US, nonceOf(2), START_US, "m");
  harness.register(START_US + 10, nonceOf(3));
  harness.register(START_US + 10, nonceOf(3));
  expect(counts()).toEqual([2, 1, 0]);
  harness.apply(START_US + 20, (writer) => void writer.goodbye(first, nonceOf(1)));
  expect(counts()).toEqual([1, 1, 0]);
  const copy = copyOf(harness.limiter);
  expect(counts(copy)).toEqual([1, 1, 0]);
  harness.apply(START_US + ttlUs + 1);
  expect(counts()).toEqual([1, 0, 0]);
  copy.apply(harness.limiter.appliedIndex, harness.entries.at(-1)!.bytes);
  expect(counts(copy)).toEqual([1, 0, 0]);
  harness.apply(START_US + ttlUs + 11);
  expect(counts()).toEqual([0, 0, 0]);
});
