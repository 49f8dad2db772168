import { Algorithm, type Bounds, type CallBatch, type Operation, Outcome, type Rule, Verb } from "@quorumguard/limiter";
import { describe, expect, test } from "vitest";
import { auditLink } from "./link-audit.ts";
import { auditLog, type DecodedEntry } from "./log-audit.ts";
import type { Acknowledgement, CallerRecord, CommittedEntry } from "./records.ts";

const bounds: Bounds = {
  maxKeys: 100,
  maxSessions: 10,
  maxResultsPerSession: 100,
  sessionTtlUs: 1_500_000,
  maxRequestIds: 10,
  requestIdTtlUs: 1_000_000,
  maxHolds: 100,
  maxHoldsPerSession: 10,
};
const rule: Rule = { algorithm: Algorithm.slidingWindowLog, limit: 2, windowUs: 1_000_000, burst: 0, policy: "" };
const nonce = new Uint8Array(16).fill(9);

function batch(firstNumber: number, keys: readonly string[]): CallBatch {
  const pieces = keys.map((key) => new TextEncoder().encode(key));
  const keyBytes = new Uint8Array(pieces.reduce((sum, piece) => sum + piece.length, 0));
  const keyStarts = new Uint32Array(keys.length);
  let at = 0;
  for (const [i, piece] of pieces.entries()) {
    keyBytes.set(piece, at);
    keyStarts[i] = at;
    at += piece.length;
  }
  const keyLengths = Uint32Array.from(pieces, (piece) => piece.length);
  const plain = { ruleIndexes: null, costs: null, sizes: null, verbs: null, ttlsMs: null, handles: null };
  const columns = { keyBytes, keyStarts, keyLengths, ...plain };
  return { firstNumber, calls: keys.length, items: keys.length, rules: [rule], ...columns };
}

/** A log in the making: entries hold their own index as data, and the decoder looks them up. */
function newLog() {
  const decoded = new Map<number, DecodedEntry>();
  const entries: CommittedEntry[] = [];
  const add = (index: number, stampUs: number, operations: Operation[], takeover = false) => {
    decoded.set(index, { takeover, stampUs, operations });
    entries.push({ index, term: 1, data: new Uint8Array([index]) });
  };
  const calls = (index: number, stampUs: number, firstNumber: number, keys: string[], ackedThrough = 0) =>
    add(index, stampUs, [
      {
        kind: "calls",
        origin: { kind: "session", session: { index: 1, position: 0 }, nonce, ackedThrough },
        batch: batch(firstNumber, keys),
      },
    ]);
  add(1, 1_000, [{ kind: "register", nonce, helloStampUs: 0, namespace: "" }]);
  const audit = (acknowledgements: readonly Acknowledgement[]) =>
    auditLog({ entries, decode: (data) => decoded.get(data[0]!)!, bounds, acknowledgements });
  return { add, calls, audit };
}

function ack(number: number, key: string, outcome: number, over: Partial<Acknowledgement> = {}): Acknowledgement {
  const allowed = outcome === Outcome.allowed;
  return {
    session: "1:0",
    number,
    asked: [{ key, rule, cost: 1 }],
    source: "quorum",
    index: 2,
    stampUs: 2_000,
    outcomes: [outcome],
    remaining: [allowed ? 2 - number : 0],
    resetAfterMs: [1_000],
    retryAfterMs: [allowed ? 0 : 1_000],
    ...over,
  };
}

