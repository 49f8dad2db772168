import { describe, expect, it } from "vitest";
import { Outcome } from "../call-batch.ts";
import { encodeUtf8 } from "../entry/utf8.ts";
import { bucket, START_US } from "../testing/harness.ts";
import { byName, PolicyHarness } from "../testing/policy-harness.ts";
import { Verb } from "../verb.ts";

const second = 1_000_000;
const hour = 3_600 * second;
const name = byName("api");
const put = (policy: object) => ({ kind: "putPolicies", policies: [{ name: "api", ...policy }] });
const tokens = (limit: number, burst = 100) => put({ algorithm: "token-bucket", limit, burst, windowMs: 3_600_000 });
const override = (limit: number, more: object = {}) => {
  return { kind: "putOverrides", overrides: [{ policy: "api", key: "k", limit, ...more }] };
};
const left = (harness: PolicyHarness, stampUs: number, rule = name) =>
  harness.limiter.peek("n", rule, encodeUtf8("k"), 1, stampUs).remaining[0];

/** A limiter, and a way to change it that expects no refusal. */
function scene() {
  const harness = new PolicyHarness();
  const change = (asked: object, stampUs = START_US) => expect(harness.change(asked, {}, stampUs).error).toBeNull();
  return { harness, change };
}

describe("K1 a key with slower numbers of its own, under a policy that nobody asks for it", () => {
  it.each([
    ["a window of a second", put({ algorithm: "sliding-window-log", limit: 100, windowMs: 1_000 })],
    ["a bucket of a minute", put({ algorithm: "token-bucket", limit: 60, burst: 100, windowMs: 60_000 })],
  ])("gets back what its own rate lets drain of what %s counted, asked in between or not", (_, first) => {
    for (const isAsked of [true, false]) {
      const { harness, change } = scene();
      change(first);
      expect(harness.admitted(START_US, name, "k", 200)).toBe(100);
      change(override(200));
      change(tokens(3_600));
      if (isAsked) harness.one(START_US, "k", name, 101);
      change(tokens(3_601), START_US + 120 * second);
      // 200 an hour for two minutes.
      expect(harness.admitted(START_US + 120 * second, name, "k", 200)).toBe(6);
    }
  });

  it("is counted by each of several, those too that are long forgotten for other keys: the fullest counts", () => {
    const { harness, change } = scene();
    const perMinute = (limit: number) => put({ algorithm: "token-bucket", limit, burst: 100, windowMs: 60_000 });
    change(put({ algorithm: "fixed-window", limit: 10_000, windowMs: 1_000 }));
    expect(harness.one(START_US, "k", name, 10_000).outcome).toBe(Outcome.allowed);
    change(override(1, { burst: 10_000 }));
    change(tokens(3_600));
    for (let i = 1; i < 60; i++) harness.apply(START_US + i * 180 * second);
    change(perMinute(3_600), START_US + 3 * hour);
    for (let i = 1; i < 60; i++) harness.apply(START_US + 3 * hour + i * 180 * second);
    change(perMinute(3_601), START_US + 6 * hour);
    // One an hour by the first of them; one a minute by the second, for three hours only.
    expect(left(harness, START_US + 6 * hour)).toBe(6);
  });

  it("is not let in by the larger burst of a policy either", () => {
    const { harness, change } = scene();
    change(put({ algorithm: "sliding-window-log", limit: 100, windowMs: 1_000 }));
    expect(harness.admitted(START_US, name, "k", 200)).toBe(100);
    change(override(50, { burst: 100 }));
    change(tokens(100, 1_000));
    change(tokens(101, 1_000), START_US + hour);
    expect(harness.admitted(START_US + hour, name, "k", 200)).toBe(50);
  });
});

describe("K1 K2 what is swept makes no difference to a change of a key's numbers", () => {
  it("an override counts from its own stamp whether or not the key's empty bucket is swept", () => {
    for (const usesOne of [false, true]) {
      const { harness, change } = scene();
      change(put({ algorithm: "sliding-window-log", limit: 100, windowMs: 86_400_000 }));
      expect(harness.admitted(START_US, name, "k", 200)).toBe(100);
      change(tokens(3_600));
      for (let i = 1; i < 20; i++) harness.apply(START_US + i * 180 * second);
      if (usesOne) harness.one(START_US + hour - 1, "k", name);
      change(override(1, { burst: 100 }), START_US + hour);
      expect(left(harness, START_US + hour)).toBe(usesOne ? 99 : 100);
    }
  });

  it("what was told stays told when the policy that stood then is itself forgotten", () => {
    const { harness, change } = scene();
    const stopped = (burst: number, windowMs: number) => put({ algorithm: "token-bucket", limit: 0, burst, windowMs });
    change(put({ algorithm: "sliding-window-log", limit: 100, windowMs: 1_000 }));
    expect(harness.one(START_US, "k", name).outcome).toBe(Outcome.allowed);
    // Nobody asks under the first of these, which would count for an hour.
    change(stopped(5, 3_600_000));
    change(stopped(5, 60_000));
    harness.one(START_US, "k", name);
    change(override(0));
    change(stopped(100, 60_000));
    harness.one(START_US + 120 * second, "k", name);
    change(put({ algorithm: "sliding-window-log", limit: 0, windowMs: 1_000 }), START_US + 120 * second);
    expect(harness.one(START_US + 120 * second, "k", name).resetAfterMs).toBe(0);
  });

  it("what the old window still counts is there when it comes back", () => {
    const { harness, change } = scene();
    const day = put({ algorithm: "sliding-window-log", limit: 100, windowMs: 86_400_000 });
    change(day);
    expect(harness.admitted(START_US, name, "k", 200)).toBe(100);
    change(tokens(3_600));
    change(override(100), START_US + hour);
    change(day, START_US + 2 * hour);
    expect(left(harness, START_US + 2 * hour)).toBe(0);
  });
});

