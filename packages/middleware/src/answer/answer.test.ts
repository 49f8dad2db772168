import type { Decision, DenialReason } from "@quorumguard/sdk-core";
import { describe, expect, it } from "vitest";
import { answerTo, denialOf } from "./denial.ts";
import { type HeaderFormat, headerFields, structuredString, type ToldDecision } from "./header-fields.ts";

const facts = { policy: null, source: "quorum", degraded: false, shadow: null } as const;
function allowed(limit: number, remaining: number | null, resetAfterMs: number | null): Decision {
  return { ...facts, allowed: true, reason: null, retryAfterMs: 0, limit, remaining, resetAfterMs };
}
function denied(reason: DenialReason, retryAfterMs: number | null, limit = 100): Decision {
  return { ...facts, allowed: false, reason, retryAfterMs, limit, remaining: 0, resetAfterMs: 60_000 };
}
function told(name: string, decision: Decision, windowSeconds: number | null = null): ToldDecision {
  return { name, decision, windowSeconds };
}
function fields(format: HeaderFormat | readonly HeaderFormat[], ...decisions: readonly ToldDecision[]) {
  const formats = typeof format === "string" ? [format] : format;
  return Object.fromEntries(headerFields(decisions, formats).map(({ name, value }) => [name, value]));
}

describe("the fields of the draft", () => {
  it("are its examples, given their numbers", () => {
    expect(fields("draft-11", told("default", allowed(100, 50, 30_000), 10))).toEqual({
      "RateLimit-Policy": '"default";q=100;w=10',
      RateLimit: '"default";r=50;t=30',
    });
    const two = [told("permin", allowed(50, 49, 60_000), 60), told("perhr", allowed(1_000, 998, 3_600_000), 3_600)];
    expect(fields("draft-11", ...two)).toEqual({
      "RateLimit-Policy": '"permin";q=50;w=60, "perhr";q=1000;w=3600',
      RateLimit: '"permin";r=49;t=60, "perhr";r=998;t=3600',
    });
    expect(fields("draft-11", told("default", allowed(100, 999, null)))).toMatchObject({
      RateLimit: '"default";r=999',
    });
  });

  it("round up to whole seconds, and after a denial tell when the same request would be admitted", () => {
    expect(fields("draft-11", told("a", allowed(5, 4, 1)))).toMatchObject({ RateLimit: '"a";r=4;t=1' });
    expect(fields("draft-11", told("a", allowed(5, 5, 0)))).toMatchObject({ RateLimit: '"a";r=5;t=0' });
    expect(fields("draft-11", told("a", denied("limited", 2_001)))).toMatchObject({ RateLimit: '"a";r=0;t=3' });
    expect(fields("draft-11", told("a", denied("limited", null)))).toMatchObject({ RateLimit: '"a";r=0' });
  });

  it("leave out what is not known", () => {
    expect(fields("draft-11", told("a", allowed(5, null, null), 60))).toEqual({ "RateLimit-Policy": '"a";q=5;w=60' });
    // A policy that only the cluster knows, while it cannot be asked.
    expect(fields("draft-11", told("a", allowed(0, null, null)))).toEqual({});
    expect(fields("draft-11", told("zero", denied("limited", null, 0)))).toEqual({
      "RateLimit-Policy": '"zero";q=0',
      RateLimit: '"zero";r=0',
    });
  });

  it.each([
    ["api", '"api"'],
    ['a "b" \\ c', '"a \\"b\\" \\\\ c"'],
    ["je Kunde: 5 €", '"je Kunde: 5 %E2%82%AC"'],
    ["a\tb\r\nX-Injected: 1", '"a%09b%0D%0AX-Injected: 1"'],
    ["🔑", '"%F0%9F%94%91"'],
  ])("name the policy %j as %s", (name, expected) => {
    expect(structuredString(name)).toBe(expected);
    expect(expected).toMatch(/^"(?:[\x20\x21\x23-\x5b\x5d-\x7e]|\\["\\])*"$/);
  });
});

