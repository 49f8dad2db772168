import { describe, expect, it } from "vitest";
import { checkRule, type UncheckedRule } from "./check-rule.ts";
import { checkCost, checkKey, checkNamespace } from "./check-text.ts";

const rule: UncheckedRule = { limit: 5, windowUs: 1_000_000, algorithm: 0, burst: 0, policy: "" };
const log = { algorithm: 1, limit: 5, windowUs: 1_000_000, burst: 0, policy: "" };

describe("a rule within its bounds", () => {
  it.each([
    ["defaults to the sliding-window log", {}, log],
    ["may have limit 0, which always denies", { limit: 0 }, { ...log, limit: 0 }],
    ["may have the largest limit", { limit: 2 ** 31 - 1 }, { ...log, limit: 2 ** 31 - 1 }],
    ["may have the shortest window", { windowUs: 1_000 }, { ...log, windowUs: 1_000 }],
    ["may have the longest window", { windowUs: 34_560_000_000_000 }, { ...log, windowUs: 34_560_000_000_000 }],
    ["takes a bucket's burst from its limit", { algorithm: 2 }, { ...log, algorithm: 2, burst: 5 }],
    ["keeps a bucket's own burst", { algorithm: 2, burst: 9 }, { ...log, algorithm: 2, burst: 9 }],
    [
      "gives a bucket of limit 0 a burst of one",
      { algorithm: 2, limit: 0 },
      { ...log, algorithm: 2, limit: 0, burst: 1 },
    ],
    [
      "may be a policy's name alone",
      { limit: 0, windowUs: 0, policy: "login" },
      { ...log, limit: 0, windowUs: 0, policy: "login" },
    ],
    ["may be named", { policy: "é".repeat(64) }, { ...log, policy: "é".repeat(64) }],
  ])("%s", (_name, over, expected) => {
    expect(checkRule({ ...rule, ...over }, "rule")).toEqual(expected);
  });
});

describe("a rule out of bounds is refused by field, value and bound", () => {
  it.each([
    [{ limit: -1 }, "rule.limit is -1: it must be a whole number from 0 to 2,147,483,647"],
    [{ limit: 1.5 }, "rule.limit is 1.5: it must be a whole number from 0 to 2,147,483,647"],
    [{ limit: Number.NaN }, "rule.limit is NaN: "],
    [{ limit: 2 ** 31 }, "rule.limit is 2147483648: "],
    [
      { windowUs: 0 },
      "rule.window_us is 0: it must be from 1,000 (1 ms) to 34,560,000,000,000 (400 days), in microseconds",
    ],
    [{ windowUs: 0, limit: 0 }, "rule.window_us is 0: "],
    [{ windowUs: 0, policy: "login" }, "rule.window_us is 0: "],
    [{ windowUs: 0, limit: 0, policy: "\ud800" }, "rule.policy is "],
    [{ windowUs: 999 }, "rule.window_us is 999: "],
    [{ windowUs: 34_560_000_000_001 }, "rule.window_us is 34560000000001: "],
    [{ windowUs: Number.POSITIVE_INFINITY }, "rule.window_us is Infinity: "],
    [{ algorithm: 6 }, "rule.algorithm is 6: it must be 0 (default), 1 (sliding-window-log), 2 (token-bucket), 3 ("],
    [{ algorithm: -1 }, "rule.algorithm is -1: "],
    [{ burst: 1 }, "rule.burst is 1: only token-bucket has a burst"],
    [{ algorithm: 2, burst: -1 }, "rule.burst is -1: "],
    [{ algorithm: 2, burst: 2 ** 31 }, "rule.burst is 2147483648: "],
    [{ policy: "é".repeat(65) }, "it must be at most 128 bytes of UTF-8"],
    [{ policy: "\ud800" }, "rule.policy is "],
  ])("%o", (over, message) => {
    expect(() => checkRule({ ...rule, ...over }, "rule")).toThrow(message);
  });
});

describe("keys, namespaces and costs", () => {
  it.each(["k", "k".repeat(512), "ключ", "🔑", "\u0000"])("takes the key %j", (key) => {
    expect(() => checkKey(key, "key")).not.toThrow();
  });

  it.each([
    ["", 'key is "": it has 0 bytes and must have 1 to 512 bytes of UTF-8'],
    ["k".repeat(513), "it has 513 bytes and must have 1 to 512"],
    ["é".repeat(257), "it has 514 bytes"],
    ["a\udc00b", "it must be well-formed Unicode"],
  ])("refuses the key %j", (key, message) => {
    expect(() => checkKey(key, "key")).toThrow(message);
  });

  it("shows no more than the beginning of what was sent", () => {
    expect(() => checkNamespace("n".repeat(1_000_000))).toThrow(/^.{0,200}$/);
  });

  it("reads cost 0 as 1, and holds the others to their bounds", () => {
    expect([checkCost(0, "cost"), checkCost(1, "cost"), checkCost(2 ** 31 - 1, "cost")]).toEqual([1, 1, 2 ** 31 - 1]);
    expect(() => checkCost(2 ** 31, "check.cost")).toThrow(
      "check.cost is 2147483648: it must be a whole number from 1 to",
    );
  });
});
