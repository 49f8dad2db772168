import type { Decision, Guard } from "@quorumguard/sdk-core";
import { describe, expect, expectTypeOf, it } from "vitest";
import { rateLimit as limitExpress } from "./express.ts";
import { createRateLimiter, type RateLimitOptions, type RequestFacts } from "./index.ts";
import { withRateLimit } from "./with-rate-limit.ts";

const facts: RequestFacts = { method: "GET", path: "/", peerAddress: "192.0.2.7", forwardedFor: null };
const decision: Decision = {
  ...{ allowed: true, reason: null, retryAfterMs: 0, policy: "api", limit: 5, remaining: 4, resetAfterMs: 60_000 },
  ...{ source: "quorum", degraded: false, shadow: null },
};

/** Says what it was asked, and allows it: which calls are made is what these tests are about. */
function recordingGuard(calls: unknown[][] = []): Pick<Guard<"api" | "login">, "allow" | "allowAll"> {
  return {
    async allow(...call: unknown[]) {
      calls.push(["allow", ...call]);
      return decision;
    },
    async allowAll(checks: readonly unknown[], ...call: unknown[]) {
      calls.push(["allowAll", checks, ...call]);
      return { allowed: true, decisions: checks.map(() => decision) };
    },
  } as Pick<Guard<"api" | "login">, "allow" | "allowAll">;
}

type Options = Omit<RateLimitOptions<RequestFacts, "api" | "login">, "guard">;
async function callsOf(options: Options, request: RequestFacts = facts): Promise<unknown[][]> {
  const calls: unknown[][] = [];
  await createRateLimiter<RequestFacts, "api" | "login">({ guard: recordingGuard(calls), ...options }).check(
    request,
    request,
  );
  return calls;
}

describe("the guard is asked", () => {
  it("once for a limit, and once for several together", async () => {
    expect(await callsOf({ limits: "api" })).toEqual([["allow", "ip:192.0.2.7", "api", {}]]);
    expect(await callsOf({ limits: ["api"], cost: 3 })).toEqual([["allow", "ip:192.0.2.7", "api", { cost: 3 }]]);
    const limits = [
      "api",
      { policy: "login", by: "everybody", cost: 2 },
      { policy: "api", by: () => "org:7" },
    ] as const;
    expect(await callsOf({ limits, timeoutMs: 50, onUnavailable: "deny", identify: () => 42 })).toEqual([
      [
        "allowAll",
        [
          { key: "user:42", policy: "api", cost: 1 },
          { key: "everybody", policy: "login", cost: 2 },
          { key: "org:7", policy: "api", cost: 1 },
        ],
        { timeoutMs: 50, onUnavailable: "deny" },
      ],
    ]);
  });

  it("for a user once known, and for the address while there is none", async () => {
    let asked = 0;
    const identify = () => {
      asked += 1;
      return Promise.resolve(9n);
    };
    const limits = ["api", { policy: "login", by: "address" }, "login"] as const;
    const [[, checks]] = (await callsOf({ limits, identify })) as [[string, { key: string }[]]];
    expect(checks.map(({ key }) => key)).toEqual(["user:9", "ip:192.0.2.7", "user:9"]);
    expect(asked).toBe(1);
    for (const nobody of [null, undefined, ""]) {
      expect(await callsOf({ limits: "api", identify: () => nobody })).toEqual([["allow", "ip:192.0.2.7", "api", {}]]);
    }
  });

  it("by the address that the platform tells, and never by none", async () => {
    const address = (request: RequestFacts) => request.forwardedFor;
    const called = { ...facts, forwardedFor: "2001:db8:1:2ff::1" };
    expect(await callsOf({ limits: "api", address, ipv6PrefixBits: 48 }, called)).toEqual([
      ["allow", "ip:2001:db8:1::/48", "api", {}],
    ]);
    for (const request of [facts, { ...facts, forwardedFor: "forged, nonsense" }]) {
      const error = callsOf({ limits: "api", address }, request);
      await expect(error).rejects.toMatchObject({
        code: "misconfigured",
        message: expect.stringMatching(/^address: /),
      });
    }
    const unknown = callsOf({ limits: "api" }, { ...facts, peerAddress: null });
    await expect(unknown).rejects.toMatchObject({ code: "misconfigured" });
    expect(await callsOf({ limits: { policy: "api", by: "everybody" } }, { ...facts, peerAddress: null })).toHaveLength(
      1,
    );
  });

  it.each([{}, true, Number.NaN, Symbol("a")])("never by an id that is none (%j)", async (id) => {
    const asked = callsOf({ limits: "api", identify: () => id as never });
    await expect(asked).rejects.toMatchObject({
      code: "invalid_argument",
      message: expect.stringMatching(/^identify: /),
    });
  });

  it("never by an empty key", async () => {
    const asked = callsOf({ limits: { policy: "api", by: () => "" } });
    await expect(asked).rejects.toMatchObject({ message: expect.stringMatching(/^by of "api"/) });
  });
});