describe("K1 what a policy that went has left to callers' own numbers", () => {
  it("drains at the slower of their rate and the key's own, asked before the override came or not", () => {
    const inline = bucket(1, hour, 10, "api");
    for (const isAsked of [true, false]) {
      const { harness, change } = scene();
      change(tokens(1, 10));
      expect(harness.admitted(START_US, name)).toBe(10);
      change({ kind: "deletePolicies", names: ["api"] }, START_US + second);
      if (isAsked) harness.one(START_US + second, "k", inline, 11);
      change(override(36_000), START_US + 5 * hour);
      expect(harness.admitted(START_US + 5 * hour, inline)).toBe(4);
    }
  });
});

describe("K3 a limit of 0 sets no rate", () => {
  it.each([
    ["of a key's own", override(0), { kind: "deleteOverrides", overrides: [{ policy: "api", key: "k" }] }],
    ["of a policy", tokens(0, 3_600), tokens(3_600, 3_600)],
  ])("one %s locks nothing that waits across a change: an hour later the hour's tokens are there", (_, stop, go) => {
    for (const isAsked of [true, false]) {
      const { harness, change } = scene();
      change(tokens(3_600, 3_600));
      harness.one(START_US, "k", name, 3_600);
      change(stop);
      if (stop.kind === "putOverrides") change(tokens(3_601, 3_600));
      if (isAsked) harness.one(START_US, "k", name);
      expect(left(harness, START_US + 1)).toBe(0);
      change(go, START_US + hour);
      expect(left(harness, START_US + hour)).toBe(3_600);
    }
  });
});

describe("K1 what a lower limit cannot take over is not forgotten", () => {
  const [isAsked, isDenied] = [[1, 2], [2]];
  it.each<[string, { own?: number; asked?: readonly number[]; late?: number }, number]>([
    ["asked under the smaller burst", { asked: isDenied }, 3],
    ["with numbers of its own, never asked", { own: 100 }, 3],
    ["with numbers of its own, asked under both", { own: 100, asked: isAsked }, 3],
    // What is carried over is rounded up.
    ["with numbers of its own, denied under the smaller burst", { own: 100, asked: isDenied }, 2],
    ["that gets the same numbers as its own while the smaller burst stands", { late: 100 }, 2],
    ["that gets them after it was denied", { asked: isDenied, late: 100 }, 2],
    // 100 an hour for one minute, then one an hour.
    ["that gets slower ones while the smaller burst stands", { late: 1 }, 1],
    ["that gets slower ones after it was denied", { asked: isDenied, late: 1 }, 1],
  ])("a key %s gets what two minutes let drain when the burst is back", (_, { own, asked = [], late }, admitted) => {
    const { harness, change } = scene();
    change(put({ algorithm: "token-bucket", limit: 100, burst: 100, windowMs: 1_000 }));
    if (own !== undefined) change(override(own));
    expect(harness.admitted(START_US, name, "k", 200)).toBe(100);
    change(tokens(100));
    if (asked.includes(1)) harness.one(START_US, "k", name, 101);
    change(tokens(100, 5), START_US + 60 * second);
    if (asked.includes(2)) harness.one(START_US + 60 * second, "k", name, 101);
    if (late !== undefined) change(override(late), START_US + 60 * second);
    change(tokens(100), START_US + 120 * second);
    expect(harness.admitted(START_US + 120 * second, name, "k", 200)).toBe(admitted);
  });
});

it("K2 carried over without room, they are more than maxKeys: one more for each change and such a key, until that fades", () => {
  const harness = new PolicyHarness({ maxKeys: 20 });
  const change = (asked: object, stampUs: number) => expect(harness.change(asked, {}, stampUs).error).toBeNull();
  const tier = (limit: number) => ({
    kind: "putTiers",
    tiers: [{ name: "free", limits: [{ policy: "api", limit, burst: 100 }] }],
  });
  const keys = Array.from({ length: 20 }, (_, at) => `c${at}`);
  change(tier(5), START_US);
  change({ kind: "putTierKeys", tierKeys: keys.map((key) => ({ key, tier: "free" })) }, START_US);
  change(tokens(10), START_US);
  for (const key of keys) harness.one(START_US, key, name, 50);
  const asked = (stampUs: number) => harness.one(stampUs, "stranger", name).outcome;
  for (let changes = 1; changes <= 40; changes++) {
    change(tokens(10 + changes), START_US + changes);
    change(tier(5 + (changes % 2)), START_US + changes);
    expect(harness.limiter.stats.keys).toBeLessThanOrEqual(20 + 20 * changes);
    expect(asked(START_US + changes)).toBe(Outcome.keysFull);
  }
  expect(harness.limiter.stats.keys).toBeGreaterThan(20 * 33);
  for (let hours = 30; hours < 60; hours++) harness.apply(START_US + hours * hour);
  expect(harness.limiter.stats.keys).toBeLessThanOrEqual(20);
  expect(asked(START_US + 60 * hour)).toBe(Outcome.allowed);
});