describe("A1 A2 the audit by log", () => {
  test("finds nothing in an honest log", () => {
    const log = newLog();
    log.calls(2, 2_000, 1, ["k", "k", "k"]);
    const acks = [ack(1, "k", Outcome.allowed), ack(2, "k", Outcome.allowed), ack(3, "k", Outcome.limited)];
    expect(log.audit(acks).violations).toEqual([]);
  });

  test("finds a check outside the log: an allowance beyond the limit", () => {
    const log = newLog();
    log.calls(2, 2_000, 1, ["k", "k", "k"]);
    const { violations } = log.audit([ack(3, "k", Outcome.allowed)]);
    expect(violations[0]).toContain("acknowledged as allowed, the model says denied");
  });

  test("finds a lost acknowledgement: no committed entry decides the call", () => {
    const log = newLog();
    log.calls(2, 2_000, 1, ["k"]);
    expect(log.audit([ack(2, "k", Outcome.allowed)]).violations[0]).toContain("no committed entry up to 2 decides it");
  });

  test("finds a double charge: a repeated call that took twice from the limit", () => {
    const log = newLog();
    log.calls(2, 2_000, 1, ["k"]);
    log.calls(3, 3_000, 1, ["k"]);
    log.calls(4, 4_000, 2, ["k"]);
    // A limiter that charged number 1 again denies number 2; the model, which counts it once, does not.
    const { violations } = log.audit([ack(2, "k", Outcome.limited, { index: 4, stampUs: 4_000 })]);
    expect(violations[0]).toContain("acknowledged as denied, the model says allowed");
  });

  test("finds a key beyond maxKeys, and a refusal while there was room", () => {
    const log = newLog();
    const few = { ...bounds, maxKeys: 2 };
    log.add(2, 1_500, [{ kind: "bounds", bounds: few }]);
    log.calls(3, 2_000, 1, ["a", "b", "c"]);
    log.calls(4, 1_002_000, 4, ["c"]);
    const full = { remaining: [0], resetAfterMs: [0], retryAfterMs: [0] };
    const later = { index: 4, stampUs: 1_002_000 };
    const honest = [ack(3, "c", Outcome.keysFull, full), ack(4, "c", Outcome.allowed, { ...later, remaining: [1] })];
    expect(log.audit(honest).violations).toEqual([]);
    const { violations } = log.audit([ack(3, "c", Outcome.allowed), ack(4, "c", Outcome.keysFull, later)]);
    expect(violations[0]).toContain("acknowledged as allowed, the model says keysFull");
    expect(violations[1]).toContain("refused with keysFull, for which the log has no reason");
  });

  test("finds frozen time: a window that should have passed and did not", () => {
    const log = newLog();
    log.calls(2, 2_000, 1, ["k", "k"]);
    log.calls(3, 1_002_000, 3, ["k"]);
    expect(log.audit([ack(3, "k", Outcome.limited)]).violations[0]).toContain("the model says allowed");
  });

  test("finds a session created by a retry: calls of a dead session that were decided", () => {
    const log = newLog();
    log.calls(2, 2_000, 1, ["k"]);
    log.calls(3, 5_000_000, 2, ["k"]);
    const { violations } = log.audit([ack(2, "k", Outcome.allowed, { index: 3 })]);
    expect(violations[0]).toContain("no committed entry up to 3 decides it");
    expect(log.audit([ack(2, "k", Outcome.sessionExpired, { index: 3 })]).violations).toEqual([]);
  });

  test("finds a forgotten session: calls of a living one that were refused", () => {
    const log = newLog();
    log.calls(2, 2_000, 1, ["k"]);
    expect(log.audit([ack(1, "k", Outcome.sessionExpired)]).violations[0]).toContain("the log has no reason");
  });

  test("a takeover lets a session live one TTL on, and wakes none that was dead", () => {
    const living = newLog();
    living.add(2, 900_000, []);
    living.add(3, 9_000_000, [], true);
    living.calls(4, 9_500_000, 1, ["k"]);
    expect(living.audit([ack(1, "k", Outcome.allowed, { index: 4 })]).violations).toEqual([]);
    const dead = newLog();
    dead.add(2, 1_900_000, []);
    dead.add(3, 9_000_000, [], true);
    dead.calls(4, 9_500_000, 1, ["k"]);
    expect(dead.audit([ack(1, "k", Outcome.sessionExpired, { index: 4 })]).violations).toEqual([]);
  });

  test("finds the fast path taken on a retry: a call denied because of its own charge", () => {
    const log = newLog();
    log.calls(2, 2_000, 1, ["k", "k"]);
    const fast = { source: "leader", index: 0, stampUs: 3_000 } as const;
    expect(log.audit([ack(2, "k", Outcome.limited, fast)]).violations).toEqual([
      "call 1:0#2 on k cost 1 of 2: denied from applied state, but entry 2 charged it",
    ]);
    expect(log.audit([ack(3, "k", Outcome.limited, fast)]).violations).toEqual([]);
  });

  test("a denial that was overtaken by the attempt that replaced it is no such thing", () => {
    const log = newLog();
    log.calls(2, 2_000, 1, ["k", "k"]);
    log.calls(3, 1_002_000, 3, ["k"]);
    const late = { source: "leader", index: 0, stampUs: 900_000 } as const;
    expect(log.audit([ack(3, "k", Outcome.limited, late)]).violations).toEqual([]);
  });

  test("finds a denial from applied state that the state did not bear out", () => {
    const log = newLog();
    log.calls(2, 2_000, 1, ["k"]);
    const fast = { source: "leader", index: 0, stampUs: 3_000 } as const;
    expect(log.audit([ack(3, "k", Outcome.limited, fast)]).violations[0]).toContain("were free");
  });

  test("finds wrong numbers beside a right decision", () => {
    const log = newLog();
    log.calls(2, 2_000, 1, ["k"]);
    expect(log.audit([ack(1, "k", Outcome.allowed, { remaining: [7] })]).violations[0]).toContain(
      "remaining is 7, the model says 1",
    );
  });

  test("finds a call whose content changed on the way to the log", () => {
    const log = newLog();
    log.calls(2, 2_000, 1, ["other"]);
    expect(log.audit([ack(1, "k", Outcome.allowed)]).violations[0]).toContain("the log has other");
  });
});

