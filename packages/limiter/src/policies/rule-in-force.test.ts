import { describe, expect, it } from "vitest";
import { NEVER, Outcome } from "../call-batch.ts";
import { encodeUtf8 } from "../entry/utf8.ts";
import { createResultColumns } from "../result-columns.ts";
import { batchOf, bucket, copyOf, type Item, START_US, windowLog } from "../testing/harness.ts";
import { byName, PolicyHarness } from "../testing/policy-harness.ts";
import { Verb } from "../verb.ts";

const second = 1_000_000;
const minute = 60 * second;
const api = { name: "api", algorithm: "sliding-window-log", limit: 3, windowMs: 60_000 } as const;
const nameAlone = byName("api");
const inline = windowLog(100, minute, "api");

describe("the rule in force", () => {
  it("a cluster policy wins over the numbers that travel inline under its name, and results tell its limit", () => {
    const harness = new PolicyHarness();
    harness.change({ kind: "putPolicies", policies: [api] });
    for (const remaining of [2, 1, 0]) {
      expect(harness.one(START_US, "k", inline)).toMatchObject({ outcome: Outcome.allowed, remaining, limit: 3 });
    }
    expect(harness.one(START_US, "k", inline)).toMatchObject({ outcome: Outcome.limited, limit: 3 });
    expect(harness.one(START_US, "k", windowLog(100, minute, "other"))).toMatchObject({ limit: 100, remaining: 99 });
    expect(harness.one(START_US, "k", inline, 1, "m")).toMatchObject({ limit: 100, remaining: 99 });
  });

  it("a name alone is decided by the policy, and by none if there is none, in namespaces with and without policies", () => {
    const harness = new PolicyHarness();
    expect(harness.one(START_US, "k", nameAlone).outcome).toBe(Outcome.unknownPolicy);
    harness.change({ kind: "putPolicies", policies: [api] });
    expect(harness.one(START_US, "k", nameAlone)).toMatchObject({ outcome: Outcome.allowed, limit: 3 });
    expect(harness.one(START_US, "k", { ...nameAlone, policy: "nope" }).outcome).toBe(Outcome.unknownPolicy);
    expect(harness.one(START_US, "k", nameAlone, 1, "m").outcome).toBe(Outcome.unknownPolicy);
    expect(harness.limiter.stats.keys).toBe(1);
  });

  it("an override wins over a tier, a tier over the policy, for that key alone; inline names have both, too", () => {
    const harness = new PolicyHarness();
    harness.change({
      kind: "putDocument",
      document: {
        policies: [api],
        tiers: [
          {
            name: "gold",
            limits: [
              { policy: "api", limit: 30 },
              { policy: "sdk", limit: 8 },
            ],
          },
        ],
        tierKeys: [
          { key: "acme", tier: "gold" },
          { key: "vip", tier: "gold" },
        ],
        overrides: [{ policy: "api", key: "vip", limit: 300 }],
      },
    });
    expect(harness.one(START_US, "other", inline).limit).toBe(3);
    expect(harness.one(START_US, "acme", inline)).toMatchObject({ limit: 30, remaining: 29 });
    expect(harness.one(START_US, "vip", inline)).toMatchObject({ limit: 300, remaining: 299 });
    expect(harness.one(START_US, "vip", windowLog(5, minute, "sdk"))).toMatchObject({ limit: 8, remaining: 7 });
    expect(harness.one(START_US, "vip", windowLog(5, minute)).limit).toBe(5);
    harness.change({ kind: "deleteOverrides", overrides: [{ policy: "api", key: "vip" }] });
    expect(harness.one(START_US, "vip", inline)).toMatchObject({ limit: 30, remaining: 28 });
  });

  it("in one group each item has its key's own numbers, and a key that comes twice counts twice", () => {
    const harness = new PolicyHarness();
    harness.change({ kind: "putPolicies", policies: [api] });
    harness.change({ kind: "putOverrides", overrides: [{ policy: "api", key: "vip", limit: 5 }] });
    const items: Item[] = ["k", "vip", "vip", "k"].map((key) => ({ key, rule: inline, cost: 2 }));
    expect(harness.group(START_US, items).map(({ outcome, limit }) => [outcome, limit])).toEqual([
      [Outcome.allowed, 3],
      [Outcome.allowed, 5],
      [Outcome.allowed, 5],
      [Outcome.limited, 3],
    ]);
    expect(harness.limiter.stats.keys).toBe(0);
    expect(harness.group(START_US, items.slice(0, 3)).map(({ remaining }) => remaining)).toEqual([1, 3, 1]);
  });

  it("a request id's retry after a policy came is the same call, not another one", () => {
    const harness = new PolicyHarness();
    const origin = { kind: "request", namespace: "n", identity: "i", requestId: "1" } as const;
    const batch = batchOf([[{ key: "k", rule: inline }]]);
    const first = harness.calls(START_US, origin, batch);
    harness.change({ kind: "putPolicies", policies: [{ ...api, windowMs: 1_000 }] });
    expect(harness.calls(START_US + 1, origin, batch)).toEqual(first);
  });
});