describe("skipping", () => {
  const skipped = async (skip: Options["skip"], request: Partial<RequestFacts>) =>
    (await callsOf({ limits: "api", skip: skip! }, { ...facts, ...request })).length === 0;

  it.each([
    ["/healthz", true],
    ["/healthz/", false],
    ["/Healthz", false],
    ["/assets/logo.svg", true],
    ["/assets/", true],
    ["/assets", false],
    ["/assetsx", false],
    ["/assets/../login", false],
    ["/assets/./../login", false],
    ["/assets/..", false],
    ["/assets/%2e%2E/login", false],
    ["/assets/..%2flogin", false],
    ["/assets//login", false],
    ["/assets\\..\\login", false],
    ["/assets/a..b", true],
    ["http://elsewhere/assets/x", false],
  ])("of %s: %s", async (path, expected) => {
    expect(await skipped({ paths: ["/healthz", "/assets/*"] }, { path })).toBe(expected);
  });

  it("goes by method, address and callback, too", async () => {
    expect(await skipped({ methods: ["OPTIONS"] }, { method: "OPTIONS" })).toBe(true);
    expect(await skipped({ methods: ["OPTIONS"] }, { method: "GET" })).toBe(false);
    expect(await skipped({ addresses: ["192.0.2.0/24"] }, {})).toBe(true);
    expect(
      await skipped({ addresses: ["192.0.2.0/24"] }, { peerAddress: "198.51.100.1", forwardedFor: "192.0.2.7" }),
    ).toBe(false);
    expect(await skipped({ when: async ({ path }) => path === "/" }, {})).toBe(true);
    expect(await skipped({ when: () => "yes" as never }, {})).toBe(false);
  });
});