describe("K1 what waits for a key with numbers of its own is kept for as long as these count", () => {
  const inline = bucket(1_000, hour, 1_000, "api");
  const untold = 49 * hour;

  it.each(["before", "after"])("under what callers bring, with an override %s the policy went", (order) => {
    const { harness, change } = scene();
    change(tokens(1_000, 1_000));
    expect(harness.one(START_US, "k", name, 1_000).outcome).toBe(Outcome.allowed);
    if (order === "before") change(override(1));
    change({ kind: "deletePolicies", names: ["api"] });
    if (order === "after") change(override(1));
    // The policy would have forgotten it in two hours.
    expect(harness.admitted(START_US + 3 * hour, inline, "k", 1_000)).toBe(3);
  });

  it("under what callers bring for two days at most", () => {
    for (const [afterUs, admitted] of [
      [3 * hour, 3],
      [untold, 1_000],
    ] as const) {
      const { harness, change } = scene();
      change(tokens(1_000, 1_000));
      harness.one(START_US, "k", name, 1_000);
      change({ kind: "deletePolicies", names: ["api"] });
      change(override(1));
      for (let i = 1; i < 60; i++) harness.apply(START_US + (i * afterUs) / 60);
      expect(harness.admitted(START_US + afterUs, inline, "k", 1_000)).toBe(admitted);
    }
  });

  it("under a bucket with room for less: what it says to who asks at once, it says to who asks late", () => {
    for (const isAsked of [true, false]) {
      const { harness, change } = scene();
      change(tokens(1_000, 1_000));
      expect(harness.one(START_US, "k", name, 1_000).outcome).toBe(Outcome.allowed);
      change(put({ algorithm: "sliding-window-log", limit: 100, windowMs: 60_000 }));
      change(override(1));
      change(tokens(3_600, 1));
      const { retryAfterMs } = harness.limiter.peek("n", name, encodeUtf8("k"), 1, START_US);
      if (isAsked) expect(harness.one(START_US, "k", name).retryAfterMs).toBe(retryAfterMs[0]);
      for (let i = 1; i < 60; i++) harness.apply(START_US + i * 180 * second);
      expect(harness.one(START_US + 3 * hour, "k", name).outcome).toBe(Outcome.limited);
      expect(harness.one(START_US + retryAfterMs[0]! * 1_000 - 1, "k", name).outcome).toBe(Outcome.limited);
      expect(harness.one(START_US + retryAfterMs[0]! * 1_000, "k", name).outcome).toBe(Outcome.allowed);
    }
  });
});

describe("K1 what rules would have counted that a key was never asked under", () => {
  const window = put({ algorithm: "sliding-window-log", limit: 100, windowMs: 1_000 });

  it("is told with what a key holds: a larger burst does not bring back what a held key had used", () => {
    const { harness, change } = scene();
    change(window);
    expect(harness.admitted(START_US, name, "k", 100)).toBe(100);
    change(tokens(10));
    change(tokens(3_600, 5));
    expect(harness.ask(START_US + 2 * second, Verb.reserve, "k", name, { cost: 1, ttlMs: 3_000_000 }).handle).toBe(1);
    change(tokens(10, 5), START_US + 3 * second);
    change(tokens(10, 100), START_US + 4 * second);
    expect(harness.admitted(START_US + 5 * second, name, "k", 200)).toBe(0);
  });

  it("is no debt where it is but guessed: a key that is taken to be full is so for as long as the bucket holds", () => {
    const { harness, change } = scene();
    change(override(1));
    change(tokens(100));
    for (let i = 1; i <= 40; i++) {
      harness.one(START_US, `other ${i}`, name, 100);
      change(tokens(100 + i));
    }
    change(tokens(50));
    change(tokens(60, 5));
    const hourMs = hour / 1_000;
    expect(harness.one(START_US, "k", name)).toMatchObject({ outcome: Outcome.limited, retryAfterMs: hourMs });
  });

  it("is the slower bucket's too, where a faster one came after it", () => {
    const { harness, change } = scene();
    change(window);
    expect(harness.admitted(START_US, name, "k", 100)).toBe(100);
    change(tokens(1));
    change(tokens(100));
    change(tokens(1_000), START_US + hour);
    expect(harness.admitted(START_US + hour, name, "k", 200)).toBe(1);
  });
});
