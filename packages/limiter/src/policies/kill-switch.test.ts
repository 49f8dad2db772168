import { describe, expect, it } from "vitest";
import { NEVER, Outcome } from "../call-batch.ts";
import { encodeUtf8 } from "../entry/utf8.ts";
import { bucket, copyOf, START_US, windowLog } from "../testing/harness.ts";
import { byName, PolicyHarness, putPolicy } from "../testing/policy-harness.ts";
import { Verb } from "../verb.ts";
import { readAdminRequest } from "./admin-change.ts";

const second = 1_000_000;
const minute = 60 * second;
const day = 24 * 60 * minute;
const log = (limit: number, windowMs = 60_000) => ({ name: "api", algorithm: "sliding-window-log", limit, windowMs });
/** Gives one token back a day: what was used matters for two months. */
const slow = (burst: number) => ({
  name: "api",
  algorithm: "token-bucket",
  limit: 1,
  burst,
  windowMs: 86_400_000,
});
const gone = { kind: "deletePolicies", names: ["api"] };
const nameAlone = byName("api");

/** A name that was used under so many windows at once. */
function usedUnder(windows: number, more: { maxKeys?: number } = {}): PolicyHarness {
  const harness = new PolicyHarness(more);
  for (let i = 0; i < windows; i++) expect(harness.admitted(START_US, windowLog(5, minute + i, "api"))).toBe(5);
  return harness;
}

