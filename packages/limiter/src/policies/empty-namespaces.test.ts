import { describe, expect, it } from "vitest";
import { Outcome } from "../call-batch.ts";
import type { Limiter } from "../limiter.ts";
import { copyOf, START_US, windowLog } from "../testing/harness.ts";
import { byName, PolicyHarness, putPolicy } from "../testing/policy-harness.ts";
import { policyBounds } from "./policy-book.ts";

const second = 1_000_000;
const day = 86_400 * second;
const api = { name: "api", limit: 2, windowMs: 60_000 };
const deleteApi = { kind: "deletePolicies", names: ["api"] };

/** All places are taken; the namespaces of `empty` were emptied, one a second. */
function filled(empty: readonly string[], harness = new PolicyHarness()): PolicyHarness {
  const others = Array.from({ length: policyBounds.namespaces - empty.length }, (_, at) => `t${at}`);
  for (const namespace of [...empty, ...others]) harness.change(putPolicy(api), { namespace });
  empty.forEach((namespace, at) => {
    harness.change(deleteApi, { namespace }, START_US + at * second);
  });
  return harness;
}

const put = (harness: PolicyHarness, namespace: string, stampUs: number) =>
  harness.change(putPolicy(api), { namespace }, stampUs);

describe("when all places for namespaces are taken", () => {
  it("a new one takes that of the one in which nothing is set for the longest time, a day at least", () => {
    const harness = filled(["b", "a"]);
    const { policies } = harness.limiter;
    expect(put(harness, "new", START_US + day - 1).error).toMatchObject({
      code: "too-many",
      field: "namespace",
      message: expect.stringMatching(
        /^namespace would be number 1001 with policies; there may be 1000: delete everything/,
      ),
    });
    expect(policies.history("b")).toHaveLength(2);
    expect(put(harness, "new", START_US + day)).toMatchObject({ changed: 1, error: null });
    expect(policies.history("b")).toEqual([]);
    expect(policies.history("a")).toHaveLength(2);
    expect(put(harness, "newer", START_US + day).error?.code).toBe("too-many");
    expect(put(harness, "newer", START_US + day + second).error).toBeNull();
    expect(put(harness, "newest", START_US + 400 * day).error?.code).toBe("too-many");
    expect(policies.namespaceNames()).toHaveLength(policyBounds.namespaces);
  });

  it("no version of a namespace comes twice, so that clients that knew it heed the new one", () => {
    const harness = filled(["gone", "later"]);
    const { policies } = harness.limiter;
    for (let i = 0; i < 5; i++) harness.change({ kind: "setKeyQuota", maxKeys: i + 1 }, { namespace: "gone" });
    harness.change({ kind: "setKeyQuota", maxKeys: null }, { namespace: "gone" });
    const last = policies.version("gone");
    put(harness, "other", START_US + 2 * day);
    put(harness, "another", START_US + 2 * day);
    expect(policies.version("gone")).toBe(0);
    harness.change(deleteApi, { namespace: "t0" }, START_US + 2 * day);
    const preview = policies.preview("gone", { kind: "setKeyQuota", maxKeys: 1 });
    const again = harness.change(
      { kind: "setKeyQuota", maxKeys: 1 },
      { namespace: "gone", expectedVersion: 0 },
      START_US + 3 * day,
    );
    expect(again.error).toBeNull();
    expect(again.version).toBeGreaterThan(last);
    expect(preview).toMatchObject({ from: 0, to: again.version });
    expect(policies.document("gone", again.version - 1).maxKeys).toBeNull();
  });

  it("one whose names are counted by what its policies left keeps its place for as long", () => {
    const harness = new PolicyHarness();
    const own = windowLog(2, 400 * day, "api");
    harness.change(putPolicy({ ...api, windowMs: 34_560_000_000 }), { namespace: "used" });
    harness.one(START_US, "k", byName("api"), 2, "used");
    filled(["used"], harness);
    expect(put(harness, "new", START_US + 2 * day).error?.code).toBe("too-many");
    expect(harness.one(START_US + 2 * day, "k", own, 1, "used").outcome).toBe(Outcome.limited);
    expect(put(harness, "new", START_US + 390 * day).error?.code).toBe("too-many");
    for (let after = 401; after < 2_000 && harness.limiter.stats.keys > 0; after++)
      harness.apply(START_US + after * day);
    expect(put(harness, "new", START_US + 2_000 * day).error).toBeNull();
  });

  it("calls of the one that goes and of the one that comes are told so at once", () => {
    const harness = filled(["old"]);
    const at = START_US + day;
    expect(harness.one(at, "k", byName("api"), 1, "new").outcome).toBe(Outcome.unknownPolicy);
    put(harness, "new", at);
    expect(harness.one(at, "k", byName("api"), 1, "new").outcome).toBe(Outcome.allowed);
    expect(harness.one(at, "k", windowLog(1, second, "api"), 1, "old")).toMatchObject({
      outcome: Outcome.allowed,
      limit: 1,
    });
  });

  it("a ban that outlived its namespace is listed, and can be lifted", () => {
    const harness = new PolicyHarness();
    const ban = { denials: 1, windowMs: 60_000, durationsMs: [10 * 86_400_000] };
    harness.change(putPolicy({ ...api, limit: 0, ban }), { namespace: "old" });
    harness.one(START_US, "k", byName("api"), 1, "old");
    filled(["old"], harness);
    put(harness, "new", START_US + 2 * day);
    const lift = { kind: "liftBan", policy: "api", key: "k" };
    expect(harness.limiter.bans("old", START_US + 2 * day, 9).total).toBe(1);
    expect(harness.change(lift, { namespace: "old" }, START_US + 2 * day)).toEqual({
      version: 0,
      changed: 1,
      error: null,
    });
    expect(harness.limiter.bans("old", START_US + 2 * day, 9).total).toBe(0);
    expect(harness.change(lift, { namespace: "old" }, START_US + 2 * day).error?.code).toBe("not-found");
  });

  it("takes no more memory, however many come and go, and goes on alike from a snapshot", () => {
    const harness = filled(["first"]);
    let stampUs = START_US;
    const turns = (from: number, to: number) => {
      for (let at = from; at < to; at++) {
        stampUs += day;
        expect(put(harness, `n${at}`, stampUs).error).toBeNull();
        expect(harness.change(deleteApi, { namespace: `n${at}` }, stampUs).error).toBeNull();
      }
    };
    turns(1_000, 1_010);
    const bytes = sizeOf(harness.limiter);
    const copy = copyOf(harness.limiter);
    turns(1_010, 1_900);
    expect(sizeOf(harness.limiter)).toBe(bytes);
    for (const { index, bytes: entry } of harness.entries.slice(-2 * 890)) copy.apply(index, entry);
    expect(copy.stateHash()).toEqual(harness.limiter.stateHash());
    expect(sizeOf(copy)).toBe(bytes);
  });
});

function sizeOf(limiter: Limiter): number {
  const cut = limiter.beginSnapshot();
  let bytes = 0;
  for (let piece = cut.next(65_536); piece !== null; piece = cut.next(65_536)) bytes += piece.length;
  return bytes;
}
