import { describe, expect, it } from "vitest";
import { NEVER, Outcome } from "../call-batch.ts";
import { encodeUtf8 } from "../entry/utf8.ts";
import { bucket, copyOf, START_US, windowLog } from "../testing/harness.ts";
import { byName, PolicyHarness } from "../testing/policy-harness.ts";
import { Verb } from "../verb.ts";

const second = 1_000_000;
const minute = 60 * second;
const nameAlone = byName("api");

const shapes = {
  log: { algorithm: "sliding-window-log", limit: 10, windowMs: 60_000 },
  counter: { algorithm: "sliding-window-counter", limit: 10, windowMs: 60_000 },
  fixed: { algorithm: "fixed-window", limit: 10, windowMs: 3_600_000 },
  bucket: { algorithm: "token-bucket", limit: 10, burst: 100, windowMs: 60_000 },
  "smaller bucket": { algorithm: "token-bucket", limit: 10, burst: 50, windowMs: 60_000 },
  "small window": { algorithm: "sliding-window-log", limit: 3, windowMs: 50_000 },
} as const;

function put(harness: PolicyHarness, shape: object, stampUs = START_US): void {
  const { error } = harness.change({ kind: "putPolicies", policies: [{ name: "api", ...shape }] }, {}, stampUs);
  expect(error).toBeNull();
}

function explain({ limiter }: PolicyHarness, stampUs: number, key = "k", rule = nameAlone) {
  return limiter.explain("n", rule, encodeUtf8(key), stampUs);
}

/** The key's counts are carried over, and nothing else happens: there is no such hold. */
function touch(harness: PolicyHarness, stampUs: number, key = "k"): void {
  expect(harness.ask(stampUs, Verb.cancel, key, nameAlone, { handle: 999 }).outcome).toBe(Outcome.notHeld);
}

it("explain is the same text on a node that was restored from a snapshot", () => {
  const harness = new PolicyHarness();
  put(harness, shapes.bucket);
  const override = { policy: "api", key: "k", limit: 3, burst: 7 };
  expect(harness.change({ kind: "putOverrides", overrides: [override] }).error).toBeNull();
  harness.ask(START_US, Verb.reserve, "k", nameAlone, { ttlMs: 60_000 });
  const told = explain(harness, START_US);
  expect(told.lastChange).toMatchObject({ sequence: 2, kind: "putOverrides" });
  const restored = copyOf(harness.limiter).explain("n", nameAlone, encodeUtf8("k"), START_US);
  expect(JSON.stringify(restored)).toBe(JSON.stringify(told));
});

describe("explain, while counts wait to be carried over", () => {
  const names = Object.keys(shapes) as (keyof typeof shapes)[];
  const pairs = names.flatMap((from) => names.filter((to) => to !== from).map((to) => [from, to] as const));

  it.each(pairs)("from %s to %s, tells what it tells once they are", (from, to) => {
    const harness = new PolicyHarness();
    put(harness, shapes[from]);
    harness.one(START_US, "k", nameAlone, 3);
    put(harness, shapes[to], START_US + second);
    const stampUs = START_US + 4 * second;
    const before = explain(harness, stampUs);
    expect(before).toMatchObject({ isCarriedOver: true, used: 3 });
    touch(harness, stampUs);
    expect({ ...before, isCarriedOver: false }).toEqual(explain(harness, stampUs));
  });

  it("tells all that was used, be it more than the limit is now", () => {
    const harness = new PolicyHarness();
    put(harness, { ...shapes.log, limit: 100 });
    harness.one(START_US, "k", nameAlone, 80);
    put(harness, { ...shapes.fixed, limit: 10 });
    const before = explain(harness, START_US);
    expect(before).toMatchObject({ used: 80, available: 0 });
    touch(harness, START_US);
    expect(explain(harness, START_US)).toEqual({ ...before, isCarriedOver: false });
  });

  it("tells what a limit of 0 finds used", () => {
    const harness = new PolicyHarness();
    put(harness, shapes.bucket);
    harness.one(START_US, "k", nameAlone, 5);
    put(harness, { ...shapes["smaller bucket"], limit: 0 });
    expect(explain(harness, START_US)).toMatchObject({ used: 5, available: 0, nextFreeMs: null });
  });

  it("tells the open holds that a policy which went leaves to the first inline rule", () => {
    const harness = new PolicyHarness();
    put(harness, shapes.log);
    const inline = windowLog(10, minute, "api");
    const { handle } = harness.ask(START_US, Verb.reserve, "k", nameAlone, { cost: 4, ttlMs: 30_000 });
    harness.change({ kind: "deletePolicies", names: ["api"] });
    const before = explain(harness, START_US, "k", inline);
    expect(before).toMatchObject({
      ...{ isCarriedOver: true, used: 4, available: 6 },
      holds: [{ handle, kind: "reservation", cost: 4, expiryUs: START_US + 30 * second }],
    });
    expect(harness.ask(START_US, Verb.cancel, "k", inline, { handle: 999 }).outcome).toBe(Outcome.notHeld);
    expect(explain(harness, START_US, "k", inline)).toEqual({ ...before, isCarriedOver: false });
  });

  it("D2 peek is as little firm as the call itself, while what may come back has yet to be carried over", () => {
    const harness = new PolicyHarness();
    put(harness, shapes.log);
    const inline = windowLog(10, minute, "api");
    harness.ask(START_US, Verb.reserve, "k", nameAlone, { cost: 10, ttlMs: 30_000 });
    harness.change({ kind: "deletePolicies", names: ["api"] });
    const { outcomes, firmForMs } = harness.limiter.peek("n", inline, encodeUtf8("k"), 1, START_US);
    expect([outcomes[0], firmForMs[0]]).toEqual([Outcome.limited, 0]);
    expect(harness.one(START_US, "k", inline)).toMatchObject({ outcome: Outcome.limited, firmForMs: 0 });
  });

  it("changes nothing", () => {
    const harness = new PolicyHarness();
    put(harness, shapes.bucket);
    harness.ask(START_US, Verb.reserve, "k", nameAlone, { cost: 4, ttlMs: 30_000 });
    put(harness, shapes["smaller bucket"], START_US + second);
    const stampUs = START_US + 2 * second;
    const hash = harness.limiter.stateHash();
    const first = explain(harness, stampUs);
    expect(explain(harness, stampUs)).toEqual(first);
    expect(harness.limiter.stateHash()).toEqual(hash);
  });
});

