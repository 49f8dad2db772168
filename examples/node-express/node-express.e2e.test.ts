import { freePorts, type LocalCluster, runExample, type ServerProcess, startLocalCluster } from "@quorumguard/testbed";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Result } from "./account.ts";
import { startServer } from "./server-process.ts";

describe("the show", () => {
  it("loses no request to the leader's death, and admits what the limit permits", { timeout: 120_000 }, async () => {
    const { code, stdout, stderr } = await runExample("node-express", "--json");
    const result = JSON.parse(stdout.trimEnd().split("\n").at(-1)!) as Result;
    expect(result, stderr).toMatchObject({ other: 0, degraded: 0, held: true });
    expect(result.ok + result.denied).toBe(result.requests);
    expect(result.requests).toBe(4 * 295);
    expect(result.leaderAfter).not.toBe(result.leaderBefore);
    expect(result.mostInOneWindow).toBeLessThanOrEqual(result.limit);
    expect(result.ok).toBeLessThanOrEqual(result.permitted);
    // Demand is twice the limit throughout: only the wait for a new leader can cost admissions.
    const servedMs = 5_900 - 2 * result.slowestMs;
    expect(result.ok).toBeGreaterThanOrEqual(4 * 25 * Math.floor(servedMs / result.windowMs));
    expect(stderr).toContain(`kill -9 node ${result.leaderBefore}`);
    expect(code).toBe(0);
  });
});

describe("the server", () => {
  let cluster: LocalCluster;
  let server: ServerProcess;
  beforeAll(async () => {
    cluster = await startLocalCluster();
    server = await startServer(cluster.endpoints);
  }, 120_000);
  afterAll(async () => {
    await server?.stop();
    await cluster?.stop();
  });
  const logIn = (headers: Record<string, string> = {}) => fetch(`${server.url}/login`, { method: "POST", headers });

  it("says what is left, by the draft's fields, and who decided", async () => {
    const response = await fetch(`${server.url}/quote`, { headers: { "x-api-key": "demo-key-of-amber" } });
    expect(response.status).toBe(200);
    expect(Object.fromEntries(response.headers)).toMatchObject({
      "ratelimit-policy": '"api";q=25;w=1',
      ratelimit: '"api";r=24;t=1',
      "quorumguard-source": "quorum",
    });
  });

  it("denies with 429, Retry-After and a problem; a key that nobody issued earns no fresh limit", async () => {
    const statuses: number[] = [];
    for (let call = 0; call < 5; call++) statuses.push((await logIn({ "x-api-key": `made-up-${call}` })).status);
    expect(statuses).toEqual([204, 204, 204, 204, 204]);
    const denied = await logIn({ "x-api-key": "made-up-5", "x-forwarded-for": "192.0.2.1" });
    expect(denied.status).toBe(429);
    expect(denied.headers.get("content-type")).toMatch(/^application\/problem\+json/);
    expect(await denied.json()).toMatchObject({ "violated-policies": ["login"] });
    expect(denied.headers.get("ratelimit-policy")).toBe('"login";q=5;w=60');
    const [, effectiveWindow] = /^"login";r=0;t=(\d+)$/.exec(denied.headers.get("ratelimit") ?? "")!;
    expect(denied.headers.get("retry-after")).toBe(effectiveWindow);
    expect(Number(effectiveWindow)).toBeGreaterThan(0);
    expect(Number(effectiveWindow)).toBeLessThanOrEqual(60);
    expect((await logIn({ "x-api-key": "demo-key-of-birch" })).status).toBe(204);
  });

  it("without a cluster, counts quotes by itself and says so, and answers logins with 503", {
    timeout: 120_000,
  }, async () => {
    const [nobody] = await freePorts(1);
    const alone = await startServer([`127.0.0.1:${nobody}`]);
    try {
      const [quote, login] = await Promise.all([
        fetch(`${alone.url}/quote`),
        fetch(`${alone.url}/login`, { method: "POST" }),
      ]);
      expect([quote.status, quote.headers.get("quorumguard-source")]).toEqual([200, "local"]);
      expect([login.status, login.headers.get("quorumguard-source")]).toEqual([503, "fail-closed"]);
      expect([login.headers.get("retry-after"), login.headers.get("ratelimit")]).toEqual(["1", null]);
    } finally {
      expect(await alone.stop()).toBe(0);
    }
  });

  it("ends with 0 on SIGTERM", async () => {
    const other = await startServer(cluster.endpoints);
    expect((await fetch(`${other.url}/quote`)).status).toBe(200);
    expect(await other.stop()).toBe(0);
  });
});