describe("lists", () => {
  it("the allow-list is free of charge, the deny-list is final, and the deny-list goes first", () => {
    const harness = new PolicyHarness();
    harness.change({ kind: "putPolicies", policies: [{ ...api, limit: 1 }] });
    harness.change({
      kind: "putListEntries",
      entries: [
        { list: "allow", match: "range", value: "10.0.0.0/8" },
        { list: "deny", match: "key", value: "10.6.6.6" },
        { list: "deny", match: "prefix", value: "bot-", policy: "api" },
      ],
    });
    for (let i = 0; i < 3; i++) {
      expect(harness.one(START_US, "10.1.2.3", inline)).toMatchObject({ outcome: Outcome.allowed, remaining: 1 });
      expect(harness.one(START_US, "::ffff:10.1.2.3", windowLog(1, minute)).outcome).toBe(Outcome.allowed);
    }
    expect(harness.limiter.stats.keys).toBe(0);
    expect(harness.one(START_US, "10.6.6.6", inline)).toMatchObject({ outcome: Outcome.blocked, retryAfterMs: NEVER });
    expect(harness.one(START_US, "bot-7", inline).outcome).toBe(Outcome.blocked);
    expect(harness.one(START_US, "bot-7", windowLog(1, minute)).outcome).toBe(Outcome.allowed);
  });

  it("a blocked item denies its group, and charges nobody", () => {
    const harness = new PolicyHarness();
    harness.change({ kind: "putListEntries", entries: [{ list: "deny", match: "key", value: "bad" }] });
    const results = harness.group(START_US, [
      { key: "good", rule: inline },
      { key: "bad", rule: inline },
    ]);
    expect(results.map(({ outcome, remaining }) => [outcome, remaining])).toEqual([
      [Outcome.allowed, 100],
      [Outcome.blocked, 0],
    ]);
    expect(harness.limiter.stats.keys).toBe(0);
  });
});