describe("explain, of a key on a list", () => {
  it.each([
    ["deny", { available: 0, nextFreeMs: null }, { outcome: Outcome.blocked, remaining: 0, retryAfterMs: NEVER }],
    ["allow", { available: 10, nextFreeMs: 0 }, { outcome: Outcome.allowed, remaining: 10, retryAfterMs: 0 }],
  ])("%s: tells what a call is told, and what is used all the same", (list, explained, told) => {
    for (const used of [3, 10]) {
      const harness = new PolicyHarness();
      put(harness, shapes.log);
      harness.one(START_US, "k", nameAlone, used);
      harness.change({ kind: "putListEntries", entries: [{ list, match: "key", value: "k" }] });
      expect(explain(harness, START_US)).toMatchObject({ list, used, resetAfterMs: 60_000, ...explained });
      expect(harness.one(START_US, "k", nameAlone)).toMatchObject(told);
    }
  });
});

it("K1 a question is answered as of its own stamp, not as of that of the first one", () => {
  const harness = new PolicyHarness();
  const later = START_US + 180 * minute;
  put(harness, { algorithm: "sliding-window-log", limit: 100, windowMs: 1_000 });
  expect(harness.one(START_US, "k", nameAlone, 50).outcome).toBe(Outcome.allowed);
  expect(harness.change({ kind: "deletePolicies", names: ["api"] }, {}, START_US + 1_000).error).toBeNull();
  const inline = bucket(1, 60 * minute, 100, "api");
  const free = ({ limiter }: Pick<PolicyHarness, "limiter">, stampUs: number) =>
    limiter.peek("n", inline, encodeUtf8("k"), 1, stampUs).remaining[0];
  const fresh = free({ limiter: copyOf(harness.limiter) }, later);
  expect(free(harness, START_US + second)).toBe(50);
  expect(free(harness, later)).toBe(fresh);
  free(harness, START_US + second);
  expect(harness.one(later, "k", inline, 1).remaining).toBe(fresh! - 1);
});

it("a ban of a policy that is gone is in force for nobody, stays in the list, and holds again under a policy that bans", () => {
  const harness = new PolicyHarness();
  const ban = { denials: 1, windowMs: 60_000, durationsMs: [3_600_000] };
  const inline = windowLog(1, second, "api");
  const later = START_US + 2 * second;
  put(harness, { limit: 1, windowMs: 1_000, ban });
  expect(harness.admitted(START_US, nameAlone)).toBe(1);
  expect(explain(harness, START_US).ban).toMatchObject({ strikes: 1 });
  expect(harness.change({ kind: "deletePolicies", names: ["api"] }, {}, START_US + 1).error).toBeNull();
  expect(harness.one(later, "k", inline).outcome).toBe(Outcome.allowed);
  expect(explain(harness, later, "k", inline).ban).toBeNull();
  expect(harness.limiter.bans("n", later, 9)).toMatchObject({ total: 1, bans: [{ policy: "api", key: "k" }] });
  expect(harness.limiter.countBans(later)).toBe(1);
  put(harness, { limit: 1_000, windowMs: 1_000, ban }, later);
  expect(harness.one(later, "k", nameAlone).outcome).toBe(Outcome.banned);
  expect(harness.change({ kind: "liftBan", policy: "api", key: "k" }, {}, later).error).toBeNull();
  expect(harness.one(later, "k", nameAlone).outcome).toBe(Outcome.allowed);
});
