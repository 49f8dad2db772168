import { describe, expect, it } from "vitest";
import { PolicyFileError, readPolicyFile } from "./read-policy-file.ts";

const yaml = `# who may do what
namespace: shop
policies:
  - name: login
    limit: 5
    window: 1m
    ban:
      denials: 10
      window: 10m
      durations: [1m, 10m]
  - &search
    name: search
    algorithm: token-bucket
    limit: 100
    burst: 20
    window: 1s
tiers:
  - name: gold
    limits: [{ policy: search, limit: 1000 }]
tierKeys:
  - { key: "customer:7", tier: gold }
lists:
  - { list: deny, match: range, value: 192.0.2.0/24 }
maxKeys: 1000
`;

const refusal = (text: string) => {
  try {
    readPolicyFile(text, "policies.yaml");
  } catch (error) {
    expect(error).toBeInstanceOf(PolicyFileError);
    return (error as Error).message;
  }
  throw new Error("it was read");
};

describe("a file of policies", () => {
  it("is read from YAML into its normal form", () => {
    expect(readPolicyFile(yaml, "policies.yaml")).toEqual({
      namespace: "shop",
      document: {
        policies: [
          {
            name: "login",
            algorithm: "sliding-window-log",
            limit: 5,
            windowMs: 60_000,
            ban: { denials: 10, windowMs: 600_000, durationsMs: [60_000, 600_000], forgetAfterMs: 600_000 },
          },
          { name: "search", algorithm: "token-bucket", limit: 100, burst: 20, windowMs: 1_000 },
        ],
        tiers: [{ name: "gold", limits: [{ policy: "search", limit: 1_000 }] }],
        tierKeys: [{ key: "customer:7", tier: "gold" }],
        lists: [{ list: "deny", match: "range", value: "192.0.2.0/24" }],
        maxKeys: 1_000,
      },
    });
  });

  it("is read from JSON alike, with tabs and a schema for editors", () => {
    const json = '{\n\t"$schema": "x.json",\n\t"policies": [{"name": "a", "limit": 1, "window": "1s"}]\n}';
    expect(readPolicyFile(json, "policies.json")).toEqual({
      namespace: null,
      document: { policies: [{ name: "a", algorithm: "sliding-window-log", limit: 1, windowMs: 1_000 }] },
    });
  });

  it.each([
    [
      "policies:\n  - name: a\n    limit: -1\n    window: 1m\n",
      "policies.yaml:3:12: policies[0].limit is -1; it must be a whole number from 0 to 2147483647",
    ],
    [
      "policies:\n  - name: a\n    limit: 1\n    window: 90\n",
      "policies.yaml:4:13: policies[0].window is 90; write a whole number with ms, s, m, h or d, from 1ms to 400d",
    ],
    // What is missing has no place of its own: it is shown where it should be.
    ["policies:\n  - name: a\n    window: 1m\n", "policies.yaml:2:5: policies[0].limit is missing"],
    ["polices: []\n", "policies.yaml:1:10: polices is unknown"],
    ["{}\n", "policies.yaml:1:1: the file sets nothing; give any of policies"],
    ["# nothing yet\n", "policies.yaml:1:1: the file holds no object; give any of policies"],
    ["policies: [\n", "policies.yaml:"],
    ["maxKeys: 1\nmaxKeys: 2\n", "policies.yaml:2:1: map keys must be unique"],
    ["policies: !secret []\n", "policies.yaml:1:11: unresolved tag: !secret"],
    ["policies: &p [*p]\n", "policies.yaml:1:15: *p repeats what it stands in; write it out"],
    ["policies:\n  - &a { name: *a }\n", "policies.yaml:2:16: *a repeats what it stands in; write it out"],
    ["maxKeys: 1\n---\nmaxKeys: 2\n", "policies.yaml:2:1: the file holds more than one document; give each a file"],
    ["namespace: 5\nmaxKeys: 1\n", "policies.yaml:1:12: namespace must be text"],
    [`namespace: ${"n".repeat(129)}\nmaxKeys: 1\n`, "policies.yaml:1:12: namespace is "],
  ])("that is wrong is refused with its place and what to write: %j", (text, message) => {
    expect(refusal(text)).toContain(message);
  });

  it("cannot grow by aliases without bound", () => {
    const bomb = [
      "a: &a [x]",
      ...[..."bcdefghi"].map((name, at) => `${name}: &${name} [${Array(9).fill(`*${"abcdefgh"[at]}`)}]`),
    ];
    expect(refusal(bomb.join("\n"))).toContain("Excessive alias count");
  });
});