describe("bans", () => {
  const ban = {
    denials: 3,
    windowMs: 10_000,
    durationsMs: [20_000, 60_000],
    factor: 2,
    maxDurationMs: 100_000,
    forgetAfterMs: 300_000,
  };
  const banning = { ...api, limit: 1, windowMs: 1_000, ban };

  /** Denied until banned; returns the results. */
  function provoke(harness: PolicyHarness, stampUs: number, key = "k") {
    return Array.from({ length: 4 }, () => harness.one(stampUs, key, inline));
  }

  it("the denial that fills the measure starts the ban and tells its exact end, whatever the rule would say", () => {
    const harness = new PolicyHarness();
    harness.change({ kind: "putPolicies", policies: [banning] });
    const results = provoke(harness, START_US);
    expect(results.map(({ outcome }) => outcome)).toEqual([1, 2, 2, 3]);
    expect(results[3]).toMatchObject({ retryAfterMs: 20_000, firmForMs: Math.floor(20_000 / 1.01) });
    expect(results[1]).toMatchObject({ retryAfterMs: 1_000, firmForMs: 0 });
    expect(harness.one(START_US + 20 * second - 1, "k", inline)).toMatchObject({
      outcome: Outcome.banned,
      retryAfterMs: 1,
    });
    expect(harness.one(START_US + 20 * second, "k", inline).outcome).toBe(Outcome.allowed);
    expect(harness.one(START_US, "other", inline).outcome).toBe(Outcome.allowed);
  });

  it("denials count for exactly the window of the ban, and those during a ban count for nothing", () => {
    const harness = new PolicyHarness();
    harness.change({ kind: "putPolicies", policies: [{ ...banning, limit: 0 }] });
    const deny = (stampUs: number) => harness.one(stampUs, "k", inline).outcome;
    expect([deny(START_US), deny(START_US + 1), deny(START_US + 10 * second)]).toEqual([2, 2, 2]);
    expect([deny(START_US + 10 * second), deny(START_US + 11 * second)]).toEqual([3, 3]);
    const afterUs = START_US + 30 * second;
    expect([deny(afterUs), deny(afterUs), deny(afterUs)]).toEqual([2, 2, 3]);
  });

  it("each ban in a row lasts longer, up to the cap, until the key has been good for long enough", () => {
    const harness = new PolicyHarness();
    harness.change({ kind: "putPolicies", policies: [banning] });
    let stampUs = START_US;
    for (const durationMs of [20_000, 60_000, 100_000, 100_000]) {
      expect(provoke(harness, stampUs)[3]).toMatchObject({ outcome: Outcome.banned, retryAfterMs: durationMs });
      stampUs += durationMs * 1_000;
    }
    stampUs += 300 * second;
    expect(provoke(harness, stampUs)[3]).toMatchObject({ outcome: Outcome.banned, retryAfterMs: 20_000 });
  });

  it("are listed, lifted once, and forgotten by time", () => {
    const harness = new PolicyHarness();
    harness.change({ kind: "putPolicies", policies: [banning] });
    provoke(harness, START_US, "b");
    provoke(harness, START_US, "a");
    const { bans, total } = harness.limiter.bans("n", START_US, 1);
    expect({ bans, total }).toEqual({
      bans: [{ policy: "api", key: "a", untilUs: START_US + 20 * second, strikes: 1 }],
      total: 2,
    });
    expect(harness.limiter.bans("m", START_US, 9).total).toBe(0);
    const lift = { kind: "liftBan", policy: "api", key: "b" };
    expect(harness.change(lift, {}, START_US + second)).toMatchObject({ changed: 1, error: null });
    expect(harness.change(lift, {}, START_US + second).error?.code).toBe("not-found");
    expect(harness.one(START_US + second, "b", inline).outcome).toBe(Outcome.allowed);
    expect(harness.limiter.policies.history("n")[0]).toMatchObject({ kind: "liftBan", about: "api: b", version: 2 });
    expect(copyOf(harness.limiter).bans("n", START_US, 9)).toEqual(harness.limiter.bans("n", START_US, 9));
  });

  it("G1 a denied group feeds the bans of the items that were denied, and of no others", () => {
    const harness = new PolicyHarness();
    harness.change({ kind: "putPolicies", policies: [banning] });
    harness.one(START_US, "k", inline);
    const items = ["fine", "k"].map((key) => ({ key, rule: inline }));
    for (const outcome of [2, 2, 3, 3]) {
      expect(harness.group(START_US, items).map((item) => item.outcome)).toEqual([1, outcome]);
    }
    expect(harness.limiter.bans("n", START_US, 9).bans.map(({ key }) => key)).toEqual(["k"]);
    expect(harness.one(START_US, "fine", inline).outcome).toBe(Outcome.allowed);
  });

  it("S2 a retry of a denied call gets its answer again and feeds no ban", () => {
    const harness = new PolicyHarness();
    harness.change({ kind: "putPolicies", policies: [{ ...banning, limit: 0 }] });
    const origin = { kind: "request", namespace: "n", identity: "i", requestId: "1" } as const;
    for (let i = 0; i < 5; i++) {
      expect(harness.calls(START_US, origin, batchOf([[{ key: "k", rule: inline }]]))[0]!.outcome).toBe(
        Outcome.limited,
      );
    }
  });

  it("S8 a snapshot has the ban of a key, and the denials that are about to lead to another's", () => {
    const harness = new PolicyHarness();
    harness.change({ kind: "putPolicies", policies: [{ ...banning, limit: 0 }] });
    const outcomes = (key: string, times: number) =>
      Array.from({ length: times }, () => harness.one(START_US, key, inline).outcome);
    outcomes("banned", 3);
    outcomes("nearly", 2);
    harness.limiter = copyOf(harness.limiter);
    expect(outcomes("banned", 1)).toEqual([Outcome.banned]);
    expect(outcomes("nearly", 1)).toEqual([Outcome.banned]);
    expect(harness.limiter.bans("n", START_US, 9).bans.map(({ key }) => key)).toEqual(["banned", "nearly"]);
  });

  it("D1 a denial under a banning policy is never answered from applied state, the ban itself is", () => {
    const harness = new PolicyHarness();
    harness.change({ kind: "putPolicies", policies: [banning] });
    const into = createResultColumns(1);
    const denies = () => harness.limiter.denies("n", batchOf([[{ key: "k", rule: inline }]]), 0, START_US, into, 0);
    harness.one(START_US, "k", inline);
    expect(denies()).toBe(false);
    harness.one(START_US, "k", inline);
    harness.one(START_US, "k", inline);
    expect(denies()).toBe(false);
    expect(harness.one(START_US, "k", inline).outcome).toBe(Outcome.banned);
    expect(denies()).toBe(true);
    expect([into.outcomes[0], into.retryAfterMs[0]]).toEqual([Outcome.banned, 20_000]);
  });

  it("a cost above the limit is never admitted, ban or not", () => {
    const harness = new PolicyHarness();
    harness.change({ kind: "putPolicies", policies: [banning] });
    const results = Array.from({ length: 3 }, () => harness.one(START_US, "k", inline, 2));
    expect(results[2]).toMatchObject({ outcome: Outcome.banned, retryAfterMs: NEVER });
  });

  it("a reservation that is denied feeds the ban as well", () => {
    const harness = new PolicyHarness();
    harness.change({ kind: "putPolicies", policies: [{ ...banning, limit: 0 }] });
    const outcomes = Array.from({ length: 4 }, () => harness.ask(START_US, Verb.reserve, "k", inline).outcome);
    expect(outcomes).toEqual([2, 2, 3, 3]);
  });
});

