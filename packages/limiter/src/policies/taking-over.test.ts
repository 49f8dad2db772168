import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Outcome } from "../call-batch.ts";
import { createResultColumns } from "../result-columns.ts";
import { batchOf, bucket, copyOf, START_US, windowLog } from "../testing/harness.ts";
import { byName, PolicyHarness, putPolicy } from "../testing/policy-harness.ts";
import { Verb } from "../verb.ts";

const second = 1_000_000;
const minute = 60 * second;
const log = (limit: number, windowMs = 60_000) => ({ name: "api", algorithm: "sliding-window-log", limit, windowMs });
const tokens = (limit: number, burst: number, windowMs = 60_000) => ({
  name: "api",
  algorithm: "token-bucket",
  limit,
  burst,
  windowMs,
});
const gone = { kind: "deletePolicies", names: ["api"] };
const nameAlone = byName("api");

describe("K1 when another rule takes over a name", () => {
  it.each([
    ["a policy goes", gone],
    ["another policy comes", putPolicy(tokens(5, 5))],
  ])("R1 a reservation whose charge has left its window stays withheld, and can be settled: %s", (_, change) => {
    const harness = new PolicyHarness();
    harness.change(putPolicy(log(5, 1_000)));
    const inline = bucket(5, second, 5, "api");
    const reserved = harness.ask(START_US, Verb.reserve, "k", inline, { cost: 2, ttlMs: 10_000 });
    const fadedUs = START_US + 2 * second;
    harness.change(change, {}, fadedUs);
    expect(harness.admitted(fadedUs, inline)).toBe(3);
    const settled = harness.ask(fadedUs, Verb.cancel, "k", inline, { handle: reserved.handle });
    expect(settled).toMatchObject({ outcome: Outcome.allowed, remaining: 2 });
  });

  it("5 of 5 used inline, policy created: no 5 more", () => {
    for (const windowMs of [60_000, 30_000, 120_000]) {
      const harness = new PolicyHarness();
      expect(harness.admitted(START_US, windowLog(5, minute, "api"))).toBe(5);
      harness.change(putPolicy(log(5, windowMs)), {}, START_US + second);
      expect(harness.admitted(START_US + 2 * second, nameAlone)).toBe(0);
    }
  });

  it("two deployments' windows trimming each other: the key takes the fullest of both", () => {
    const harness = new PolicyHarness();
    expect(harness.admitted(START_US, windowLog(3, minute, "api"))).toBe(3);
    expect(harness.admitted(START_US, windowLog(7, 10 * second, "api"))).toBe(7);
    harness.change(putPolicy(log(8)), {}, START_US + second);
    expect(harness.admitted(START_US + second, nameAlone)).toBe(1);
  });

  it("what was counted is charged as of the stamp of the change, whenever the key is touched first", () => {
    const changeUs = START_US + 5 * second;
    for (const afterUs of [0, second, 30 * second, minute - 1]) {
      const harness = new PolicyHarness();
      harness.admitted(START_US, windowLog(5, 10 * second, "api"));
      harness.change(putPolicy(log(5)), {}, changeUs);
      // The window of the old rule is over long before the last of these: sweeps must not have freed what was counted.
      for (let us = 0; us <= afterUs; us += second) harness.apply(changeUs + us);
      const { outcome, retryAfterMs } = harness.one(changeUs + afterUs, "k", nameAlone);
      expect([outcome, retryAfterMs]).toEqual([Outcome.limited, Math.ceil((minute - afterUs) / 1_000)]);
      expect(harness.one(changeUs + minute, "k", nameAlone).outcome).toBe(Outcome.allowed);
    }
  });

  it("a policy that goes leaves its counts to every inline rule of its name, each only once", () => {
    const harness = new PolicyHarness();
    harness.change(putPolicy(log(5)));
    expect(harness.admitted(START_US, nameAlone)).toBe(5);
    harness.change(gone, {}, START_US + second);
    expect(harness.admitted(START_US + second, windowLog(5, minute, "api"))).toBe(0);
    expect(harness.admitted(START_US + second, windowLog(7, 30 * second, "api"))).toBe(2);
    expect(harness.admitted(START_US + second, windowLog(7, 30 * second, "other"))).toBe(7);
    expect(harness.admitted(START_US + second + 30 * second, windowLog(7, 30 * second, "api"))).toBe(7);
    expect(harness.admitted(START_US + 2 * second + 30 * second, windowLog(5, minute, "api"))).toBe(0);
  });

  it("an inline rule that was asked while the policy stood finds its counts for as long as its own window", () => {
    const harness = new PolicyHarness();
    harness.change(putPolicy(log(5, 1_000)));
    const hourly = windowLog(5, 60 * minute, "api");
    expect(harness.admitted(START_US, hourly)).toBe(5);
    harness.change(gone, {}, START_US + 1);
    for (let i = 1; i < 60; i++) harness.apply(START_US + i * minute);
    expect(harness.admitted(START_US + 59 * minute, hourly)).toBe(0);
    expect(harness.admitted(START_US + 1 + 60 * minute, hourly)).toBe(5);
  });

  it("an inline rule of the same shape as the policy that went does not move what others inherit", () => {
    const harness = new PolicyHarness();
    harness.change(putPolicy(log(5)));
    expect(harness.admitted(START_US, nameAlone)).toBe(5);
    harness.change(gone, {}, START_US + second);
    expect(harness.admitted(START_US + second, windowLog(9, minute, "api"))).toBe(4);
    expect(harness.admitted(START_US + 2 * second, windowLog(9, 50 * second, "api"))).toBe(4);
  });

  it("a change of the limit alone keeps every admission where it is", () => {
    const harness = new PolicyHarness();
    harness.change(putPolicy(log(5)));
    expect(harness.admitted(START_US, nameAlone)).toBe(5);
    harness.change(putPolicy(log(8)), {}, START_US + second);
    expect(harness.admitted(START_US + second, nameAlone)).toBe(3);
    harness.change(putPolicy(log(2)), {}, START_US + 2 * second);
    expect(harness.one(START_US + 59 * second, "k", nameAlone)).toMatchObject({
      outcome: Outcome.limited,
      retryAfterMs: 2_000,
    });
  });

  it.each([
    ["a bucket", tokens(100, 100, 3_600_000), tokens(1, 1, 3_600_000), 0],
    ["a bucket and a window", tokens(100, 100, 3_600_000), log(1, 3_600_000), 0],
    ["a window and a bucket", log(100, 3_600_000), tokens(1, 1, 3_600_000), 0],
    ["a longer window", log(100, 3_600_000), log(1, 7_200_000), 0],
    ["a shorter window", log(100, 3_600_000), log(1, 1_000), 0],
    ["a shorter fixed window", log(100, 3_600_000), { ...log(1, 1_000), algorithm: "fixed-window" }, 0],
    ["a bucket that fills fast", tokens(100, 100, 3_600_000), tokens(1, 1, 1_000), 1],
  ])("what is used stays used when a limit comes back after a lower one: %s", (_, high, low, more) => {
    for (const isAsked of [true, false]) {
      const harness = new PolicyHarness();
      harness.change(putPolicy(high));
      expect(harness.admitted(START_US, nameAlone, "k", 200)).toBe(100);
      harness.change(putPolicy(low), {}, START_US + second);
      let between = isAsked ? harness.admitted(START_US + second, nameAlone) : 0;
      for (let i = 1; i < 20; i++) harness.apply(START_US + (1 + i) * second);
      if (isAsked) between += harness.admitted(START_US + 20 * second, nameAlone);
      expect(between).toBeLessThanOrEqual(2);
      harness.change({ kind: "rollback", version: 1 }, {}, START_US + 20 * second);
      expect(harness.admitted(START_US + 20 * second, nameAlone, "k", 200)).toBeLessThanOrEqual(more);
    }
  });

  it("a limit that comes back in the same window as the lower one finds what was used before both", () => {
    const harness = new PolicyHarness();
    harness.change(putPolicy(log(100, 3_600_000)));
    harness.admitted(START_US, nameAlone, "k", 100);
    harness.change(putPolicy(log(1, 7_200_000)), {}, START_US + second);
    expect(harness.admitted(START_US + second, nameAlone)).toBe(0);
    harness.change(putPolicy(log(100, 7_200_000)), {}, START_US + 2 * second);
    expect(harness.admitted(START_US + 2 * second, nameAlone, "k", 200)).toBe(0);
  });

  it("a lower rate locks nobody out for what was used under a higher one", () => {
    const harness = new PolicyHarness();
    harness.change(putPolicy(tokens(100, 100, 3_600_000)));
    harness.admitted(START_US, nameAlone, "k", 100);
    harness.change(putPolicy(tokens(1, 1, 3_600_000)), {}, START_US + second);
    expect(harness.one(START_US + second, "k", nameAlone).retryAfterMs).toBe(3_600_000);
    expect(harness.one(START_US + second + 60 * minute, "k", nameAlone).outcome).toBe(Outcome.allowed);
  });

  it("an old counter stays only if it outlasts the new one, and a full table has no room for it", () => {
    const harness = new PolicyHarness({ maxKeys: 1 });
    harness.change(putPolicy(log(5)));
    expect(harness.admitted(START_US, nameAlone)).toBe(5);
    harness.change(putPolicy(log(8, 120_000)), {}, START_US + second);
    expect(harness.admitted(START_US + second, nameAlone)).toBe(3);
    harness.change(putPolicy(log(2, 1_000)), {}, START_US + 2 * second);
    expect(harness.one(START_US + 2 * second, "k", nameAlone).outcome).toBe(Outcome.keysFull);
  });

  it("D1 a key on a list is answered without a counter, however full the table: from applied state and by the log alike", () => {
    const harness = new PolicyHarness({ maxKeys: 1 });
    harness.change(putPolicy(log(5)));
    expect(harness.admitted(START_US, nameAlone)).toBe(5);
    // The old counter outlasts the new one, so a take of the key wants room for two.
    harness.change(putPolicy(log(2, 1_000)), {}, START_US + second);
    const listed = (list: string) => ({ kind: "putListEntries", entries: [{ list, match: "key", value: "k" }] });
    const denied = () => {
      const into = createResultColumns(1);
      const is = harness.limiter.denies("n", batchOf([[{ key: "k", rule: nameAlone }]]), 0, START_US + second, into, 0);
      return is ? into.outcomes[0] : null;
    };
    expect([denied(), harness.one(START_US + second, "k", nameAlone).outcome]).toEqual([null, Outcome.keysFull]);
    harness.change(listed("deny"), {}, START_US + second);
    expect([denied(), harness.one(START_US + second, "k", nameAlone).outcome]).toEqual([
      Outcome.blocked,
      Outcome.blocked,
    ]);
    expect(harness.ask(START_US + second, Verb.reserve, "k", nameAlone).outcome).toBe(Outcome.blocked);
    expect(harness.ask(START_US + second, Verb.grant, "k", nameAlone).outcome).toBe(Outcome.blocked);
    harness.change({ kind: "deleteListEntries", entries: listed("deny").entries }, {}, START_US + second);
    harness.change(listed("allow"), {}, START_US + second);
    expect(harness.one(START_US + second, "k", nameAlone)).toMatchObject({ outcome: Outcome.allowed, remaining: 2 });
    expect(harness.limiter.stats).toMatchObject({ keys: 1, keysFull: 1 });
  });

  it("D1 a ban is answered from applied state only where the log would tell it, too", () => {
    const harness = new PolicyHarness({ maxKeys: 1 });
    const ban = { denials: 1, windowMs: 1_000, durationMs: 50_000 };
    harness.change(putPolicy({ ...log(5), ban }));
    harness.admitted(START_US, nameAlone);
    const into = createResultColumns(1);
    const denies = (stampUs: number) =>
      harness.limiter.denies("n", batchOf([[{ key: "k", rule: nameAlone }]]), 0, stampUs, into, 0);
    expect(denies(START_US)).toBe(true);
    harness.change(putPolicy({ ...log(2, 1_000), ban }), {}, START_US + second);
    expect(harness.one(START_US + second, "k", nameAlone).outcome).toBe(Outcome.keysFull);
    expect(denies(START_US + second)).toBe(false);
  });

  it("a bucket's rate changes at the stamp of the change, not at the last take", () => {
    const harness = new PolicyHarness();
    harness.change(putPolicy(tokens(60, 10)));
    expect(harness.admitted(START_US, nameAlone)).toBe(10);
    // Five seconds at one token a second, then five at ten.
    harness.change(putPolicy(tokens(600, 10)), {}, START_US + 5 * second);
    expect(harness.admitted(START_US + 5 * second, nameAlone)).toBe(5);
    const other = new PolicyHarness();
    other.change(putPolicy(tokens(600, 10)));
    expect(other.admitted(START_US, nameAlone)).toBe(10);
    other.change(putPolicy(tokens(60, 10)), {}, START_US + second / 2);
    expect(other.admitted(START_US + second / 2 + 2 * second, nameAlone)).toBe(7);
  });

  it("from one algorithm to another: what is used stays used", () => {
    for (const algorithm of ["token-bucket", "sliding-window-counter", "fixed-window"]) {
      const harness = new PolicyHarness();
      harness.change(putPolicy(log(5)));
      expect(harness.admitted(START_US, nameAlone)).toBe(5);
      harness.change(putPolicy({ ...log(7), algorithm }), {}, START_US + second);
      expect(harness.admitted(START_US + second, nameAlone)).toBe(2);
      harness.change(putPolicy(log(6)), {}, START_US + second + 1);
      expect(harness.admitted(START_US + second + 1, nameAlone)).toBe(0);
    }
  });

  it("keys that nobody asked for between two changes are carried through both", () => {
    const harness = new PolicyHarness();
    harness.change(putPolicy(log(5, 2_000)));
    expect(harness.admitted(START_US, nameAlone, "idle")).toBe(5);
    harness.change(putPolicy(tokens(60, 10)), {}, START_US + second);
    // The bucket gave two of five back until then, and the window of two seconds all of them.
    harness.change(putPolicy(log(8, 30_000)), {}, START_US + 3 * second);
    expect(harness.admitted(START_US + 3 * second, nameAlone, "idle")).toBe(5);
  });

  it("a key's own numbers cap what is carried over, not the policy's", () => {
    const harness = new PolicyHarness();
    harness.change(putPolicy(log(5)));
    harness.change({ kind: "putOverrides", overrides: [{ policy: "api", key: "k", limit: 20 }] });
    expect(harness.admitted(START_US, nameAlone)).toBe(20);
    harness.change(putPolicy(log(5, 30_000)), {}, START_US + second);
    expect(harness.admitted(START_US + second, nameAlone)).toBe(0);
  });

  it("D1 a key that is yet to be carried over is left to the log; peek and explain tell what it will find", () => {
    const harness = new PolicyHarness();
    harness.admitted(START_US, windowLog(5, 10 * second, "api"));
    harness.change(putPolicy(log(6)), {}, START_US + second);
    const hash = harness.limiter.stateHash();
    const key = new Uint8Array([107]);
    expect(harness.limiter.peek("n", nameAlone, key, 1, START_US + 2 * second).remaining[0]).toBe(1);
    expect(harness.limiter.peek("n", nameAlone, key, 2, START_US + 2 * second).retryAfterMs[0]).toBe(59_000);
    expect(harness.limiter.explain("n", nameAlone, key, START_US + 2 * second)).toMatchObject({
      used: 5,
      isCarriedOver: true,
      nextFreeMs: 0,
    });
    expect(harness.limiter.stateHash()).toEqual(hash);
    expect(harness.one(START_US + 2 * second, "k", nameAlone).remaining).toBe(0);
    expect(harness.limiter.explain("n", nameAlone, key, START_US + 2 * second)).toMatchObject({
      used: 6,
      isCarriedOver: false,
    });
  });

  it("a reset forgets what was to be carried over as well", () => {
    const harness = new PolicyHarness();
    harness.change(putPolicy(log(5)));
    harness.admitted(START_US, nameAlone);
    harness.change(gone, {}, START_US + second);
    harness.ask(START_US + second, Verb.reset, "k", windowLog(5, minute, "api"));
    expect(harness.admitted(START_US + second, windowLog(5, minute, "api"))).toBe(5);
  });

  it("R1 L3 an open reservation moves with its key: it stays withheld, and is given back once", () => {
    for (const to of [log(5, 30_000), tokens(5, 5)]) {
      const harness = new PolicyHarness();
      harness.change(putPolicy(log(5)));
      const { handle } = harness.ask(START_US, Verb.reserve, "k", nameAlone, { cost: 3, ttlMs: 50_000 });
      expect(harness.one(START_US, "k", nameAlone).remaining).toBe(1);
      harness.change(putPolicy(to), {}, START_US + second);
      expect(harness.admitted(START_US + second, nameAlone)).toBe(1);
      const cancelled = harness.ask(START_US + second, Verb.cancel, "k", nameAlone, { handle });
      expect(cancelled).toMatchObject({ outcome: Outcome.allowed, remaining: 3 });
      expect(harness.ask(START_US + second, Verb.cancel, "k", nameAlone, { handle }).outcome).toBe(Outcome.notHeld);
      expect(harness.admitted(START_US + second, nameAlone)).toBe(3);
    }
  });

  it("a reservation of a policy that goes is still one, and counts under every inline rule of the name", () => {
    const harness = new PolicyHarness();
    harness.change(putPolicy(log(5)));
    const inline = windowLog(5, minute, "api");
    const { handle } = harness.ask(START_US, Verb.reserve, "k", inline, { cost: 3, ttlMs: 50_000 });
    harness.change(gone, {}, START_US + second);
    expect(harness.admitted(START_US + second, windowLog(5, 30 * second, "api"))).toBe(2);
    expect(harness.admitted(START_US + second, inline)).toBe(2);
    const outcomes = [inline, windowLog(5, 30 * second, "api")].map(
      (rule) => harness.ask(START_US + second, Verb.cancel, "k", rule, { handle }).outcome,
    );
    expect(outcomes.filter((outcome) => outcome === Outcome.allowed)).toHaveLength(1);
  });

  it("S5 L2 holds of keys that nobody touched since the change move with a takeover, each counted once", () => {
    for (const [from, to] of [
      [log(5), tokens(60, 5)],
      [tokens(60, 5), log(5)],
      [tokens(60, 5), tokens(120, 5)],
      [log(5), null],
    ] as const) {
      const harness = new PolicyHarness();
      const inline = windowLog(5, minute, "api");
      harness.change(putPolicy(from));
      const { handle } = harness.ask(START_US, Verb.reserve, "k", inline, { cost: 2, ttlMs: 30_000 });
      harness.ask(START_US, Verb.grant, "k", inline, { cost: 2, ttlMs: 1_000 });
      harness.change(to === null ? gone : putPolicy(to), {}, START_US + second / 10);
      harness.apply(START_US + second / 5 + 30 * second, () => {}, true);
      const laterUs = START_US + second / 5 + 30 * second;
      const { used, holds } = harness.limiter.explain("n", inline, new Uint8Array([107]), laterUs);
      expect([used, holds.map(({ kind }) => kind)]).toEqual([4, ["reservation", "lease"]]);
      expect(harness.admitted(laterUs, inline)).toBe(1);
      expect(harness.ask(laterUs, Verb.cancel, "k", inline, { handle }).remaining).toBe(2);
    }
  });
});

