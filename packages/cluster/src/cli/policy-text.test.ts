import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { readPolicyFile } from "../server/policy-files/read-policy-file.ts";
import { documentYaml, durationText, objectYaml } from "./policy-text.ts";

describe("a document as text", () => {
  it("is the file that means the same", () => {
    const document = {
      policies: [
        {
          name: "login",
          algorithm: "token-bucket",
          limit: 5,
          windowMs: 90_000,
          burst: 7,
          ban: {
            denials: 3,
            windowMs: 1_500,
            durationsMs: [60_000, 3_600_000],
            factor: 2,
            maxDurationMs: 86_400_000,
            forgetAfterMs: 604_800_000,
          },
          description: "windowMs: 5\n# no comment",
        },
      ],
      overrides: [{ policy: "login", key: "- :{}\u2028", limit: 0 }],
      tiers: [{ name: "gold", limits: [{ policy: "login", limit: 9 }] }],
      tierKeys: [{ key: "yes", tier: "gold" }],
      lists: [{ list: "deny", match: "range", value: "10.0.0.0/8" }],
      maxKeys: 10,
    };
    const text = documentYaml("shop", document);
    expect(text).toContain("window: 90s");
    expect(text).toContain("window: 1500ms");
    expect(text).toContain("forgetAfter: 7d");
    expect(readPolicyFile(text, "policies.yaml")).toEqual({ namespace: "shop", document });
  });

  it("leaves out what says nothing", () => {
    const nothing = { policies: [], overrides: [], tiers: [], tierKeys: [], lists: [], maxKeys: null };
    expect(documentYaml("", { ...nothing, maxKeys: 5 })).toBe("maxKeys: 5\n");
  });

  it.each(["", "shop"])("is a file that can be put where nothing is set: namespace %j", (namespace) => {
    const nothing = { policies: [], overrides: [], tiers: [], tierKeys: [], lists: [], maxKeys: null };
    expect(readPolicyFile(documentYaml(namespace, nothing), "policies.yaml")).toEqual({
      namespace: namespace === "" ? null : namespace,
      document: { policies: [] },
    });
    expect(readPolicyFile(documentYaml(namespace, {}), "policies.yaml").document).toEqual({ policies: [] });
  });

  it("keeps every key as it is, whatever spaces and line ends it has", () => {
    const part = fc.constantFrom(
      "a",
      " ",
      "  ",
      "\n",
      "\r",
      "\r\n",
      "\t",
      "\\",
      "#",
      ":",
      "- ",
      "'",
      '"',
      "\u0085",
      "\u2028",
      "é",
    );
    fc.assert(
      fc.property(fc.array(part, { minLength: 1, maxLength: 60 }), (parts) => {
        const key = parts.join("");
        const text = documentYaml("", { overrides: [{ policy: "p", key, limit: 3 }] });
        expect(readPolicyFile(text, "a").document.overrides?.[0]?.key).toBe(key);
      }),
      { numRuns: 2_000, examples: [[["  ", "\n"]]] },
    );
  });

  it("shows any object so, what is not known as null", () => {
    const explained = { rule: { windowMs: 60_000 }, nextFreeMs: null, resetAfterMs: 0, holds: [{ leftMs: 1_500 }] };
    const text = "rule:\n  window: 1m\nnextFreeMs: null\nresetAfter: 0ms\nholds:\n  - left: 1500ms\n";
    expect(objectYaml(explained)).toBe(text);
  });

  it.each([
    [1, "1ms"],
    [1_500, "1500ms"],
    [60_000, "1m"],
    [90_000, "90s"],
    [7_200_000, "2h"],
    [34_560_000_000, "400d"],
  ])("writes %d ms as %s", (ms, text) => {
    expect(durationText(ms)).toBe(text);
  });

  it("writes every duration so that it is read again", () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 34_560_000_000 }), (windowMs) => {
        const text = documentYaml("", { policies: [{ name: "a", limit: 1, windowMs }] });
        expect(readPolicyFile(text, "a").document.policies?.[0]?.windowMs).toBe(windowMs);
      }),
    );
  });
});
