import { describe, expect, test } from "vitest";
import { checkKey } from "./check-fields.ts";
import { windowUs } from "./duration.ts";
import { GuardError } from "./guard-error.ts";
import { resolveGuardOptions } from "./guard-options.ts";
import { createRuleBook, localShare, resolveRule } from "./resolved-rule.ts";

describe("a window", () => {
  test.each([
    ["500ms", 500_000],
    ["10s", 10_000_000],
    ["1.5s", 1_500_000],
    ["0.1s", 100_000],
    ["5m", 300_000_000],
    ["1h", 3_600_000_000],
    ["400d", 34_560_000_000_000],
    [60_000, 60_000_000],
    [1_000, 1_000_000],
    [15_000, 15_000_000],
    [900_000, 900_000_000],
    [3_600_000, 3_600_000_000],
    [86_400_000, 86_400_000_000],
    [2_592_000_000, 2_592_000_000_000],
    ["1500ms", 1_500_000],
    ["3600ms", 3_600_000],
  ])("%s is %d microseconds", (window, us) => {
    expect(windowUs(window, "window")).toBe(us);
  });

  test.each([
    [60, /"60s" for seconds or "60ms"/],
    [2_592_000, /2592000 seconds are 30 days; write "2592000s" for seconds or "2592000ms"/],
    [432_000, /432000 seconds are 5 days/],
    [0, /"1ms" to "400d"/],
    [-5_000, /"1ms" to "400d"/],
    [Number.NaN, /write milliseconds as a number from 1000 on/],
    [Number.POSITIVE_INFINITY, /"1ms" to "400d"; write one such as "1m"/],
    ["1.0000001s", /whole number of microseconds/],
    ["401d", /"1ms" to "400d"/],
    ["0.5ms", /"1ms" to "400d"/],
    ["1.00005ms", /whole number of microseconds/],
    ["10 s", /write "10s"$/],
    ["10", /write "10s" for seconds or "10ms" for milliseconds$/],
    ["90", /write "90s" for seconds or "90ms"/],
    ["1min", /write "1m"$/],
    ["1 minute", /write "1m"$/],
    ["2 Hours", /write "2h"$/],
    ["1w", /write "7d"$/],
    ["1 fortnight", /a number with a unit/],
    ["1e3s", /a number with a unit/],
    [undefined, /a number with a unit/],
    [{}, /an object is not a span of time/],
  ])("%s is refused, with what to write", (window, message) => {
    expect(() => windowUs(window, "window")).toThrow(GuardError);
    expect(() => windowUs(window, "window")).toThrow(message);
  });
});

test.each([90, 900, 1_800, 3_600, 7_200, 43_200, 86_400, 604_800, 1_500])(
  "a bare %d may be seconds, and is refused with both ways to write it",
  (bare) => {
    const both = `a bare number is milliseconds, and it must be whole seconds; write "${bare}s" for seconds or "${bare}ms" for milliseconds`;
    expect(() => windowUs(bare, "window")).toThrow(`window: ${bare} is not a span of time: ${both}`);
    expect(() => windowUs(`${bare}s`, "window")).not.toThrow();
    expect(() => windowUs(`${bare}ms`, "window")).not.toThrow();
  },
);

describe("a key", () => {
  test("has 1 to 512 bytes of UTF-8", () => {
    expect(checkKey("k".repeat(512))).toHaveLength(512);
    expect(checkKey("€".repeat(170))).toHaveLength(170);
    expect(() => checkKey("€".repeat(171))).toThrow(/513 bytes of UTF-8; it must have 1 to 512/);
    expect(() => checkKey("")).toThrow(/is empty/);
    expect(() => checkKey(7)).toThrow(/must be a string/);
  });

  test("is refused if UTF-8 cannot express it, since two such keys would share a count", () => {
    expect(() => checkKey("a\ud800")).toThrow(/surrogate/);
    expect(checkKey("a😀")).toBe("a😀");
  });
});