describe("A1 A2 the link between callers and log", () => {
  test("S5 S7 an id that a takeover finds remembered is executed once, though time jumped by more than its memory", () => {
    const log = newLog();
    const origin = { kind: "request", namespace: "", identity: "", requestId: "r" } as const;
    const ask = (index: number, stampUs: number) =>
      log.add(index, stampUs, [{ kind: "calls", origin, batch: batch(1, ["k"]) }]);
    ask(2, 2_000);
    log.add(3, 60_000_000, [], true);
    ask(4, 60_000_000 + 1_000_000);
    expect(log.audit([]).log.executed.map(({ index }) => index)).toEqual([2]);
    ask(5, 60_000_000 + 1_000_001);
    expect(log.audit([]).log.executed.map(({ index }) => index)).toEqual([2, 5]);
  });

  test("finds an allowance that nobody was charged for, and a charge told twice", () => {
    const log = newLog();
    log.calls(2, 2_000, 1, ["k"]);
    const replayed = log.audit([]).log;
    const told = (count: number): CallerRecord[] =>
      Array.from({ length: count }, () => ({
        client: "client-1",
        startUs: 0,
        endUs: 1,
        items: [{ key: "k", rule, cost: 1 }],
        requestId: null,
        allowed: true,
        source: "quorum",
        degraded: false,
        error: null,
        applied: null,
      }));
    expect(auditLink(told(1), replayed, () => "client-1")).toEqual([]);
    expect(auditLink(told(2), replayed, () => "client-1")[0]).toContain("were allowed 2, the log charged 1");
    expect(auditLink(told(1), replayed, () => "client-2")[0]).toContain("were allowed 1, the log charged 0");
  });
});

