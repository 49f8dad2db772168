import { Algorithm, type Rule } from "@quorumguard/limiter";
import { describe, expect, test } from "vitest";
import { createNaiveCounter } from "./naive-counter.ts";

const ruleOf = (algorithm: Algorithm, limit: number): Rule => ({
  ...{ algorithm, limit, windowUs: 1_000_000, burst: 0, policy: "" },
});

/** Takes at these times, one after the other: what each was told. */
function takes(rule: Rule, ...times: readonly (readonly [stampUs: number, cost: number])[]) {
  const counter = createNaiveCounter(rule.algorithm);
  return times.map(([stampUs, cost]) => {
    const verdict = counter.judge(rule, cost, stampUs);
    if (verdict.allowed) counter.charge(rule, cost, stampUs);
    return verdict;
  });
}

describe("a fixed window", () => {
  const rule = ruleOf(Algorithm.fixedWindow, 5);

  test("lets the limit through on both sides of a boundary, and no more", () => {
    const told = takes(rule, [1_999_999, 5], [1_999_999, 1], [2_000_000, 5], [2_000_001, 1]);
    expect(told.map(({ allowed }) => allowed)).toEqual([true, false, true, false]);
    expect(told[1]).toEqual({ allowed: false, remaining: 0, resetAfterMs: 1, retryAfterMs: 1 });
    expect(told[3]).toEqual({ allowed: false, remaining: 0, resetAfterMs: 1_000, retryAfterMs: 1_000 });
  });

  test("a cost above the limit never fits, and an unused key has nothing to reset", () => {
    expect(takes(rule, [1, 6])[0]).toEqual({ allowed: false, remaining: 5, resetAfterMs: 0, retryAfterMs: -1 });
    expect(takes(rule, [400_000, 2])[0]).toEqual({
      ...{ allowed: true, remaining: 3, resetAfterMs: 600, retryAfterMs: 0 },
    });
  });
});

describe("a window of two buckets", () => {
  const rule = ruleOf(Algorithm.slidingWindowCounter, 10);

  test("counts of the bucket before what the window still covers, rounded up", () => {
    // 10 of the first bucket; a quarter into the second, 7.5 of them count, so 8.
    const told = takes(rule, [900_000, 10], [1_250_000, 2], [1_250_000, 1]);
    expect(told.map(({ allowed }) => allowed)).toEqual([true, true, false]);
    expect(told[1]).toEqual({ allowed: true, remaining: 0, resetAfterMs: 1_750, retryAfterMs: 0 });
    // 7 count from 300,000 us into the bucket on.
    expect(told[2]).toEqual({ allowed: false, remaining: 0, resetAfterMs: 1_750, retryAfterMs: 50 });
  });

  test("what retryAfterMs says may lie two boundaries ahead", () => {
    const [, denied] = takes(rule, [1_000_000, 10], [1_000_001, 10]);
    expect(denied).toMatchObject({ allowed: false, retryAfterMs: 2_000 });
    expect(takes(rule, [1_000_000, 10], [3_000_000, 10])[1]).toMatchObject({ allowed: true });
    expect(takes(rule, [1_000_000, 10], [2_999_999, 10])[1]).toMatchObject({ allowed: false });
  });

  test("admits nearly twice the limit in one window at the worst: 2L - ceil(2L/W) of length W", () => {
    const narrow = { ...rule, windowUs: 1_000 };
    const counter = createNaiveCounter(narrow.algorithm);
    let most = 0;
    const admit = (stampUs: number) => {
      while (counter.judge(narrow, 1, stampUs).allowed) {
        counter.charge(narrow, 1, stampUs);
        most += 1;
      }
    };
    admit(999);
    for (let stampUs = 1_000; stampUs < 1_999; stampUs++) admit(stampUs);
    expect(most).toBe(20 - Math.ceil(20 / 1_000));
  });
});

test("slots are no admissions: concurrency has no counter", () => {
  expect(() => createNaiveCounter(Algorithm.concurrency)).toThrow("has no counter");
});