describe("a rule", () => {
  test("gets its defaults", () => {
    expect(resolveRule({ limit: 5, window: "1s" }, "")).toMatchObject({
      algorithm: 1,
      burst: 0,
      policy: "",
      name: null,
    });
    const bucket = resolveRule({ limit: 5, window: "1s", algorithm: "token-bucket" }, "");
    expect(bucket).toMatchObject({ algorithm: 2, burst: 5 });
    expect(resolveRule({ limit: 0, window: "1s", algorithm: "token-bucket" }, "").burst).toBe(1);
  });

  test.each([
    ["sliding-window-log", 1],
    ["token-bucket", 2],
    ["sliding-window-counter", 3],
    ["fixed-window", 4],
  ] as const)("%s has number %d on the wire", (algorithm, number) => {
    expect(resolveRule({ limit: 5, window: "1s", algorithm }, "").algorithm).toBe(number);
  });

  test("names the field that is wrong", () => {
    const wrong = (rule: object) => () => resolveRule(rule as never, "policies.api");
    expect(wrong({ limit: -1, window: "1s" })).toThrow(/^policies.api.limit: -1 .* 0 to 2147483647/);
    expect(wrong({ limit: 1, window: "1s", burst: 2 })).toThrow(/^policies.api.burst: 2 .*token-bucket/);
    expect(wrong({ limit: 1, window: "1s", algorithm: "toString" })).toThrow(/^policies.api.algorithm: "toString"/);
    expect(wrong({ limit: 1, window: "1s", onUnavailable: "maybe" })).toThrow(/^policies.api.onUnavailable: "maybe"/);
  });

  test("is the same object for the same text, so that a frame lists it once", () => {
    const book = createRuleBook(undefined);
    const plain = book.plain(5, "10s");
    expect(book.plain(5, "10s")).toBe(plain);
    expect(book.inline({ limit: 5, window: "10s" })).toBe(plain);
    expect(book.plain(6, "10s")).not.toBe(plain);
    expect(book.inline({ limit: 5, window: "10s", algorithm: "token-bucket" })).not.toBe(plain);
  });

  test("text never passes for a number it looks like", () => {
    const book = createRuleBook(undefined);
    book.plain(5, "10s");
    expect(() => book.plain("5" as never, "10s")).toThrow(/^limit: "5"/);
  });

  test("U1: a client's share is at least 1, and 0 of 0", () => {
    const share = (limit: number, clients: number) =>
      localShare(resolveRule({ limit, window: "1s" }, ""), clients)?.limit;
    expect([share(10, 3), share(2, 3), share(0, 3), share(10, 1)]).toEqual([3, 1, 0, 10]);
  });
});

describe("options", () => {
  test("have defaults", () => {
    const resolved = resolveGuardOptions({}, "a:1, b:2");
    expect(resolved).toMatchObject({
      endpoints: ["a:1", "b:2"],
      namespace: "",
      routing: "direct",
      timeoutMs: 1_000,
      onUnavailable: "local",
      maxPendingCalls: 65_536,
    });
  });

  test.each([
    [{ endpoints: [] }, /^endpoints: it is an empty list/],
    [{ endpoints: Array(65).fill("a:1") }, /^endpoints: 65 .*1 to 64/],
    [{ endpoints: ["a b"] }, /^endpoints\[0\]: "a b"/],
    [{ endpoints: 7 }, /^endpoints: 7/],
    [{ timeoutMs: 0 }, /^timeoutMs: 0 .*1 to 2147483647/],
    [{ timeoutMs: 1.5 }, /^timeoutMs: 1.5/],
    [{ onUnavailable: "panic" }, /^onUnavailable: "panic" .*local, allow, deny, throw/],
    [{ routing: "x" }, /^routing: "x"/],
    [{ namespace: "n".repeat(129) }, /^namespace: .*129 bytes.*1 to 128/],
    [{ namespace: 7 }, /^namespace: 7/],
    [{ token: "" }, /^token/],
    [{ policies: { "": { limit: 1, window: "1s" } } }, /^policies: ""/],
    [{ policies: { a: 5 } }, /^policies.a: 5/],
    [{ maxPendingCalls: 0 }, /^maxPendingCalls: 0/],
  ])("%j is refused with field, value and bound", (options, message) => {
    expect(() => resolveGuardOptions(options as never, "a:1")).toThrow(message);
  });
});
