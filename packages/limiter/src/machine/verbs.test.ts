import { describe, expect, it } from "vitest";
import { NEVER, Outcome } from "../call-batch.ts";
import type { CallOrigin } from "../entry.ts";
import { Algorithm, type Rule } from "../rule.ts";
import { batchOf, bucket, copyOf, Harness, nonceOf, START_US, windowLog } from "../testing/harness.ts";
import { Verb } from "../verb.ts";

const second = 1_000_000;
const rule = windowLog(2, 60 * second);

describe("reset", () => {
  it.each([
    ["a window", windowLog(3, 60 * second), 3],
    ["a bucket", bucket(3, 60 * second, 5), 5],
  ])("leaves %s as if never used, and tells so", (_name, each, full) => {
    const harness = new Harness();
    for (let i = 0; i < full; i++) harness.take(START_US, "k", each);
    expect(harness.take(START_US, "k", each).outcome).toBe(Outcome.limited);
    expect(harness.verb(START_US + 1, Verb.reset, { key: "k", rule: each })).toEqual({
      ...{ outcome: Outcome.allowed, remaining: full, resetAfterMs: 0, retryAfterMs: 0, firmForMs: 0 },
      ...{ handle: 0, limit: 3, shadow: 0 },
    });
    expect(harness.limiter.stats.keys).toBe(0);
    expect(harness.take(START_US + 1, "k", each)).toMatchObject({ outcome: Outcome.allowed, remaining: full - 1 });
  });

  it("of a key that was never used is done, too, and takes no room", () => {
    const harness = new Harness({ maxKeys: 1 });
    harness.take(START_US, "other", rule);
    const done = { outcome: Outcome.allowed, remaining: 2, limit: 2 };
    expect(harness.verb(START_US, Verb.reset, { key: "k", rule })).toMatchObject(done);
    expect(harness.limiter.stats).toMatchObject({ keys: 1, keysFull: 0 });
  });

  it("touches that counter alone: no other key, policy, window, algorithm or namespace", () => {
    const harness = new Harness();
    const others: [string, Rule, string][] = [
      ["other", rule, "n"],
      ["k", windowLog(2, 60 * second, "p"), "n"],
      ["k", windowLog(2, 61 * second), "n"],
      ["k", bucket(2, 60 * second, 2), "n"],
      ["k", rule, "m"],
    ];
    for (const [key, each, namespace] of others) harness.take(START_US, key, each, 2, namespace);
    harness.verb(START_US, Verb.reset, { key: "k", rule });
    for (const [key, each, namespace] of others) {
      expect(harness.take(START_US, key, each, 1, namespace).outcome).toBe(Outcome.limited);
    }
  });

  it("acts at its place among the calls of its operation", () => {
    const harness = new Harness();
    const take = { key: "k", rule };
    const calls = [[take, take], [take], [{ ...take, verb: Verb.reset }], [take], [take, take]];
    const results = harness.calls(START_US, { kind: "anonymous", namespace: "n" }, batchOf(calls));
    expect(results.map((each) => each.outcome)).toEqual([1, 1, 2, 1, 1, 1, 2]);
  });

  it("changes the hash, and differently for a key that was used and one that was not", () => {
    const hashAfter = (...steps: ((harness: Harness) => unknown)[]) => {
      const harness = new Harness();
      for (const step of steps) step(harness);
      return harness.limiter.stateHash().hash;
    };
    const take = (harness: Harness) => harness.take(START_US, "k", rule);
    const idle = (harness: Harness) => harness.apply(START_US);
    const reset = (harness: Harness) => harness.verb(START_US, Verb.reset, { key: "k", rule });
    expect(new Set([hashAfter(take, reset), hashAfter(take, idle), hashAfter(idle, reset)]).size).toBe(3);
  });

  it("of a limit of 0 leaves nothing to take", () => {
    const harness = new Harness();
    const none = windowLog(0, second);
    expect(harness.verb(START_US, Verb.reset, { key: "k", rule: none })).toMatchObject({ outcome: 1, remaining: 0 });
    expect(harness.take(START_US, "k", none)).toMatchObject({ outcome: Outcome.limited, retryAfterMs: NEVER });
  });
});