describe("K1 as a whole", () => {
  const rules = [windowLog(4, minute, "api"), windowLog(6, 20 * second, "api"), bucket(6, minute, 3, "api"), nameAlone];
  const step = fc.oneof(
    {
      weight: 8,
      arbitrary: fc.record({
        key: fc.constantFrom("a", "b", "c"),
        rule: fc.nat(3),
        cost: fc.integer({ min: 1, max: 3 }),
        waitUs: fc.nat(4 * second),
      }),
    },
    {
      weight: 2,
      arbitrary: fc.record({
        change: fc.constantFrom(
          putPolicy(log(4)),
          putPolicy(log(3, 20_000)),
          putPolicy(tokens(6, 4)),
          putPolicy(tokens(12, 4)),
          putPolicy({ ...log(5), algorithm: "fixed-window" }),
          gone,
        ),
        waitUs: fc.nat(4 * second),
      }),
    },
  );
  const steps = fc.array(step, { minLength: 10, maxLength: 60 });

  it("carrying over lazily comes to the same as touching every key at the entry of the change", () => {
    fc.assert(
      fc.property(steps, (script) => {
        const lazy = new PolicyHarness();
        const eager = new PolicyHarness();
        let stampUs = START_US;
        let policy = false;
        for (const each of script) {
          stampUs += each.waitUs;
          if ("change" in each) {
            const result = lazy.change(each.change, {}, stampUs);
            expect(eager.change(each.change, {}, stampUs)).toEqual(result);
            if (result.error === null) policy = each.change !== gone;
            // A denial that can never be cured charges nothing, but touches the key.
            if (policy) for (const key of ["a", "b", "c"]) eager.one(stampUs, key, nameAlone, 1_000);
            continue;
          }
          const rule = rules[each.rule]!;
          expect(lazy.one(stampUs, each.key, rule, each.cost)).toEqual(eager.one(stampUs, each.key, rule, each.cost));
        }
      }),
      { numRuns: 150 },
    );
  });

  it("S8 a copy from a snapshot in the middle of it goes on with the same answers and the same hash", () => {
    fc.assert(
      fc.property(steps, fc.nat(59), (script, cutAt) => {
        const harness = new PolicyHarness({ maxKeys: 6 });
        let copy: PolicyHarness["limiter"] | null = null;
        let stampUs = START_US;
        for (const [i, each] of script.entries()) {
          if (i === cutAt) copy = copyOf(harness.limiter);
          stampUs += each.waitUs;
          if ("change" in each) harness.change(each.change, {}, stampUs);
          else harness.one(stampUs, each.key, rules[each.rule]!, each.cost);
          const entry = harness.entries.at(-1)!;
          if (copy !== null) copy.apply(entry.index, entry.bytes);
        }
        if (copy !== null) expect(copy.stateHash()).toEqual(harness.limiter.stateHash());
      }),
      { numRuns: 80 },
    );
  });
});
