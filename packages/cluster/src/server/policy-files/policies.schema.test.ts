import { readFileSync } from "node:fs";
import { Ajv2020 } from "ajv/dist/2020.js";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { PolicyFileError, readPolicyFile } from "./read-policy-file.ts";

const schema = JSON.parse(readFileSync(new URL("../../../policies.schema.json", import.meta.url), "utf8"));
const fits = new Ajv2020({ strict: true, strictRequired: false, strictTypes: false, allErrors: true }).compile(schema);

/** What is in force decides, and refuses by throwing. */
function isRead(document: unknown): boolean {
  try {
    readPolicyFile(JSON.stringify(document), "policies.json");
    return true;
  } catch (error) {
    expect(error).toBeInstanceOf(PolicyFileError);
    return false;
  }
}

const policy = (fields: object = {}) => ({ policies: [{ name: "login", limit: 5, window: "1m", ...fields }] });
const banned = (fields: object) => policy({ ban: { denials: 3, window: "10m", duration: "1h", ...fields } });
const listed = (fields: object) => ({ lists: [{ list: "deny", match: "key", value: "a", ...fields }] });

const good: Readonly<Record<string, unknown>> = {
  "a policy": policy(),
  milliseconds: { policies: [{ name: "login", limit: 0, windowMs: 34_560_000_000 }] },
  "every field": policy({
    algorithm: "token-bucket",
    burst: 9,
    shadow: true,
    onUnavailable: "deny",
    lease: true,
    description: "",
  }),
  slots: policy({ algorithm: "concurrency", lease: false }),
  "a ban": banned({}),
  "a ban that escalates": banned({
    duration: undefined,
    durations: ["1m", "10m"],
    factor: 2,
    maxDuration: "1d",
    forgetAfter: "7d",
  }),
  "a ban in milliseconds": policy({
    ban: { denials: 512, windowMs: 1, durationsMs: [1, 34_560_000_000], maxDurationMs: 34_560_000_000 },
  }),
  "a namespace and a schema": { $schema: "./policies.schema.json", namespace: "shop", maxKeys: null },
  "a quota": { maxKeys: 100_000_000 },
  "empty sections": { policies: [], overrides: [], tiers: [], tierKeys: [], lists: [] },
  "an override": { overrides: [{ policy: "login", key: "user:1", limit: 9, burst: 2 }] },
  "a tier and its keys": {
    tiers: [{ name: "gold", limits: [{ policy: "login", limit: 50 }] }],
    tierKeys: [{ key: "a", tier: "gold" }],
  },
  "a list of everything": {
    lists: [{ list: "allow", match: "range", value: "10.0.0.0/8", policy: "login", description: "office" }],
  },
};

const bad: Readonly<Record<string, unknown>> = {
  nothing: null,
  "a list": [],
  "an unknown section": { policy: [] },
  "an unknown field": policy({ limits: 5 }),
  "no name": { policies: [{ limit: 5, window: "1m" }] },
  "an empty name": policy({ name: "" }),
  "a name with a line break": policy({ name: "a\nb" }),
  "no limit": { policies: [{ name: "login", window: "1m" }] },
  "a limit below 0": policy({ limit: -1 }),
  "a limit above 2^31-1": policy({ limit: 2 ** 31 }),
  "half a limit": policy({ limit: 0.5 }),
  "a limit as text": policy({ limit: "5" }),
  "no window": policy({ window: undefined }),
  "two windows": policy({ windowMs: 60_000 }),
  "a window without a unit": policy({ window: "60" }),
  "a window as a number": policy({ window: 60 }),
  "a window of 0": policy({ window: "0s" }),
  "a window above 400 days": policy({ window: "401d" }),
  "an algorithm that is none": policy({ algorithm: "leaky" }),
  "a burst without a bucket": policy({ burst: 5 }),
  "a burst of another algorithm": policy({ algorithm: "fixed-window", burst: 5 }),
  "a burst of 0": policy({ algorithm: "token-bucket", burst: 0 }),
  "leases of slots": policy({ algorithm: "concurrency", lease: true }),
  "a shadow as text": policy({ shadow: "yes" }),
  "an outage mode that is none": policy({ onUnavailable: "open" }),
  "a ban without denials": banned({ denials: undefined }),
  "a ban for too many denials": banned({ denials: 513 }),
  "a ban without a duration": banned({ duration: undefined }),
  "a ban with two durations": banned({ durationMs: 5 }),
  "a ban with no duration in its list": banned({ duration: undefined, durations: [] }),
  "a factor without a bound": banned({ factor: 2 }),
  "two bounds of bans": banned({ maxDuration: "1d", maxDurationMs: 86_400_000 }),
  "an override without a key": { overrides: [{ policy: "login", limit: 5 }] },
  "an override with an empty key": { overrides: [{ policy: "login", key: "", limit: 5 }] },
  "a tier without limits": { tiers: [{ name: "gold" }] },
  "a tier key without a tier": { tierKeys: [{ key: "a" }] },
  "a list that is none": listed({ list: "grey" }),
  "a match that is none": listed({ match: "suffix" }),
  "a quota of 0": { maxKeys: 0 },
  "a quota as text": { maxKeys: "5" },
  "a namespace as a number": { namespace: 5, policies: [] },
};