describe("exactly once", () => {
  it("S2 a reset that is sent again empties nothing a second time", () => {
    const harness = new Harness();
    const session = harness.session(START_US, 1);
    const origin: CallOrigin = { kind: "session", session, nonce: nonceOf(1), ackedThrough: 0 };
    const reset = batchOf([[{ key: "k", rule, verb: Verb.reset }]], 1);
    const first = harness.calls(START_US, origin, reset);
    harness.take(START_US, "k", rule, 2);
    expect(harness.calls(START_US + second, origin, reset)).toEqual(first);
    expect(harness.take(START_US + second, "k", rule).outcome).toBe(Outcome.limited);
  });

  it("S7 an id that comes back with another verb, lifetime or hold is refused as another call's", () => {
    const harness = new Harness();
    const origin = (requestId: string): CallOrigin => ({ kind: "request", namespace: "n", identity: "", requestId });
    const ask = (requestId: string, item: object) =>
      harness.calls(START_US, origin(requestId), batchOf([[{ key: "k", rule, ...item }]]))[0]!.outcome;
    expect(ask("a", { verb: Verb.reset })).toBe(Outcome.allowed);
    expect(ask("a", { verb: Verb.reset })).toBe(Outcome.allowed);
    expect(ask("a", {})).toBe(Outcome.requestIdReused);
    expect(ask("b", {})).toBe(Outcome.allowed);
    expect(ask("b", { verb: Verb.reset })).toBe(Outcome.requestIdReused);
  });

  it("what was not decided is not remembered under its id", () => {
    const harness = new Harness();
    const origin: CallOrigin = { kind: "request", namespace: "n", identity: "", requestId: "r" };
    const cancel = batchOf([[{ key: "k", rule, verb: Verb.cancel, handle: 5 }]]);
    expect(harness.calls(START_US, origin, cancel)[0]!.outcome).toBe(Outcome.notHeld);
    expect(harness.limiter.stats.requestIds).toBe(0);
  });

  it("S2 a reservation that is sent again is the same hold, in a copy of the state too", () => {
    const harness = new Harness();
    const session = harness.session(START_US, 1);
    const origin: CallOrigin = { kind: "session", session, nonce: nonceOf(1), ackedThrough: 0 };
    const reserve = batchOf([[{ key: "k", rule, verb: Verb.reserve, ttlMs: 5_000 }]], 1);
    const first = harness.calls(START_US, origin, reserve);
    expect(first[0]!.handle).toBeGreaterThan(0);
    expect(harness.calls(START_US + 1, origin, reserve)).toEqual(first);
    harness.limiter = copyOf(harness.limiter);
    expect(harness.calls(START_US + 2, origin, reserve)).toEqual(first);
    expect(harness.take(START_US + 2, "k", rule)).toMatchObject({ outcome: Outcome.allowed, remaining: 0 });
  });

  it("stored results keep the limit in force, in the snapshot too", () => {
    const harness = new Harness();
    const session = harness.session(START_US, 1);
    const origin: CallOrigin = { kind: "session", session, nonce: nonceOf(1), ackedThrough: 0 };
    const takes = batchOf(
      [
        [
          { key: "k", rule },
          { key: "l", rule: windowLog(7, second) },
        ],
        [{ key: "m", rule }],
      ],
      1,
    );
    const first = harness.calls(START_US, origin, takes);
    expect(first.map((each) => each.limit)).toEqual([2, 7, 2]);
    harness.limiter = copyOf(harness.limiter);
    expect(harness.calls(START_US + 1, origin, takes)).toEqual(first);
  });
});

it("verbs that end a hold which is not open are refused, and change nothing", () => {
  const harness = new Harness();
  for (const verb of [Verb.commit, Verb.cancel, Verb.giveBack]) {
    const refused = harness.verb(START_US, verb, { key: "k", rule, handle: 1 });
    expect(refused).toMatchObject({ outcome: Outcome.notHeld, handle: 0 });
  }
  expect(harness.limiter.stats.keys).toBe(0);
});

const slots: Rule = { algorithm: Algorithm.concurrency, limit: 2, windowUs: second, burst: 0, policy: "" };

it("slots of concurrency are never taken, alone or in a group, and never denied without the log", () => {
  const harness = new Harness();
  expect(harness.take(START_US, "k", slots).outcome).toBe(Outcome.needsReservation);
  const group = [
    [
      { key: "k", rule },
      { key: "s", rule: slots },
    ],
    [{ key: "k", rule }],
  ];
  const results = harness.calls(START_US, { kind: "anonymous", namespace: "n" }, batchOf(group));
  expect(results.map((each) => each.outcome)).toEqual([27, 27, 1]);
  expect(results[2]!.remaining).toBe(1);
});
