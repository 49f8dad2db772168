import { describe, expect, it } from "vitest";
import { Outcome } from "../call-batch.ts";
import { Heap } from "../memory/heap.ts";
import type { BanDocument } from "../policies/documents.ts";
import { namePrefix } from "../policies/move-lineages.ts";
import { MAX_BAN_DENIALS } from "../policies/read-documents.ts";
import { START_US } from "../testing/harness.ts";
import { byName, PolicyHarness, putPolicy } from "../testing/policy-harness.ts";
import { Bans } from "./bans.ts";

const second = 1_000_000;
const hour = 3_600_000;
const MAX_KEY_BYTES = 512;

it("a ban may wait for 512 denials, however long the names and the key are", () => {
  const ban: BanDocument = { denials: MAX_BAN_DENIALS, windowMs: hour, durationsMs: [hour], forgetAfterMs: hour };
  for (const prefix of [namePrefix("", "a"), namePrefix("n".repeat(255), "p".repeat(128))]) {
    const bans = new Bans(new Heap());
    const identityOf = (length: number) => {
      const bytes = new Uint8Array(MAX_KEY_BYTES).fill(length);
      return { prefix, prefixLength: prefix.length, bytes, start: 0, length };
    };
    const lengths = Array.from({ length: MAX_KEY_BYTES / 8 }, (_, at) => at * 8 + 1);
    const bannedBy = (length: number): number => {
      for (let denials = 1; denials <= MAX_BAN_DENIALS; denials++) {
        if (bans.feed(identityOf(length), ban, START_US + denials) > 0) return denials;
      }
      return Number.POSITIVE_INFINITY;
    };
    for (const length of lengths) expect(`${length}: ${bannedBy(length)}`).toBe(`${length}: ${MAX_BAN_DENIALS}`);
    expect(bans.countAt(START_US + second)).toBe(lengths.length);
    expect(bans.uncounted).toBe(0);
  }
});

describe("K2 what a ban forgot stays forgotten when its policy looks further back, whether or not a sweep came by", () => {
  const api = { name: "api", algorithm: "sliding-window-log", limit: 0, windowMs: 1_000 } as const;
  const brief = { denials: 2, windowMs: 1_000, durationsMs: [2_000, 60_000], forgetAfterMs: 5_000 };
  const long = { ...brief, windowMs: 600_000, forgetAfterMs: 600_000 };

  /** A key's denials at some seconds; after the first ones, the policy looks further back. */
  function denied(isSwept: boolean, before: readonly number[], after: number) {
    const harness = new PolicyHarness();
    harness.change(putPolicy({ ...api, ban: brief }));
    for (const at of before) harness.one(START_US + at * second, "k", byName("api"));
    harness.change(putPolicy({ ...api, ban: long }), {}, START_US + second / 2);
    if (isSwept) harness.apply(START_US + (after - 1) * second);
    const { outcome } = harness.one(START_US + after * second, "k", byName("api"));
    harness.one(START_US + after * second, "k", byName("api"));
    return { outcome, bans: harness.limiter.bans("n", START_US + after * second, 9).bans };
  }

  it.each([false, true])("a denial (swept: %s)", (isSwept) => {
    expect(denied(isSwept, [0], 0.9).outcome).toBe(Outcome.banned);
    expect(denied(isSwept, [0], 30).outcome).toBe(Outcome.limited);
  });

  it.each([false, true])("how many bans there were (swept: %s)", (isSwept) => {
    expect(denied(isSwept, [0, 0], 6).bans).toMatchObject([{ strikes: 2 }]);
    expect(denied(isSwept, [0, 0], 30).bans).toMatchObject([{ strikes: 1 }]);
  });
});