/** Only what is in force can tell: JSON Schema counts characters, not bytes, and compares nothing with anything. */
const refusedBeyondTheSchema: Readonly<Record<string, unknown>> = {
  "a name that is too long in bytes": policy({ name: "é".repeat(128) }),
  "the same policy twice": { policies: [...policy().policies, ...policy().policies] },
  "a bound below a duration": banned({ maxDuration: "1m" }),
  "a range that is none": listed({ match: "range", value: "10.0.0.0/33" }),
  "half a surrogate pair": { overrides: [{ policy: "login", key: "\ud800", limit: 5 }] },
  "nothing to set": {},
};

describe("the JSON Schema of policies, and what is in force", () => {
  it.each(Object.entries(good))("both take %s", (_, document) => {
    expect(fits(JSON.parse(JSON.stringify(document))), JSON.stringify(fits.errors)).toBe(true);
    expect(isRead(document)).toBe(true);
  });

  it.each(Object.entries(bad))("both refuse %s", (_, document) => {
    expect(fits(JSON.parse(JSON.stringify(document)))).toBe(false);
    expect(isRead(document)).toBe(false);
  });

  it.each(Object.entries(refusedBeyondTheSchema))("what is in force also refuses %s", (_, document) => {
    expect(fits(JSON.parse(JSON.stringify(document)))).toBe(true);
    expect(isRead(document)).toBe(false);
  });

  it("agree about every duration as text", () => {
    const units = { ms: 34_560_000_000, s: 34_560_000, m: 576_000, h: 9_600, d: 400 };
    const near = (most: number) =>
      fc.oneof(
        fc.integer({ min: 0, max: most * 2 }),
        fc.integer({ min: -3, max: 3 }).map((step) => most + step),
        fc.integer({ min: 0, max: 30 }).map((power) => 2 ** power),
      );
    const durations = fc
      .constantFrom(...(Object.keys(units) as (keyof typeof units)[]))
      .chain((unit) => near(units[unit]).map((number) => `${number}${unit}`));
    fc.assert(
      fc.property(durations, (window) => {
        const document = policy({ window });
        expect(fits(document), window).toBe(isRead(document));
      }),
      { numRuns: 500 },
    );
  });

  it("agree about policies that are made up of right and wrong parts", () => {
    const maybe = <T>(...values: T[]) => fc.option(fc.constantFrom(...values), { nil: undefined });
    const ban = fc.record({
      denials: maybe<unknown>(1, 0, "1"),
      window: maybe<unknown>("1m", 5),
      windowMs: maybe<unknown>(5, 0),
      duration: maybe("1m"),
      durations: maybe(["1m", "2m"], [], ["x"]),
      factor: maybe<unknown>(1, 2, 0),
      maxDuration: maybe("1d"),
      maxDurationMs: maybe(86_400_000),
    });
    const any = fc.record({
      name: maybe<unknown>("a", "", 5),
      limit: maybe<unknown>(5, -1, 1.5),
      window: maybe<unknown>("1m", "1y"),
      windowMs: maybe<unknown>(5, -5),
      algorithm: maybe("token-bucket", "concurrency", "none"),
      burst: maybe(5, 0),
      lease: maybe<unknown>(true, false, 1),
      ban: fc.option(ban, { nil: undefined }),
    });
    fc.assert(
      fc.property(any, (one) => {
        const document = JSON.parse(JSON.stringify({ policies: [one] }));
        expect(fits(document), JSON.stringify(document)).toBe(isRead(document));
      }),
      { numRuns: 2_000 },
    );
  });
});
