import { createGuard, type Guard, type Policy } from "@quorumguard/sdk-node";
import type { LocalCluster } from "@quorumguard/testbed";
import { afterEach, describe, expect, it } from "vitest";
import type { Denial } from "./index.ts";
import type { AnyOptions, Framework, ServedRoute } from "./testing/frameworks.ts";

/** Policies of the cluster's own that the contract needs, as `PutPolicies` takes them. */
export const contractDocument = {
  policies: [
    { name: "banning", limit: 1, window: "1h", ban: { denials: 2, window: "1h", durations: ["1h"] } },
    { name: "listed", limit: 100, window: "1h" },
  ],
  lists: [{ list: "deny", match: "range", value: "192.0.2.0/24", policy: "listed" }],
};

/** Nobody else's counts: policies have names of their own in each case. */
let cases = 0;

/** Declares what the middleware of every framework does, on a real cluster. */
export function testMiddleware(framework: Framework, cluster: () => LocalCluster, deadEndpoint: () => string): void {
  const open: { close(): Promise<unknown> }[] = [];
  afterEach(async () => {
    for (const one of open.splice(0).reverse()) await one.close();
  });

  function guardOf(policies: Readonly<Record<string, Policy>>, options: object = {}): Guard {
    const exact = { onUnavailable: "throw", timeoutMs: 10_000 } as const;
    const guard = createGuard({ endpoints: cluster().endpoints, policies, ...exact, ...options });
    open.push(guard);
    return guard;
  }
  /** Two policies whose names nobody has used, with the guard that knows them. */
  function twoPolicies(first: Policy, second: Policy = { limit: 1_000, window: "1h" }) {
    cases += 1;
    const [a, b] = [`a${cases}`, `b${cases}`];
    const policies = { [a]: first, [b]: second };
    return { a, b, policies, guard: guardOf(policies) };
  }
  /** The connection is one of a trusted proxy's, which is all that some platforms can tell. */
  const behindProxy = { trustedProxies: 1 } as const;
  async function serve(...stack: readonly AnyOptions[]): Promise<ServedRoute> {
    const route = await framework.serve(
      ...stack.map((one) => (framework.knowsPeer ? one : { ...behindProxy, ...one })),
    );
    open.push(route);
    return route;
  }
  const from = (address: string, headers: Record<string, string> = {}) => ({ "x-forwarded-for": address, ...headers });
  const get = (route: ServedRoute, headers: Record<string, string> = from("198.51.100.7")) =>
    fetch(route.url, { headers });
  const userOf = (request: unknown) => framework.headerOf(request, "x-user");

  describe("what is told", () => {
    it("is what is left, by the draft's fields, and who decided; the route answers as ever", async () => {
      const { a, guard, policies } = twoPolicies({ limit: 5, window: "1m" });
      const route = await serve({ guard, limits: a, policies });
      const response = await get(route);
      expect([response.status, await response.text(), route.runs()]).toEqual([200, "served", 1]);
      expect(Object.fromEntries(response.headers)).toMatchObject({
        "ratelimit-policy": `"${a}";q=5;w=60`,
        ratelimit: `"${a}";r=4;t=60`,
        "quorumguard-source": "quorum",
      });
      expect(response.headers.get("retry-after")).toBeNull();
    });

    it("is in the older formats what was asked for, or nothing", async () => {
      const { a, guard, policies } = twoPolicies({ limit: 5, window: "1m" });
      const route = await serve({ guard, limits: a, policies, headers: ["draft-7", "draft-6", "x-ratelimit"] });
      expect(Object.fromEntries((await get(route)).headers)).toMatchObject({
        ...{ "ratelimit-policy": "5;w=60", ratelimit: "limit=5, remaining=4, reset=60" },
        ...{ "ratelimit-limit": "5", "ratelimit-remaining": "4", "ratelimit-reset": "60" },
        ...{ "x-ratelimit-limit": "5", "x-ratelimit-remaining": "4", "x-ratelimit-reset": "60" },
      });
      const silent = await serve({ guard, limits: a, headers: false, sourceHeader: false });
      const { headers } = await get(silent);
      expect([...headers.keys()].filter((name) => /ratelimit|quorumguard/.test(name))).toEqual([]);
    });

    it("is of all limits that a request passed, also of different middleware", async () => {
      const { a, b, guard } = twoPolicies({ limit: 5, window: "1m" }, { limit: 9, window: "1h" });
      const { headers } = await get(await serve({ guard, limits: a }, { guard, limits: b }));
      const told = ["ratelimit", "ratelimit-policy"].map((name) => headers.get(name)!.split(", ").sort());
      expect(told).toEqual([
        [`"${a}";r=4;t=60`, `"${b}";r=8;t=3600`],
        [`"${a}";q=5`, `"${b}";q=9`],
      ]);
    });
  });

  describe("a request beyond the limit", () => {
    it("is answered with 429, Retry-After and a problem, and the route does not run", async () => {
      const { a, guard } = twoPolicies({ limit: 1, window: "1m" });
      const route = await serve({ guard, limits: a });
      expect((await get(route)).status).toBe(200);
      const denied = await get(route);
      expect([denied.status, route.runs()]).toEqual([429, 1]);
      expect(denied.headers.get("content-type")).toMatch(/^application\/problem\+json/);
      expect(await denied.json()).toEqual({
        type: "https://iana.org/assignments/http-problem-types#quota-exceeded",
        title: "Request cannot be satisfied as assigned quota has been exceeded",
        status: 429,
        "violated-policies": [a],
      });
      const [, effectiveWindow] = /;r=0;t=(\d+)$/.exec(denied.headers.get("ratelimit")!)!;
      expect(denied.headers.get("retry-after")).toBe(effectiveWindow);
      expect(Number(effectiveWindow)).toBeGreaterThan(0);
      expect(Number(effectiveWindow)).toBeLessThanOrEqual(60);
    });

    it("is counted by none of several limits", async () => {
      const { a, b, guard } = twoPolicies({ limit: 1, window: "1h" }, { limit: 10, window: "1h" });
      const route = await serve({ guard, limits: [a, { policy: b, by: "everybody" }] });
      const statuses: number[] = [];
      for (let call = 0; call < 3; call += 1) statuses.push((await get(route)).status);
      expect(statuses).toEqual([200, 429, 429]);
      expect((await guard.peek({ key: "everybody", policy: b })).remaining).toBe(9);
      const denied = await get(route);
      expect(await denied.json()).toMatchObject({ "violated-policies": [a] });
      expect(denied.headers.get("ratelimit")).toMatch(new RegExp(`^"${a}";r=0;t=\\d+, "${b}";r=9`));
    });

    it("is answered as denialAnswer says, and told to onDenied", async () => {
      const { a, guard } = twoPolicies({ limit: 0, window: "1m" });
      const told: Denial[] = [];
      const route = await serve({
        ...{ guard, limits: a, onDenied: (denial) => told.push(denial) },
        denialAnswer: async (proposed, { reason }) => ({
          ...{ ...proposed, status: 420, body: { reason } },
          headers: { ...proposed.headers, "X-Calm": "yes" },
        }),
      });
      const denied = await get(route);
      expect([denied.status, denied.headers.get("x-calm"), await denied.json()]).toEqual([
        420,
        "yes",
        { reason: "limited" },
      ]);
      // Limit 0: no waiting helps.
      expect(denied.headers.get("retry-after")).toBeNull();
      expect(told).toMatchObject([{ reason: "limited", retryAfterMs: null, violatedPolicies: [a], error: null }]);
    });
  });

  describe("a request counts", () => {
    it("for its user, wherever it comes from, and else for its address", async () => {
      const { a, guard } = twoPolicies({ limit: 1, window: "1h" });
      const route = await serve({ guard, limits: a, identify: userOf, trustedProxies: 1 });
      const status = async (address: string, user?: string) =>
        (await get(route, from(address, user === undefined ? {} : { "x-user": user }))).status;
      expect([await status("198.51.100.1", "ann"), await status("198.51.100.2", "ann")]).toEqual([200, 429]);
      expect([await status("198.51.100.1"), await status("198.51.100.1")]).toEqual([200, 429]);
      expect([await status("198.51.100.2", "bob"), await status("198.51.100.2")]).toEqual([200, 200]);
      // Somebody whose name is an address is not that address.
      expect(await status("198.51.100.9", "198.51.100.1")).toBe(200);
    });

    it("for the network of an IPv6 address", async () => {
      const { a, guard } = twoPolicies({ limit: 1, window: "1h" });
      const route = await serve({ guard, limits: a, trustedProxies: 1 });
      const seen = [];
      for (const address of ["2001:db8:1:200::1", "2001:db8:1:2ff::2", "2001:db8:1:300::1"]) {
        seen.push((await get(route, from(address))).status);
      }
      expect(seen).toEqual([200, 429, 200]);
    });

    it("for a user of any length and any letters", async () => {
      const { a, guard } = twoPolicies({ limit: 1, window: "1h" });
      const route = await serve({
        guard,
        limits: a,
        identify: (request) => `${userOf(request)}${"é".repeat(600)}\ud800`,
      });
      const status = async (user: string) => (await get(route, from("198.51.100.7", { "x-user": user }))).status;
      expect([await status("ann"), await status("ann"), await status("bob")]).toEqual([200, 429, 200]);
    });

    it("as much as its cost says", async () => {
      const { a, b, guard } = twoPolicies({ limit: 10, window: "1h" }, { limit: 10, window: "1h" });
      const cost = (request: unknown) => Number(framework.headerOf(request, "x-cost"));
      const route = await serve({ guard, limits: [a, { policy: b, cost: 2 }], cost });
      const { headers } = await get(route, from("198.51.100.7", { "x-cost": "7" }));
      expect(headers.get("ratelimit")).toBe(`"${a}";r=3;t=3600, "${b}";r=8;t=3600`);
    });

    it("nowhere, if it is skipped", async () => {
      const { a, guard } = twoPolicies({ limit: 0, window: "1h" });
      const when = (request: unknown) => userOf(request) === "monitor";
      const skip = { methods: ["OPTIONS"], addresses: ["203.0.113.0/24"], when };
      const route = await serve({ guard, limits: a, trustedProxies: 1, skip });
      expect((await get(route)).status).toBe(429);
      const skipped = await get(route, from("198.51.100.7", { "x-user": "monitor" }));
      expect([skipped.status, skipped.headers.get("ratelimit")]).toEqual([200, null]);
      expect((await get(route, from("203.0.113.9"))).status).toBe(200);
      const byPath = await serve({ guard, limits: a, skip: { paths: ["/route"] } });
      expect((await fetch(`${byPath.url}?query`)).status).toBe(200);
    });
  });

  const throughProxies = (): void => {
    it("cannot choose an address: nobody is trusted unless it is said", async () => {
      const { a, guard } = twoPolicies({ limit: 1, window: "1h" });
      const route = await serve({ guard, limits: a });
      expect([
        (await get(route, from("198.51.100.1"))).status,
        (await get(route, from("198.51.100.2"))).status,
      ]).toEqual([200, 429]);
      expect((await guard.peek({ key: "ip:127.0.0.1", policy: a })).remaining).toBe(0);
    });

    it("counts for the right-most address that is no trusted proxy's", async () => {
      const { a, guard } = twoPolicies({ limit: 1, window: "1h" });
      const route = await serve({ guard, limits: a, trustedProxies: ["127.0.0.0/8", "10.0.0.0/8"] });
      const seen = [];
      for (const list of [
        "forged, 198.51.100.1, 10.0.0.1",
        "1.2.3.4, 198.51.100.1",
        "198.51.100.1, garbage, 10.0.0.1",
        "8.8.8.8",
      ]) {
        seen.push((await get(route, from(list))).status);
      }
      expect(seen).toEqual([200, 429, 200, 200]);
      // What lies behind an entry that is no address counts for the proxy that passed it on.
      expect((await guard.peek({ key: "ip:10.0.0.1", policy: a })).remaining).toBe(0);
    });

    it("counts for its own address if it is not one of the trusted proxies", async () => {
      const { a, guard } = twoPolicies({ limit: 1, window: "1h" });
      const route = await serve({ guard, limits: a, trustedProxies: ["10.0.0.0/8"] });
      expect([
        (await get(route, from("198.51.100.1"))).status,
        (await get(route, from("198.51.100.2"))).status,
      ]).toEqual([200, 429]);
    });
  };
  // Who cannot tell the other end refuses such options, as the unit tests say.
  if (framework.knowsPeer) describe("a caller behind proxies, or not", throughProxies);

  describe("403", () => {
    it("answers a key that a policy bans, with the time until the ban is over", async () => {
      const guard = guardOf({}, {});
      cases += 1;
      const user = `banned-${cases}`;
      const route = await serve({ guard, limits: "banning", identify: () => user });
      const statuses: number[] = [];
      for (let call = 0; call < 3; call += 1) statuses.push((await get(route)).status);
      expect(statuses).toEqual([200, 429, 403]);
      const banned = await get(route);
      expect(Number(banned.headers.get("retry-after"))).toBeGreaterThan(3_500);
      expect(await banned.json()).toMatchObject({
        type: "https://iana.org/assignments/http-problem-types#abnormal-usage-detected",
        status: 403,
        "violated-policies": ["banning"],
      });
    });

    it("answers an address on a deny-list, for good", async () => {
      const route = await serve({ guard: guardOf({}), limits: "listed", trustedProxies: 1 });
      const blocked = await get(route, from("192.0.2.7"));
      expect([blocked.status, blocked.headers.get("retry-after")]).toEqual([403, null]);
      expect(await blocked.json()).toEqual({ title: "Forbidden", status: 403 });
      expect((await get(route, from("192.0.3.7"))).status).toBe(200);
    });
  });

  describe("without a cluster", () => {
    const alone = (onUnavailable: string) => {
      const unreachable = { endpoints: [deadEndpoint()], timeoutMs: 100, onUnavailable };
      const guard = guardOf({ api: { limit: 5, window: "1m" } }, unreachable);
      guard.on("degraded", () => {});
      return guard;
    };

    it("a policy that is counted locally goes on, and says so", async () => {
      const response = await get(await serve({ guard: alone("local"), limits: "api" }));
      expect([response.status, response.headers.get("quorumguard-source")]).toEqual([200, "local"]);
      expect(response.headers.get("ratelimit")).toBe('"api";r=4;t=60');
    });

    it("one that fails closed is 503, with Retry-After and a problem", async () => {
      const response = await get(await serve({ guard: alone("throw"), limits: "api", onUnavailable: "deny" }));
      expect([response.status, response.headers.get("quorumguard-source")]).toEqual([503, "fail-closed"]);
      expect([response.headers.get("retry-after"), response.headers.get("ratelimit")]).toEqual(["1", null]);
      expect(await response.json()).toMatchObject({
        type: "https://iana.org/assignments/http-problem-types#temporary-reduced-capacity",
        "violated-policies": ["api"],
      });
    });

    it("a guard that throws is 503 as well, unless errors are wanted", async () => {
      const guard = alone("throw");
      const told: Denial[] = [];
      const response = await get(await serve({ guard, limits: "api", onDenied: (denial) => told.push(denial) }));
      expect([response.status, response.headers.get("retry-after")]).toEqual([503, "1"]);
      expect(told).toMatchObject([{ reason: "unavailable", error: { name: "GuardError" }, decisions: [] }]);
      const thrown = await get(await serve({ guard, limits: "api", throwUnavailable: true }));
      expect(thrown.status).toBe(500);
      expect(await thrown.text()).toMatch(/^(unavailable|timed_out)$/);
    });
  });

  describe("the framework's own handling of errors", () => {
    it("is told of a policy that nobody knows", async () => {
      const route = await serve({ guard: guardOf({}), limits: "nobodys" });
      const response = await get(route);
      expect([response.status, await response.text(), route.runs()]).toEqual([500, "unknown_policy", 0]);
    });

    it("is told of a callback that fails, and of an id that is none", async () => {
      const { a, guard } = twoPolicies({ limit: 5, window: "1m" });
      const fails = () => {
        throw new TypeError("no session");
      };
      const failed = await get(await serve({ guard, limits: a, identify: fails }));
      expect([failed.status, await failed.text()]).toEqual([500, "no session"]);
      const object = await get(await serve({ guard, limits: a, identify: () => ({}) as never }));
      expect([object.status, await object.text()]).toEqual([500, "invalid_argument"]);
    });
  });
}