describe("the older fields", () => {
  const two = [told("a", allowed(10, 7, 5_000), 60), told("b", allowed(1_000, 3, 900_000), 3_600)];

  it("tell of the policy that has the fewest left", () => {
    expect(fields("draft-7", ...two)).toEqual({
      "RateLimit-Policy": "10;w=60, 1000;w=3600",
      RateLimit: "limit=1000, remaining=3, reset=900",
    });
    expect(fields("draft-6", ...two)).toEqual({
      "RateLimit-Policy": "10;w=60, 1000;w=3600",
      "RateLimit-Limit": "1000",
      "RateLimit-Remaining": "3",
      "RateLimit-Reset": "900",
    });
    expect(fields("x-ratelimit", ...two)).toEqual({
      "X-RateLimit-Limit": "1000",
      "X-RateLimit-Remaining": "3",
      "X-RateLimit-Reset": "900",
    });
  });

  it("tell of the denial with the longest wait", () => {
    const mixed = [
      told("c", allowed(5, 0, 1)),
      told("a", denied("limited", 2_000)),
      told("b", denied("limited", 9_000, 7)),
    ];
    expect(fields("draft-7", ...mixed)).toEqual({ RateLimit: "limit=7, remaining=0, reset=9" });
  });

  it("are nothing where nothing is known", () => {
    for (const format of ["draft-7", "draft-6", "x-ratelimit"] as const) {
      expect(fields(format, told("a", allowed(5, null, null)))).toEqual({});
    }
  });

  it("stand beside the draft's, whose RateLimit-Policy they share", () => {
    expect(fields(["draft-11", "draft-6"], told("a", allowed(5, 4, 1_000), 60))).toEqual({
      "RateLimit-Policy": '"a";q=5;w=60',
      RateLimit: '"a";r=4;t=1',
      "RateLimit-Limit": "5",
      "RateLimit-Remaining": "4",
      "RateLimit-Reset": "1",
    });
  });
});

describe("the answer to a denial", () => {
  const answer = (...decisions: readonly Decision[]) => answerTo(denialOf(decisions, ["a", "b", "c"])!);
  const type = (name: string) => `https://iana.org/assignments/http-problem-types#${name}`;

  it("is none, if all are allowed", () => {
    expect(denialOf([allowed(5, 4, 1_000), allowed(5, 4, 1_000)], ["a", "b"])).toBeNull();
  });

  it("names the policies that denied, and the time after which none of them does", () => {
    expect(answer(denied("limited", 1_001), allowed(5, 4, 90_000), denied("limited", 60_000))).toEqual({
      status: 429,
      headers: { "Content-Type": "application/problem+json", "Retry-After": "60" },
      body: {
        type: type("quota-exceeded"),
        title: "Request cannot be satisfied as assigned quota has been exceeded",
        status: 429,
        "violated-policies": ["a", "c"],
      },
    });
  });

  it("names no time, if one of the policies denies for good", () => {
    expect(answer(denied("limited", 1_000), denied("limited", null)).headers).not.toHaveProperty("Retry-After");
  });

  it.each([
    ["banned", 403, type("abnormal-usage-detected"), "3600"],
    ["unavailable", 503, type("temporary-reduced-capacity"), "1"],
    ["limited", 429, type("quota-exceeded"), "60"],
  ] as const)("to %s is %i", (reason, status, expectedType, retryAfter) => {
    const { headers, ...rest } = answer(denied(reason, Number(retryAfter) * 1_000));
    expect(rest).toMatchObject({ status, body: { type: expectedType, status, "violated-policies": ["a"] } });
    expect(headers["Retry-After"]).toBe(retryAfter);
  });

  it("to a blocked caller is 403, without a word on policies", () => {
    expect(answer(denied("blocked", null))).toEqual({
      status: 403,
      headers: { "Content-Type": "application/problem+json" },
      body: { title: "Forbidden", status: 403 },
    });
  });

  it("is that of the gravest reason", () => {
    const [limited, banned, blocked] = [denied("limited", 1_000), denied("banned", 9_000), denied("blocked", null)];
    expect(answer(limited, banned).status).toBe(403);
    expect(answer(limited, banned).headers["Retry-After"]).toBe("9");
    expect(answer(banned, blocked).body).toEqual({ title: "Forbidden", status: 403 });
    expect(answer(denied("unavailable", 1_000), limited).status).toBe(429);
  });
});