describe("leases", () => {
  it("are refused under a policy that forbids them, and that is no denial that bans", () => {
    const harness = new PolicyHarness();
    const ban = { denials: 1, windowMs: 1_000, durationMs: 5_000 };
    harness.change({ kind: "putPolicies", policies: [{ ...api, lease: false, ban }] });
    expect(harness.ask(START_US, Verb.grant, "k", inline)).toMatchObject({ outcome: Outcome.limited, handle: 0 });
    expect(harness.one(START_US, "k", inline).outcome).toBe(Outcome.allowed);
    harness.change({ kind: "putPolicies", policies: [{ ...api, lease: true }] });
    const lease = harness.ask(START_US, Verb.grant, "k", inline, { cost: 2 });
    expect(lease).toMatchObject({ outcome: Outcome.allowed, remaining: 0, limit: 3 });
    expect(harness.one(START_US, "k", inline).outcome).toBe(Outcome.limited);
  });
});

describe("shadow policies", () => {
  const shadow = { ...api, limit: 1, shadow: true };

  it("decide and count, and never enforce: the outcome is allowed, the shadow column tells the other", () => {
    const harness = new PolicyHarness();
    harness.change({ kind: "putPolicies", policies: [shadow] });
    expect(harness.one(START_US, "k", inline)).toMatchObject({ outcome: Outcome.allowed, shadow: 0 });
    for (let i = 0; i < 2; i++) {
      expect(harness.one(START_US, "k", inline)).toMatchObject({
        outcome: Outcome.allowed,
        shadow: Outcome.limited,
        retryAfterMs: 0,
        firmForMs: 0,
      });
    }
    expect(harness.one(START_US + minute, "k", inline)).toMatchObject({ outcome: Outcome.allowed, shadow: 0 });
    expect(harness.limiter.policies.counters("n").get("api")).toEqual({
      allowed: 4,
      denied: 0,
      wouldHaveDenied: 2,
      bans: 0,
    });
    const into = createResultColumns(1);
    expect(harness.limiter.denies("n", batchOf([[{ key: "k", rule: inline }]]), 0, START_US + minute, into, 0)).toBe(
      false,
    );
  });

  it("in a group they deny nobody, and what they would have denied is not charged to them", () => {
    const harness = new PolicyHarness();
    harness.change({ kind: "putPolicies", policies: [shadow, { ...api, name: "real", limit: 3 }] });
    const real = windowLog(9, minute, "real");
    const items = [
      { key: "k", rule: inline, cost: 2 },
      { key: "k", rule: inline },
      { key: "k", rule: real },
    ];
    expect(harness.group(START_US, items).map(({ outcome, shadow: would }) => [outcome, would])).toEqual([
      [Outcome.allowed, Outcome.limited],
      [Outcome.allowed, 0],
      [Outcome.allowed, 0],
    ]);
    expect(harness.one(START_US, "k", real).remaining).toBe(1);
  });

  it("their bans are shadows, too", () => {
    const harness = new PolicyHarness();
    const ban = { denials: 2, windowMs: 1_000, durationMs: 5_000 };
    harness.change({ kind: "putPolicies", policies: [{ ...shadow, limit: 0, ban }] });
    const shadows = Array.from({ length: 3 }, () => harness.one(START_US, "k", inline)).map((each) => [
      each.outcome,
      each.shadow,
    ]);
    expect(shadows).toEqual([
      [1, Outcome.limited],
      [1, Outcome.banned],
      [1, Outcome.banned],
    ]);
  });

  it("a reservation that fits is told what is left of it, by the bucket's own numbers", () => {
    const harness = new PolicyHarness();
    const bucketShadow = { ...shadow, algorithm: "token-bucket", limit: 1, burst: 4 };
    harness.change({ kind: "putPolicies", policies: [bucketShadow] });
    const reserved = harness.ask(START_US, Verb.reserve, "k", inline);
    expect(reserved).toMatchObject({ outcome: Outcome.allowed, shadow: 0, limit: 1, remaining: 3 });
  });

  it("a reservation is opened whatever they say", () => {
    const harness = new PolicyHarness();
    harness.change({ kind: "putPolicies", policies: [shadow] });
    harness.one(START_US, "k", inline);
    const reserved = harness.ask(START_US, Verb.reserve, "k", inline, { cost: 5 });
    expect(reserved).toMatchObject({ outcome: Outcome.allowed, shadow: Outcome.limited, limit: 1, remaining: 0 });
    expect(reserved.handle).toBeGreaterThan(0);
    expect(harness.ask(START_US, Verb.cancel, "k", inline, { handle: reserved.handle }).outcome).toBe(Outcome.allowed);
  });

  it.each(["sliding-window-log", "sliding-window-counter", "fixed-window", "token-bucket", "concurrency"])(
    "a reservation that is opened whatever they say is told what is left by their own numbers: %s",
    (algorithm) => {
      const harness = new PolicyHarness();
      const burst = algorithm === "token-bucket" ? { burst: 5 } : {};
      harness.change({ kind: "putPolicies", policies: [{ ...shadow, algorithm, limit: 5, ...burst }] });
      expect(harness.ask(START_US, Verb.reserve, "k", inline, { cost: 4 })).toMatchObject({ shadow: 0, remaining: 1 });
      const full = harness.ask(START_US, Verb.reserve, "k", inline, { cost: 3 });
      expect(full).toMatchObject({ outcome: Outcome.allowed, shadow: Outcome.limited, limit: 5, remaining: 0 });
      const cancelled = harness.ask(START_US, Verb.cancel, "k", inline, { handle: full.handle });
      expect(cancelled).toMatchObject({ outcome: Outcome.allowed, remaining: 1 });
    },
  );

  it("reservations that they would have denied lead to their bans as takes do, and are opened all the same", () => {
    const harness = new PolicyHarness();
    const ban = { denials: 2, windowMs: 1_000, durationMs: 5_000 };
    harness.change({ kind: "putPolicies", policies: [{ ...shadow, limit: 0, ban }] });
    const reserved = Array.from({ length: 3 }, () => harness.ask(START_US, Verb.reserve, "k", inline));
    expect(reserved.map((each) => [each.outcome, each.shadow])).toEqual([
      [Outcome.allowed, Outcome.limited],
      [Outcome.allowed, Outcome.banned],
      [Outcome.allowed, Outcome.banned],
    ]);
    expect(reserved.every(({ handle }) => handle > 0)).toBe(true);
    expect(harness.one(START_US, "k", inline).shadow).toBe(Outcome.banned);
    const counters = { allowed: 4, denied: 0, wouldHaveDenied: 4, bans: 1 };
    expect(harness.limiter.policies.counters("n").get("api")).toEqual(counters);
  });

  it("a reservation beyond a bucket's burst leaves its counter as full as it is", () => {
    const harness = new PolicyHarness();
    harness.change({ kind: "putPolicies", policies: [{ ...shadow, algorithm: "token-bucket", limit: 60, burst: 5 }] });
    harness.ask(START_US, Verb.reserve, "k", inline, { cost: 8, ttlMs: 60_000 });
    expect(harness.one(START_US + second, "k", inline)).toMatchObject({ shadow: Outcome.limited, limit: 60 });
    expect(harness.ask(START_US + second, Verb.reserve, "k", inline, { cost: 1 })).toMatchObject({
      outcome: Outcome.allowed,
      shadow: Outcome.limited,
    });
  });
});