describe("options that cannot be meant so are refused, with what to write", () => {
  const guard = recordingGuard();
  it.each<[object, RegExp]>([
    [{ guard: undefined, limits: "api" }, /^guard: it is missing; write the guard/],
    [{ guard: {}, limits: "api" }, /^guard: an object cannot be used/],
    [{ guard }, /^limits: it is missing; write the name of a policy/],
    [{ guard, limits: [] }, /^limits: "\[\]" cannot be used/],
    [{ guard, limits: "" }, /^limits\.policy: ""/],
    [{ guard, limits: ["api", 7] }, /^limits\[1\]: 7 cannot be used/],
    [{ guard, limits: { policy: "api", by: "user" } }, /^limits\.by: "user".*"caller", "address", "everybody"/],
    [{ guard, limits: [{ policy: "api", cost: 0 }] }, /^limits\[0\]\.cost: 0/],
    [{ guard, limits: { limit: 5, window: "1m" } }, /^limits\.limit.*give the guard a policy/],
    [{ guard, limits: "api", cost: 1.5 }, /^cost: 1.5/],
    [{ guard, limits: "api", cost: "2" }, /^cost: "2"/],
    [{ guard, max: 5, windowMs: 60_000 }, /^max: .*createGuard\(\{ policies/],
    [{ guard, limits: "api", keyGenerator: () => "x" }, /^keyGenerator: .*write identify/],
    [{ guard, limits: "api", trustProxy: 1 }, /^trustProxy: .*write trustedProxies/],
    [{ guard, limits: "api", trustedProxys: 1 }, /did you mean trustedProxies/],
    [{ guard, limits: "api", trustedProxies: true }, /^trustedProxies: true/],
    [{ guard, limits: "api", ipv6PrefixBits: 16 }, /from 32 to 128/],
    [{ guard, limits: "api", identify: "id" }, /^identify: .*function/],
    [{ guard, limits: "api", headers: "draft-12" }, /^headers: "draft-12".*draft-11, draft-7, draft-6, x-ratelimit/],
    [{ guard, limits: "api", headers: true }, /^headers: true/],
    [{ guard, limits: "api", headers: ["draft-7", "draft-11"] }, /choose one/],
    [{ guard, limits: "api", sourceHeader: 1 }, /^sourceHeader: 1/],
    [{ guard, limits: "api", onUnavailable: "open" }, /^onUnavailable: "open".*did you mean "allow"/],
    [{ guard, limits: "api", onUnavailable: null }, /^onUnavailable: null.*local, allow, deny, throw/],
    [{ guard, limits: "api", timeoutMs: -1 }, /^timeoutMs: -1.*from 1 to 2147483647/],
    [{ guard, limits: "api", timeoutMs: "5s" }, /^timeoutMs: "5s".*write the number 5000/],
    [{ guard, limits: "api", skip: { paths: ["healthz"] } }, /^skip\.paths\[0\]: "healthz".*begin with "\/"/],
    [{ guard, limits: "api", skip: { paths: ["/a/*/b"] } }, /^skip\.paths\[0\]/],
    [{ guard, limits: "api", skip: { methods: ["get"] } }, /^skip\.methods\[0\]: "get".*capitals/],
    [{ guard, limits: "api", skip: { addresses: ["0.0.0.0/0"] } }, /^skip\.addresses\[0\]/],
    [{ guard, limits: "api", skip: { ips: [] } }, /write addresses/],
    [{ guard, limits: "api", skip: ["/healthz"] }, /^skip: an array/],
    [
      { guard, limits: "api", policies: { api: { limit: 5, window: "1m", algorithm: "concurrency" } } },
      /guard\.reserve/,
    ],
  ])("%j", (options, message) => {
    expect(() => createRateLimiter(options as never)).toThrow(message);
    expect(() => createRateLimiter(options as never)).toThrow(expect.objectContaining({ code: "invalid_argument" }));
  });

  it.each([
    [{}, /^trustedProxies: it is missing; the address of a request is not known here/],
    [{ trustedProxies: 0 }, /^trustedProxies: 0/],
    [{ trustedProxies: [] }, /^trustedProxies: .*the address of a request is not known here/],
    [{ trustedProxies: false }, /^trustedProxies: .*the address of a request is not known here/],
    [{ trustedProxies: ["10.0.0.0/8"] }, /who is at the other end is not known/],
    [{ limits: ["login", { policy: "api", by: "everybody" }] }, /^trustedProxies: it is missing/],
  ])("Next: %j", (options, message) => {
    const handler = () => new Response();
    expect(() => withRateLimit({ guard, limits: "api", ...options } as never, handler)).toThrow(message);
    for (const enough of [{ trustedProxies: 1 }, { identify: () => 1 }, { address: () => "192.0.2.7" }]) {
      expect(() => withRateLimit({ guard, limits: "api", ...enough }, handler)).not.toThrow();
    }
    expect(() => withRateLimit({ guard, limits: { policy: "api", by: "everybody" } }, handler)).not.toThrow();
  });
});

describe("windows in RateLimit-Policy", () => {
  const policyField = async (window: string | number, limit = 5) => {
    const policies = { api: { limit, window: window as "1m" } };
    const limiter = createRateLimiter({ guard: recordingGuard(), limits: "api", policies });
    const { fields } = await limiter.check(facts, facts);
    return fields.find(({ name }) => name === "RateLimit-Policy")!.value;
  };

  it.each([
    ["1m", ";w=60"],
    ["0.5h", ";w=1800"],
    ["2d", ";w=172800"],
    [5_000, ";w=5"],
    ["500ms", ""],
    ["1500ms", ""],
    ["soon", ""],
  ])("%s is told as %j", async (window, expected) => {
    expect(await policyField(window)).toBe(`"api";q=5${expected}`);
  });

  it("are not told where another limit is in force", async () => {
    expect(await policyField("1m", 7)).toBe('"api";q=5');
  });
});

describe("handlers of Request and Response", () => {
  it("may answer with a response that cannot be changed", async () => {
    const limited = withRateLimit({ guard: recordingGuard(), limits: "api", trustedProxies: 1 }, () =>
      Response.redirect("http://127.0.0.1/elsewhere", 307),
    );
    const response = await limited(new Request("http://127.0.0.1/", { headers: { "x-forwarded-for": "192.0.2.7" } }));
    expect([response.status, response.headers.get("location")]).toEqual([307, "http://127.0.0.1/elsewhere"]);
    expect(response.headers.get("ratelimit")).toBe('"api";r=4;t=60');
  });

  it("get all that the framework gives them", async () => {
    const options = { guard: recordingGuard(), limits: "api", identify: () => "ann" } as const;
    const limited = withRateLimit(options, async (_request: Request, { params }: { params: Promise<{ id: string }> }) =>
      Response.json(await params),
    );
    const response = await limited(new Request("http://127.0.0.1/"), { params: Promise.resolve({ id: "7" }) });
    expect(await response.json()).toEqual({ id: "7" });
  });
});

describe("an address that is not known", () => {
  const check = (unknown: Partial<RequestFacts>) =>
    callsOf({ limits: "api" }, { ...facts, peerAddress: null, ...unknown });

  it("is the application's mistake while the client is there", async () => {
    await expect(check({})).rejects.toMatchObject({ code: "misconfigured" });
  });

  it("is nobody's once the client has gone, and nothing is counted", async () => {
    await expect(check({ hasEnded: true })).rejects.toMatchObject({ code: "aborted", applied: "no" });
    const user = { limits: "api", identify: () => "ann" } as const;
    const ended = { ...facts, peerAddress: null, hasEnded: true };
    expect(await callsOf(user, ended)).toEqual([["allow", "user:ann", "api", {}]]);
  });
});

it("policies that the guard does not know do not compile", () => {
  const guard = recordingGuard();
  expectTypeOf(limitExpress<"api" | "login">)
    .parameter(0)
    .toHaveProperty("limits");
  // @ts-expect-error: no such policy
  limitExpress({ guard, limits: "apj" });
  // @ts-expect-error: no such policy
  limitExpress({ guard, limits: ["api", { policy: "logon" }] });
  limitExpress({ guard, limits: ["api", { policy: "login" }], identify: (request) => request.get("x-user") });
});
