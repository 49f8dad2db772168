import { describe, expect, it } from "vitest";
import { Outcome } from "../call-batch.ts";
import { START_US, windowLog } from "../testing/harness.ts";
import { byName, PolicyHarness, putPolicy } from "../testing/policy-harness.ts";
import { Verb } from "../verb.ts";

const second = 1_000_000;
const name = byName("api");
const log = { name: "api", algorithm: "sliding-window-log", limit: 5, windowMs: 3_600_000 };
const counter = { ...log, algorithm: "sliding-window-counter" };
const fixed = { ...log, algorithm: "fixed-window" };
const tokens = { ...log, algorithm: "token-bucket", burst: 5 };
const allowList = { kind: "putListEntries", entries: [{ list: "allow", match: "key", value: "k" }] };

/** A key that nobody asked for, under a name that was used under more windows than can be told apart: it counts as full. */
function guessedFull(policy: object): PolicyHarness {
  const harness = new PolicyHarness();
  for (let at = 0; at < 40; at++) harness.one(START_US, "other", windowLog(5, 3_600 * second + at, "api"));
  harness.change(putPolicy(policy), {}, START_US);
  return harness;
}

/** As much used as a counter counts, most of it beyond all limits. */
function inDebt(policy: object): PolicyHarness {
  const harness = new PolicyHarness();
  harness.change(putPolicy(policy));
  for (let at = 0; at < 3; at++) {
    const { handle } = harness.ask(START_US, Verb.reserve, "k", name, { cost: 1, ttlMs: 60_000 });
    if (handle !== 0) harness.ask(START_US, Verb.commit, "k", name, { cost: 2_147_483_647, handle });
  }
  return harness;
}

describe.each([
  ["a log", log],
  ["a counter of two windows", counter],
  ["a fixed window", fixed],
  ["a bucket", tokens],
])("a reservation or lease is opened under %s", (_, policy) => {
  it.each([
    ["taken to be full", guessedFull],
    ["in debt", inDebt],
  ])("by a shadow, and by an allow-list, though the key is %s", (_state, make) => {
    for (const verb of [Verb.reserve, Verb.grant]) {
      const shadowed = make({ ...policy, shadow: true });
      const ask = (harness: PolicyHarness) =>
        harness.ask(START_US + second, verb, "k", name, { cost: 1, ttlMs: 5_000 });
      const opened = { outcome: Outcome.allowed, retryAfterMs: 0, limit: 5 };
      expect(ask(shadowed)).toMatchObject({ ...opened, shadow: Outcome.limited, remaining: 0 });
      const harness = make(policy);
      expect(ask(harness).outcome).toBe(Outcome.limited);
      harness.change(allowList, {}, START_US);
      expect(ask(harness)).toMatchObject({ ...opened, shadow: 0, remaining: 5 });
    }
  });
});

it.each([
  ["a shadow", { ...log, shadow: true }, "s", 6],
  ["an allow-list", log, "k", 1],
])("what %s opens is held against the quota of keys of its namespace", (_, policy, prefix, cost) => {
  for (const verb of [Verb.reserve, Verb.grant]) {
    const harness = new PolicyHarness();
    harness.change(putPolicy(policy));
    harness.change({ kind: "putListEntries", entries: [{ list: "allow", match: "prefix", value: "k" }] });
    harness.change({ kind: "setKeyQuota", maxKeys: 2 });
    const open = (key: string, stampUs = START_US) => harness.ask(stampUs, verb, key, name, { cost, ttlMs: 5_000 });
    const [first, second_, third, again] = ["1", "2", "3", "1"].map((key) => open(prefix + key));
    expect([first, second_, again].map((each) => each!.outcome)).toEqual(Array(3).fill(Outcome.allowed));
    expect(third!.outcome).toBe(Outcome.namespaceFull);
    expect(harness.limiter.stats.keys).toBe(2);
    // The others are over by then, swept or not.
    expect(open(`${prefix}3`, START_US + 3 * 3_600 * second).outcome).toBe(Outcome.allowed);
  }
});

it.each([false, true])("what an allow-list opens is counted as no denial of its policy (shadow: %s)", (shadow) => {
  const harness = new PolicyHarness();
  harness.change(putPolicy({ ...log, limit: 0, shadow }));
  harness.change(allowList);
  expect(harness.ask(START_US, Verb.reserve, "k", name, { ttlMs: 5_000 }).outcome).toBe(Outcome.allowed);
  const counted = { allowed: 1, denied: 0, wouldHaveDenied: 0, bans: 0 };
  expect(harness.limiter.policies.counters("n").get("api")).toEqual(counted);
});
