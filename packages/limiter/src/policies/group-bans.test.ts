import { describe, expect, it } from "vitest";
import { NEVER, Outcome } from "../call-batch.ts";
import { encodeUtf8 } from "../entry/utf8.ts";
import { type Item, START_US, windowLog } from "../testing/harness.ts";
import { PolicyHarness } from "../testing/policy-harness.ts";

const second = 1_000_000;
const inline = windowLog(100, 60 * second, "api");
const { allowed, limited, banned } = Outcome;
const ban = { denials: 3, windowMs: 600_000, durationsMs: [90_000, 600_000, 3_600_000], forgetAfterMs: 86_400_000 };
const banning = { name: "api", algorithm: "sliding-window-log", limit: 1, windowMs: 60_000, ban };

function harnessOf(...policies: readonly object[]): PolicyHarness {
  const harness = new PolicyHarness();
  harness.change({ kind: "putPolicies", policies });
  return harness;
}

/** Items of one group, each `key` or `key:cost`. */
function items(...texts: readonly string[]): Item[] {
  return texts.map((text) => {
    const [key, cost = "1"] = text.split(":") as [string, string?];
    return { key, rule: inline, cost: Number(cost) };
  });
}

function bansOf({ limiter }: PolicyHarness) {
  return limiter.bans("n", START_US, 9).bans.map(({ key, strikes }) => `${key} ${strikes}`);
}

describe("G1 bans within one all-or-nothing call", () => {
  it.each([1, 3, 4, 5, 9, 10, 13])("a key repeated %i times begins one ban at most, of the first duration", (size) => {
    const harness = harnessOf(banning);
    const results = harness.group(START_US, items(...Array<string>(size).fill("k")));
    const expected = [allowed, limited, limited, ...Array<number>(10).fill(banned)].slice(0, size);
    expect(results.map(({ outcome }) => outcome)).toEqual(expected);
    expect(bansOf(harness)).toEqual(size > 3 ? ["k 1"] : []);
    expect(harness.limiter.stats.bansBegun).toBe(size > 3 ? 1 : 0);
    expect(harness.limiter.policies.counters("n").get("api")).toMatchObject({ bans: size > 3 ? 1 : 0 });
  });

  it("an item after the one that begins the ban is told it, by what the rule itself would say as well", () => {
    const harness = harnessOf({ ...banning, limit: 3, ban: { ...ban, denials: 2 } });
    harness.group(START_US, items("k:3"));
    const told = harness
      .group(START_US, items("k", "k", "k", "k"))
      .map(({ outcome, remaining, resetAfterMs, retryAfterMs }) => [outcome, remaining, resetAfterMs, retryAfterMs]);
    expect(told).toEqual([
      [limited, 0, 60_000, 60_000],
      [banned, 0, 90_000, 90_000],
      [banned, 0, 90_000, 90_000],
      [banned, 0, 90_000, NEVER],
    ]);
  });

  it("items after the ban began feed nothing: the next strike takes as many denials as ever", () => {
    const harness = harnessOf({ ...banning, limit: 0 });
    harness.group(START_US, items("k", "k", "k", "k", "k"));
    const afterUs = START_US + 90 * second;
    expect([1, 2, 3].map((_) => harness.one(afterUs, "k", inline).outcome)).toEqual([limited, limited, banned]);
  });

  it("the ban of one key is none of another's, and items before it keep their reasons", () => {
    const harness = harnessOf({ ...banning, ban: { ...ban, denials: 2 } });
    const results = harness.group(START_US, items("a", "k", "k", "k", "b", "k", "b"));
    expect(results.map(({ outcome }) => outcome)).toEqual([
      allowed,
      allowed,
      limited,
      banned,
      allowed,
      banned,
      limited,
    ]);
    expect(bansOf(harness)).toEqual(["k 1"]);
    expect(harness.one(START_US, "a", inline).outcome).toBe(allowed);
  });

  it("in a shadow, an item after the ban began is charged nothing, though it would have fitted", () => {
    const harness = harnessOf({ ...banning, limit: 5, shadow: true, ban: { ...ban, denials: 1 } });
    const results = harness.group(START_US, items("k:2", "k:9", "k"));
    expect(results.map(({ outcome, shadow }) => [outcome, shadow])).toEqual([
      [allowed, 0],
      [allowed, banned],
      [allowed, banned],
    ]);
    const explained = harness.limiter.explain("n", inline, encodeUtf8("k"), START_US);
    expect(explained.used).toBe(2);
    expect(harness.limiter.policies.counters("n").get("api")).toEqual({
      ...{ allowed: 3, denied: 0, wouldHaveDenied: 2, bans: 1 },
    });
  });

  it("in a shadow, the ban is told by what was there before the call, whatever it charged to the key already", () => {
    const harness = harnessOf({
      ...banning,
      limit: 5,
      shadow: true,
      ban: { ...ban, denials: 1, durationsMs: [1_000] },
    });
    const [, shadowed] = harness.group(START_US, items("k:2", "k:9"));
    expect(shadowed).toMatchObject({ outcome: allowed, shadow: banned, resetAfterMs: 1_000 });
  });

  it("a list goes before the ban that another key's items begin in the same call", () => {
    const harness = harnessOf({ ...banning, limit: 0, ban: { ...ban, denials: 1 } });
    harness.change({ kind: "putListEntries", entries: [{ list: "allow", match: "key", value: "free" }] });
    harness.change({ kind: "putListEntries", entries: [{ list: "deny", match: "key", value: "out" }] });
    const results = harness.group(START_US, items("k", "free", "out", "k", "out"));
    expect(results.map(({ outcome }) => outcome)).toEqual([banned, allowed, Outcome.blocked, banned, Outcome.blocked]);
    expect(bansOf(harness)).toEqual(["k 1"]);
  });
});