describe("the quota of keys of a namespace", () => {
  it("refuses new keys beyond it, counts for each namespace alone, and gives room back by time", () => {
    const harness = new PolicyHarness();
    harness.one(START_US, "a", inline);
    harness.change({ kind: "setKeyQuota", maxKeys: 2 });
    const outcomes = ["a", "b", "c", "a"].map((key) => harness.one(START_US, key, inline).outcome);
    expect(outcomes).toEqual([Outcome.allowed, Outcome.allowed, Outcome.namespaceFull, Outcome.allowed]);
    expect(harness.ask(START_US, Verb.reserve, "c", inline).outcome).toBe(Outcome.namespaceFull);
    expect(harness.one(START_US, "c", inline, 1, "m").outcome).toBe(Outcome.allowed);
    expect(harness.one(START_US + minute, "c", inline).outcome).toBe(Outcome.allowed);
  });

  it("K2 what has expired leaves room at once, also if the sweep has just passed it", () => {
    const harness = new PolicyHarness();
    harness.one(START_US, "first", windowLog(3, second));
    harness.one(START_US, "second", windowLog(3, second / 2));
    for (let i = 0; i < 40; i++) harness.one(START_US, `k${i}`, inline);
    harness.change({ kind: "setKeyQuota", maxKeys: 41 });
    // The sweep frees the second, leaves the first behind, and stops before its lap is over.
    harness.one(START_US + second / 2, "k0", inline);
    expect(harness.limiter.stats.keys).toBe(41);
    expect(harness.one(START_US + second, "new", inline).outcome).toBe(Outcome.allowed);
  });

  it("K2 a group that starts an expired key anew counts it against the quota like the new keys beside it", () => {
    const harness = new PolicyHarness();
    harness.change({ kind: "setKeyQuota", maxKeys: 2 });
    const brief = windowLog(3, second);
    harness.one(START_US, "live", inline);
    harness.one(START_US, "old", brief);
    const later = START_US + 2 * second;
    const items = ["old", "new"].map((key) => ({ key, rule: brief, cost: 1 }));
    const outcomes = harness.group(later, items).map(({ outcome }) => outcome);
    expect(outcomes).toEqual([Outcome.namespaceFull, Outcome.namespaceFull]);
    expect(harness.one(later, "old", brief).outcome).toBe(Outcome.allowed);
    expect(harness.one(later, "new", brief).outcome).toBe(Outcome.namespaceFull);
  });

  it("K2 a reservation on an expired key that is still in the table is one on a new key", () => {
    const harness = new PolicyHarness();
    const brief = windowLog(3, second);
    for (const key of ["a", "b", "old"]) harness.one(START_US, key, key === "old" ? brief : inline);
    harness.change({ kind: "setKeyQuota", maxKeys: 2 }, {}, START_US + second - 1);
    const reserved = harness.ask(START_US + second, Verb.reserve, "old", brief);
    expect(reserved.outcome).toBe(Outcome.namespaceFull);
  });

  it("the census agrees with a recount after whatever happened", () => {
    const harness = new PolicyHarness();
    for (let i = 0; i < 300; i++) {
      const rule = [windowLog(3, second), inline, bucket(2, second, 2), bucket(2, second, 2, "b")][i % 4]!;
      harness.one(START_US + i * 20_000, `k${i % 37}`, rule, 1, i % 3 === 0 ? "m" : "n");
    }
    for (let i = 0; i < 4; i++) harness.apply(START_US + (100 + i) * minute);
    expect(harness.limiter.stats.keys).toBe(0);
    harness.change({ kind: "setKeyQuota", maxKeys: 1 }, {}, START_US + 103 * minute);
    expect(harness.one(START_US + 103 * minute, "x", inline).outcome).toBe(Outcome.allowed);
    expect(harness.one(START_US + 103 * minute, "y", inline).outcome).toBe(Outcome.namespaceFull);
  });
});