describe("A1 A2 the audit by log knows what is no take", () => {
  const origin = { kind: "session", session: { index: 1, position: 0 }, nonce, ackedThrough: 0 } as const;
  /** One call of one item of key "k" under the rule. */
  const call = (number: number, verb: Verb, more: { cost?: number; ttlMs?: number; handle?: number } = {}) => {
    const { cost = 1, ttlMs = 0, handle = 0 } = more;
    const columns = { verbs: Uint8Array.of(verb), ttlsMs: Float64Array.of(ttlMs), handles: Float64Array.of(handle) };
    const one: CallBatch = { ...batch(number, ["k"]), ...columns, costs: Uint32Array.of(cost) };
    return { kind: "calls", origin, batch: one } as const;
  };
  const said = (number: number, verb: Verb, outcome: number, over: Partial<Acknowledgement> = {}) =>
    ack(number, "k", outcome, { asked: [{ key: "k", rule, cost: 1, verb, ttlMs: 0, handle: 0 }], ...over });
  const done = (number: number, verb: Verb, remaining: number, resetAfterMs: number, over: Partial<Acknowledgement>) =>
    said(number, verb, Outcome.allowed, { remaining: [remaining], resetAfterMs: [resetAfterMs], ...over });

  test("finds a reset that forgot an open reservation: the two after it were not free", () => {
    const log = newLog();
    log.add(2, 2_000, [call(1, Verb.reserve, { ttlMs: 500 }), call(2, Verb.reset), call(3, Verb.take, { cost: 2 })]);
    const asked = [{ key: "k", rule, cost: 2 }];
    const { violations } = log.audit([ack(3, "k", Outcome.allowed, { asked })]);
    expect(violations[0]).toContain("acknowledged as allowed, the model says denied");
    expect(log.audit([done(2, Verb.reset, 1, 1_000, {})]).violations).toEqual([]);
    expect(log.audit([done(2, Verb.reset, 2, 0, {})]).violations[0]).toContain("remaining is 2, the model says 1");
  });

  test("a denial from applied state stands before what was committed after it was heard, whatever the stamps say", () => {
    const log = newLog();
    log.calls(2, 2_000, 1, ["k", "k"]);
    // Time began anew behind the denial.
    log.add(3, 2_500, [call(3, Verb.reset)], true);
    const denied = (over: Partial<Acknowledgement>) =>
      log.audit([ack(4, "k", Outcome.limited, { source: "leader", index: 0, stampUs: 3_000, ...over })]).violations;
    expect(denied({ knownCommit: 2 })).toEqual([]);
    expect(denied({ knownCommit: 3 })[0]).toContain("were free");
    expect(denied({})[0]).toContain("were free");
  });

  test("finds a reservation that was settled twice", () => {
    const log = newLog();
    log.add(2, 2_000, [call(1, Verb.reserve, { ttlMs: 500 }), call(2, Verb.cancel, { handle: 1 })]);
    log.add(3, 3_000, [call(3, Verb.cancel, { handle: 1 })]);
    const asked = [{ key: "k", rule, cost: 1, verb: Verb.cancel, ttlMs: 0, handle: 1 }];
    expect(log.audit([done(2, Verb.cancel, 2, 0, { asked })]).violations).toEqual([]);
    expect(log.audit([done(3, Verb.cancel, 2, 0, { asked })]).violations[0]).toContain("the model says notHeld");
    expect(
      log.audit([said(3, Verb.cancel, Outcome.notHeld, { asked, resetAfterMs: [0], retryAfterMs: [0] })]).violations,
    ).toEqual([]);
  });

  test("finds a handle that is another reservation's", () => {
    const log = newLog();
    log.add(2, 2_000, [call(1, Verb.reserve, { ttlMs: 500 })]);
    const asked = [{ key: "k", rule, cost: 1, verb: Verb.reserve, ttlMs: 500, handle: 0 }];
    expect(log.audit([done(1, Verb.reserve, 1, 1_000, { asked, handles: [1] })]).violations).toEqual([]);
    const { violations } = log.audit([done(1, Verb.reserve, 1, 1_000, { asked, handles: [2] })]);
    expect(violations[0]).toContain("handle is 2, the model says 1");
  });

  test("finds a policy that was not in force at its place in the log, and a ban that was forgotten", () => {
    const log = newLog();
    const policy = { name: "p", algorithm: "sliding-window-log", limit: 1, windowMs: 1_000 } as const;
    const ban = { denials: 1, windowMs: 1_000, durationsMs: [5_000], forgetAfterMs: 1_000 };
    const change = { kind: "putPolicies", policies: [{ ...policy, ban }] } as const;
    const request = { namespace: "", change, expectedVersion: null, changeId: "c", author: "" };
    const named = { ...rule, policy: "p" };
    const take = (number: number) =>
      ({ kind: "calls", origin, batch: { ...batch(number, ["k"]), rules: [named] } }) as const;
    log.add(2, 2_000, [{ kind: "administer", request }, take(1), take(2)]);
    log.add(3, 1_500_000, [take(3)]);
    const told = (number: number, outcome: number, over: Partial<Acknowledgement>) =>
      ack(number, "k", outcome, { asked: [{ key: "k", rule: named, cost: 1 }], limits: [1], ...over });
    const banned = { remaining: [0], resetAfterMs: [5_000], retryAfterMs: [5_000] };
    const right = [told(1, Outcome.allowed, { remaining: [0] }), told(2, Outcome.banned, banned)];
    expect(log.audit(right).violations).toEqual([]);
    expect(log.audit([told(2, Outcome.allowed, {})]).violations[0]).toContain("the model says denied");
    expect(log.audit([told(2, Outcome.limited, banned)]).violations[0]).toContain("is denied, the model says banned");
    expect(log.audit([told(3, Outcome.allowed, {})]).violations[0]).toContain("the model says denied");
    expect(log.audit([told(1, Outcome.allowed, { remaining: [0], limits: [2] })]).violations[0]).toContain(
      "limit is 2",
    );
    expect(log.audit([]).log.change("", "c")).toEqual({ version: 1, changed: 1, error: null });
  });
});