describe("K1 no change is refused for what was counted before", () => {
  it("a limit of 0, a deletion and a rollback are made however often a long bucket has changed", () => {
    const harness = new PolicyHarness();
    let stampUs = START_US;
    harness.change(putPolicy(slow(60)), {}, stampUs);
    expect(harness.admitted(stampUs, nameAlone)).toBe(60);
    for (let i = 0; i < 50; i++) {
      stampUs += second;
      expect(harness.change(putPolicy({ ...log(0), windowMs: 1_000 }), {}, stampUs).error).toBeNull();
      expect(harness.one(stampUs, "k", nameAlone)).toMatchObject({
        outcome: Outcome.limited,
        limit: 0,
        retryAfterMs: NEVER,
      });
      expect(harness.change({ kind: "rollback", version: 1 }, {}, stampUs).error).toBeNull();
      expect(harness.admitted(stampUs, nameAlone)).toBe(0);
      expect(harness.change(gone, {}, stampUs).error).toBeNull();
      expect(harness.admitted(stampUs, bucket(1, day, 60, "api"))).toBe(0);
      expect(harness.change(putPolicy(slow(60)), {}, stampUs).error).toBeNull();
    }
    expect(harness.admitted(stampUs, nameAlone)).toBe(0);
    expect(harness.admitted(stampUs + day, nameAlone)).toBeLessThanOrEqual(1);
  });

  it("up to 32 ways of counting are told apart: a key that used nothing is not taken for one that did", () => {
    const harness = new PolicyHarness();
    for (let i = 0; i < 32; i++) {
      harness.change(putPolicy(slow(60 + (i % 2))), {}, START_US + i);
      harness.admitted(START_US + i, nameAlone, `k${i}`, 1);
    }
    expect(harness.admitted(START_US + 32, nameAlone, "new")).toBe(61);
    harness.change(putPolicy(slow(60)), {}, START_US + 33);
    expect(harness.admitted(START_US + 33, nameAlone, "other")).toBe(60);
    // One more, and not all that a key may have used is looked for: each without a counter counts as full.
    harness.admitted(START_US + 33, nameAlone, "k32", 1);
    harness.change(putPolicy(slow(61)), {}, START_US + 34);
    expect(harness.admitted(START_US + 34, nameAlone, "third")).toBe(0);
    expect(harness.admitted(START_US + 34 + day, nameAlone, "third")).toBe(1);
  });

  it("what has faded is forgotten first, at no cost to anybody", () => {
    const harness = new PolicyHarness();
    for (let i = 0; i < 100; i++) {
      const atUs = START_US + i * 10 * second;
      harness.change(putPolicy({ ...log(5), windowMs: i % 2 === 0 ? 1_000 : 2_000 }), {}, atUs);
      expect(harness.admitted(atUs, nameAlone, `k${i}`)).toBe(5);
    }
  });

  it("a name used under more than 32 windows gets its policy; its keys count as full, and are free a window later", () => {
    const harness = usedUnder(40);
    expect(harness.change(putPolicy(log(5, 30_000)), {}, START_US + second).error).toBeNull();
    const told = harness.limiter.explain("n", nameAlone, encodeUtf8("idle"), START_US + second);
    expect(told).toMatchObject({ used: 5, available: 0, nextFreeMs: 30_000, isCarriedOver: true });
    for (const key of ["k", "new"]) expect(harness.one(START_US + second, key, nameAlone).retryAfterMs).toBe(30_000);
    for (const key of ["k", "new", "idle"]) expect(harness.admitted(START_US + 31 * second, nameAlone, key)).toBe(5);
  });

  it("a preview says that keys will begin as used up", () => {
    const change = readAdminRequest({ namespace: "n", change: putPolicy(log(5)) }).change;
    const words = (harness: PolicyHarness) =>
      change.kind === "liftBan" ? [] : harness.limiter.policies.preview("n", change).words;
    expect(words(usedUnder(40))[1]).toBe(
      'policy "api": its name is counted under 40 windows and algorithms, 32 can be carried over: each key will begin as used up',
    );
    expect(words(usedUnder(32))).toHaveLength(1);
  });

  it("K1 what was used under forgotten windows is not admitted again when they come back", () => {
    const harness = usedUnder(40);
    harness.change(putPolicy(log(5, 1_000)), {}, START_US + second);
    expect(harness.admitted(START_US + 3 * second, nameAlone)).toBe(5);
    harness.change(gone, {}, START_US + 4 * second);
    for (let i = 0; i < 40; i++)
      expect(harness.admitted(START_US + 5 * second, windowLog(5, minute + i, "api"))).toBe(0);
  });

  it("a full key is full for all who come after as long as its counters could have lasted, and no longer", () => {
    const harness = usedUnder(40);
    harness.change(putPolicy(log(5, 1_000)), {}, START_US + second);
    harness.change(putPolicy(log(5, 2_000)), {}, START_US + minute);
    expect(harness.admitted(START_US + minute, nameAlone, "new")).toBe(0);
    harness.change(putPolicy(log(5, 1_000)), {}, START_US + 4 * minute);
    expect(harness.admitted(START_US + 4 * minute, nameAlone, "newer")).toBe(5);
  });

  it("a limit of 0 gives no key a counter that had none, so that whoever is cut off fills no table", () => {
    const harness = usedUnder(40, { maxKeys: 50 });
    harness.change(putPolicy(log(0)), {}, START_US + second);
    for (let i = 0; i < 20; i++) {
      expect(harness.one(START_US + second, `stranger${i}`, nameAlone)).toMatchObject({ outcome: Outcome.limited });
    }
    expect(harness.limiter.stats.keys).toBe(40);
  });

  it.each([
    log(5),
    { ...log(5), algorithm: "sliding-window-counter" },
    { ...log(5), algorithm: "fixed-window" },
    { ...slow(5), windowMs: 60_000 },
  ])("a reset frees a key that counts as full, for good: $algorithm", (policy) => {
    const harness = usedUnder(40);
    harness.change(putPolicy(policy), {}, START_US + second);
    for (const key of ["k", "new"]) {
      expect(harness.admitted(START_US + second, nameAlone, key)).toBe(0);
      harness.ask(START_US + second, Verb.reset, key, nameAlone);
    }
    for (let i = 2; i < 20; i++) harness.apply(START_US + i * second);
    for (const key of ["k", "new"]) expect(harness.admitted(START_US + 20 * second, nameAlone, key)).toBe(5);
  });

  it.each([
    ["taken", Verb.take],
    ["held", Verb.reserve],
    ["held, and reset again,", Verb.reset],
  ])("a reset frees a bucket that counts as full, for good, when what is %s since has drained", (_, verb) => {
    const harness = usedUnder(40);
    harness.change(putPolicy({ ...slow(5), limit: 5, windowMs: 60_000 }), {}, START_US + second);
    expect(harness.admitted(START_US + second, nameAlone)).toBe(0);
    harness.ask(START_US + second, Verb.reset, "k", nameAlone);
    if (verb === Verb.take) harness.one(START_US + 2 * second, "k", nameAlone);
    else harness.ask(START_US + 2 * second, Verb.reserve, "k", nameAlone, { ttlMs: 1_000 });
    if (verb === Verb.reset) harness.ask(START_US + 2 * second, verb, "k", nameAlone);
    for (let i = 16; i < 20; i++) harness.apply(START_US + i * second);
    expect(harness.admitted(START_US + 20 * second, nameAlone)).toBe(5);
  });

  it("a reset of a bucket that counts as full, and holds what a shadow opened, frees it for good", () => {
    const harness = usedUnder(40);
    const shadowed = { ...slow(5), limit: 5, windowMs: 60_000, shadow: true };
    harness.change(putPolicy(shadowed), {}, START_US + second);
    harness.ask(START_US + second, Verb.reserve, "k", nameAlone, { ttlMs: 1_000 });
    harness.ask(START_US + second, Verb.reset, "k", nameAlone);
    harness.change(putPolicy({ ...shadowed, shadow: false }), {}, START_US + 2 * second);
    for (let i = 16; i < 20; i++) harness.apply(START_US + i * second);
    expect(harness.admitted(START_US + 20 * second, nameAlone)).toBe(5);
  });

  it("K2 keys that count as full are held against the quota of their namespace", () => {
    const harness = usedUnder(40);
    harness.change(putPolicy(log(5)), {}, START_US + second);
    harness.change({ kind: "setKeyQuota", maxKeys: 40 }, {}, START_US + second);
    expect(harness.one(START_US + second, "new", nameAlone).outcome).toBe(Outcome.namespaceFull);
  });

  it("thousands of windows under one name are more than a change looks at, and change nothing about that", () => {
    const harness = new PolicyHarness();
    for (let i = 0; i < 5_000; i++) harness.one(START_US, "k", windowLog(5, minute + i, "api"));
    expect(harness.change(putPolicy(log(5, 30_000)), {}, START_US + second).error).toBeNull();
    expect(harness.admitted(START_US + second, nameAlone)).toBe(0);
    expect(harness.change(gone, {}, START_US + minute / 2).error).toBeNull();
    for (const i of [0, 4_999])
      expect(harness.admitted(START_US + minute / 2, windowLog(5, minute + i, "api"))).toBe(0);
  });

  it("a namespace of thousands of names with a past keeps one rule of each, and refuses none a change", () => {
    const harness = new PolicyHarness();
    const names = Array.from({ length: 2_700 }, (_, i) => `p${i}`);
    const policy = (name: string, algorithm: string, limit = 5) => ({ name, algorithm, limit, windowMs: 60_000 });
    for (let i = 0; i < names.length; i += 900) {
      const some = names.slice(i, i + 900);
      const policies = some.map((name) => policy(name, "sliding-window-log"));
      expect(harness.change({ kind: "putPolicies", policies }).error).toBeNull();
      for (const name of some) harness.one(START_US, "k", { ...nameAlone, policy: name }, 5);
      expect(harness.change({ kind: "deletePolicies", names: some }).error).toBeNull();
    }
    for (const [at, name] of ["p0", "p1500", "p2699"].entries()) {
      const rule = { ...nameAlone, policy: name };
      const stampUs = START_US + at * second;
      for (const algorithm of ["fixed-window", "sliding-window-log"]) {
        expect(harness.change(putPolicy(policy(name, algorithm)), {}, stampUs).error).toBeNull();
        expect(harness.admitted(stampUs, rule)).toBe(0);
      }
      expect(harness.change(putPolicy(policy(name, "sliding-window-counter", 0)), {}, stampUs).error).toBeNull();
      expect(harness.one(stampUs, "k", rule)).toMatchObject({ outcome: Outcome.limited, limit: 0 });
      expect(harness.change({ kind: "deletePolicies", names: [name] }, {}, stampUs).error).toBeNull();
      expect(harness.admitted(stampUs, windowLog(5, minute, name))).toBe(0);
    }
    expect(harness.one(START_US + 2 * second, "other", windowLog(5, minute, "p9")).outcome).toBe(Outcome.allowed);
  });

  it("R1 a reservation on a counter that is forgotten goes along all the same", () => {
    const harness = new PolicyHarness();
    const first = windowLog(5, 1_000, "api");
    const { handle } = harness.ask(START_US, Verb.reserve, "k", first, { cost: 3, ttlMs: 300_000 });
    for (let i = 0; i < 40; i++) harness.one(START_US, "k", windowLog(5, minute + i, "api"));
    harness.change(putPolicy(slow(5)), {}, START_US + second);
    const { holds } = harness.limiter.explain("n", nameAlone, new Uint8Array([107]), START_US + second);
    expect(holds.map(({ kind, cost }) => [kind, cost])).toEqual([["reservation", 3]]);
    const laterUs = START_US + second + 3 * minute;
    expect(harness.ask(laterUs, Verb.cancel, "k", nameAlone, { handle }).outcome).toBe(Outcome.allowed);
  });

  it("S8 a copy from a snapshot knows what was forgotten, and goes on with the same answers and the same hash", () => {
    const harness = usedUnder(40);
    harness.change(putPolicy(log(5, 30_000)), {}, START_US + second);
    const copy = copyOf(harness.limiter);
    expect(harness.admitted(START_US + 2 * second, nameAlone, "new")).toBe(0);
    harness.change(putPolicy(log(5, 20_000)), {}, START_US + 3 * second);
    expect(harness.admitted(START_US + 3 * second, nameAlone, "newer")).toBe(0);
    for (const { index, bytes } of harness.entries) if (index > copy.appliedIndex) copy.apply(index, bytes);
    expect(copy.stateHash()).toEqual(harness.limiter.stateHash());
  });
});