describe("explain", () => {
  it("tells the rule in force and why, the state, the ban, the last change, and changes nothing", () => {
    const harness = new PolicyHarness();
    const key = encodeUtf8("k");
    expect(harness.limiter.explain("n", inline, key, START_US)).toMatchObject({
      source: "inline",
      used: 0,
      version: 0,
      lastChange: null,
    });
    harness.change(
      { kind: "putPolicies", policies: [{ ...api, ban: { denials: 1, windowMs: 1_000, durationMs: 5_000 } }] },
      { author: "ann" },
    );
    harness.change({ kind: "putOverrides", overrides: [{ policy: "api", key: "k", limit: 2 }] }, { author: "bob" });
    harness.ask(START_US, Verb.reserve, "k", nameAlone);
    harness.one(START_US, "k", nameAlone);
    harness.one(START_US + second, "k", nameAlone);
    const before = harness.limiter.stateHash();
    expect(harness.limiter.explain("n", nameAlone, key, START_US + second)).toMatchObject({
      name: "api",
      version: 2,
      source: "override",
      tier: null,
      rule: { algorithm: "sliding-window-log", limit: 2, windowMs: 60_000, burst: null },
      override: { policy: "api", key: "k", limit: 2 },
      policy: { name: "api", limit: 3 },
      used: 2,
      available: 0,
      nextFreeMs: 59_000,
      resetAfterMs: 59_000,
      isCarriedOver: false,
      ban: { leftMs: 5_000, strikes: 1 },
      holds: [{ kind: "reservation", cost: 1 }],
      lastChange: { author: "bob", kind: "putOverrides", version: 2 },
    });
    expect(harness.limiter.explain("n", { ...nameAlone, policy: "x" }, key, START_US)).toMatchObject({
      source: "unknown",
      rule: null,
      nextFreeMs: null,
    });
    expect(harness.limiter.stateHash()).toEqual(before);
  });
});

describe("lifting a ban", () => {
  it("is a version that a rollback passes over, and clients forget by", () => {
    const harness = new PolicyHarness();
    const ban = { denials: 1, windowMs: 1_000, durationMs: 60_000 };
    harness.change({ kind: "putPolicies", policies: [{ ...api, limit: 0, ban }] });
    expect(harness.one(START_US, "k", nameAlone).outcome).toBe(Outcome.banned);
    expect(harness.change({ kind: "liftBan", policy: "api", key: "k" })).toEqual({
      version: 2,
      changed: 1,
      error: null,
    });
    harness.change({ kind: "putPolicies", policies: [{ ...api, limit: 7 }] });
    expect(harness.change({ kind: "rollback", version: 1 })).toEqual({ version: 4, changed: 1, error: null });
    expect(harness.limiter.policies.diff("n", 1, 4).edits).toEqual([]);
  });
});
