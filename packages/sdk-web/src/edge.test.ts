import { describe, expect, test, vi } from "vitest";
import type { Fetch } from "./connect-transport.ts";
import { createGuard, GuardError } from "./edge.ts";

interface Seen {
  readonly url: string;
  readonly init: RequestInit;
}

/** A fetch that answers calls; it counts and shows nothing else. */
function scripted(answer: (seen: Seen, count: number) => Response | Promise<Response>): { fetch: Fetch; seen: Seen[] } {
  const seen: Seen[] = [];
  const fetch: Fetch = async (url, init) => {
    if (!url.endsWith(".GuardService/AllowBatch")) throw new TypeError("fetch failed");
    seen.push({ url, init });
    return answer({ url, init }, seen.length);
  };
  return { fetch, seen };
}

// AllowBatchResponse { results: [{ allowed, decisions: [{ outcome 1, limit 5, remaining 4, source 1 }] }] }
const allowed = Uint8Array.from([0x0a, 12, 0x08, 1, 0x12, 8, 0x08, 1, 0x10, 5, 0x18, 4, 0x38, 1]);
const ok = () => new Response(allowed, { headers: { "content-type": "application/proto" } });
const connectError = (status: number, code: string, message: string) =>
  new Response(JSON.stringify({ code, message }), { status, headers: { "content-type": "application/json" } });

async function failure(fetch: Fetch, endpoints = "http://node:7402"): Promise<GuardError> {
  const guard = createGuard({ endpoints, fetch, onUnavailable: "throw", timeoutMs: 200 });
  try {
    await guard.allow("k", 5, "10s");
  } catch (error) {
    if (error instanceof GuardError) return error;
    throw error;
  }
  throw new Error("it did not fail");
}

test("each call is one Connect request, which follows no redirect", async () => {
  const { fetch, seen } = scripted(ok);
  const guard = createGuard({ endpoints: "http://node:7402/limits/", fetch, token: () => "secret" });
  const decisions = await Promise.all([guard.allow("a", 5, "10s"), guard.allow("b", 5, "10s")]);
  expect(decisions).toMatchObject([
    { allowed: true, remaining: 4, source: "quorum", degraded: false },
    { allowed: true },
  ]);
  expect(seen.map(({ url }) => url)).toEqual(
    Array(2).fill("http://node:7402/limits/quorumguard.v1.GuardService/AllowBatch"),
  );
  expect(seen[0]!.init).toMatchObject({
    method: "POST",
    redirect: "manual",
    headers: { "content-type": "application/proto", "connect-protocol-version": "1", authorization: "Bearer secret" },
  });
});

test("the first decision of an outage is warned of, unless somebody listens", async () => {
  const warnings: unknown[] = [];
  const warned = vi.spyOn(console, "warn").mockImplementation((text) => void warnings.push(text));
  try {
    const fetch: Fetch = () => Promise.reject(new TypeError("fetch failed"));
    const decide = async (listens: boolean) => {
      const guard = createGuard({ endpoints: "http://node:7402", fetch, timeoutMs: 100 });
      if (listens) guard.on("degraded", () => {});
      for (let call = 0; call < 2; call++) expect(await guard.allow("k", 5, "10s")).toMatchObject({ source: "local" });
      await guard.close();
    };
    await decide(false);
    expect(warnings).toEqual([
      expect.stringMatching(/^QuorumGuard: the cluster at http:\/\/node:7402 does not decide: /),
    ]);
    await decide(true);
    expect(warnings).toHaveLength(1);
  } finally {
    warned.mockRestore();
  }
});

test("a lost answer is asked for again at the next endpoint, under the same request id", async () => {
  const { fetch, seen } = scripted((_, count) => {
    if (count === 1) throw new TypeError("fetch failed");
    return ok();
  });
  const guard = createGuard({ endpoints: ["node1:7402", "http://node2:7402"], fetch, onUnavailable: "throw" });
  expect(await guard.allow("a", 5, "10s")).toMatchObject({ allowed: true });
  expect(seen.map(({ url }) => new URL(url).host)).toEqual(["node1:7402", "node2:7402"]);
  const text = (at: number) => new TextDecoder("latin1").decode(seen[at]!.init.body as Uint8Array<ArrayBuffer>);
  const id = /[0-9a-f]{32}/.exec(text(0))?.[0];
  expect(id).toHaveLength(32);
  expect(text(1)).toContain(id);
});

describe("what goes wrong is said", () => {
  test("a refused token is never retried", async () => {
    const { fetch, seen } = scripted(() => connectError(401, "unauthenticated", "unknown token"));
    expect(await failure(fetch)).toMatchObject({ code: "unauthenticated", applied: "no" });
    expect(seen.length).toBe(1);
  });

  test("a redirect, a web page and a wrong path are misconfigurations", async () => {
    const redirect = scripted(() => new Response(null, { status: 302, headers: { location: "http://else" } }));
    expect((await failure(redirect.fetch)).message).toContain("redirects");
    const page = scripted(() => new Response("<html>", { headers: { "content-type": "text/html" } }));
    expect(await failure(page.fetch)).toMatchObject({ code: "misconfigured" });
    const missing = scripted(() => new Response("not found", { status: 404 }));
    expect((await failure(missing.fetch)).message).toContain("7402");
  });

  test("a gateway's error leaves the call unknown; a refused connection does not", async () => {
    const gateway = scripted(() => new Response("bad gateway", { status: 502 }));
    expect(await failure(gateway.fetch)).toMatchObject({ applied: "unknown", retry: "unknown" });
    const refused = scripted(() => {
      throw new TypeError("fetch failed", {
        cause: Object.assign(new Error("connect ECONNREFUSED 127.0.0.1:7402"), { code: "ECONNREFUSED" }),
      });
    });
    const error = await failure(refused.fetch, "http://127.0.0.1:7402");
    expect(error).toMatchObject({ applied: "no", retry: "safe", code: "unavailable" });
    expect(error.message).toContain(
      "(connect ECONNREFUSED); is a cluster running there? `npx quorumguard dev` starts one;",
    );
  });

  test("endpoints that are written wrong are told at once, at the line that wrote them", () => {
    const refused = (endpoints: string) => {
      try {
        createGuard({ endpoints });
      } catch (error) {
        return error as GuardError;
      }
      return expect.unreachable("a guard was made");
    };
    expect(refused("redis://b:6379").message).toMatch(
      /^endpoints\[0\]: .* is the address of something else .*"http:\/\/b:7402"/,
    );
    expect(refused("node:74020").message).toMatch(/^endpoints\[0\]: .* 1 to 65535: write "node:7402"$/);
    const secret = refused("https://me:secret@node:7402/limits");
    expect(secret.message).toMatch(
      /^endpoints\[0\]: it holds .* write "https:\/\/node:7402\/limits", and the secret as token/,
    );
    expect(`${secret.stack}${JSON.stringify(secret)}`).not.toContain("secret@");
    expect(secret.stack).toMatch(/^.*\n\s+at refused/);
  });

  test("an answer that is garbage never passes for a decision", async () => {
    const garbage = scripted(
      () => new Response(new Uint8Array([255, 1, 2]), { headers: { "content-type": "application/proto" } }),
    );
    expect(await failure(garbage.fetch)).toMatchObject({ code: "misconfigured" });
  });
});
