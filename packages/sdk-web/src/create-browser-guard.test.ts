import { describe, expect, onTestFinished, test, vi } from "vitest";
import type { BrowserGuardOptions } from "./browser-options.ts";
import { createGuard } from "./create-browser-guard.ts";
import { denied, ScriptedFetch } from "./scripted-fetch.fixture.ts";
import { GuardError } from "./shared.ts";

const endpoints = "http://localhost:7402";

function scene(options: Partial<BrowserGuardOptions> = {}) {
  const script = new ScriptedFetch();
  return { script, guard: createGuard({ endpoints, fetch: script.fetch, onUnavailable: "throw", ...options }) };
}

describe("a limit by numbers is refused, with what to write", () => {
  const { guard, script } = scene();
  const untyped = guard as unknown as Record<"allow" | "peek" | "wait", (...given: unknown[]) => Promise<unknown>>;
  test.each<[string, () => Promise<unknown>]>([
    ["a limit and a window", () => untyped.allow("k", 5, "1m")],
    ["a limit as text", () => untyped.allow("k", "5", "1m")],
    ["an algorithm beside a policy", () => untyped.allow("k", "login", { algorithm: "fixed-window" })],
    ["a limit to peek at", () => untyped.peek({ key: "k", limit: 5, window: "1m" })],
    ["a limit beside a policy", () => untyped.peek({ key: "k", policy: "login", limit: 5 })],
    ["a limit to wait for", () => untyped.wait({ key: "k", limit: 5, window: "1m" }, { timeoutMs: 5 })],
  ])("%s", async (_, call) => {
    await expect(call()).rejects.toMatchObject({
      code: "invalid_argument",
      message: expect.stringMatching(/a page never chooses a limit.*allow\(key, "login"\)/),
    });
    expect(script.urls).toEqual([]);
  });

  test("policies in the options", () => {
    const options = { endpoints, policies: { login: { limit: 5, window: "1m" } } };
    expect(() => createGuard(options)).toThrow(/^policies: a page never chooses a limit/);
  });
});

describe("options", () => {
  test.each<[string, unknown, RegExp]>([
    ["no endpoints", {}, /^endpoints: it is missing; write the URL/],
    ["no scheme", { endpoints: "limits.example.com" }, /write "https:\/\/limits.example.com"/],
    ["no host", { endpoints: "https://" }, /has no host/],
    ["a password", { endpoints: "https://me:secret@a.example" }, /holds a user or a password/],
    ["no token", { endpoints: "https://limits.example.com" }, /^token: it is missing.*createTokenIssuer/],
    ["an unknown name", { endpoints, tokens: "t" }, /^tokens: .*did you mean token\?/],
    ["what has no use here", { endpoints, lease: true }, /^lease: it is not an option of a guard/],
    ["a deadline of nothing", { endpoints, timeoutMs: 0 }, /^timeoutMs: 0 is out of bounds/],
    ["a fetch that is none", { endpoints, fetch: "fetch" }, /^fetch: it must be a function/],
  ])("%s", (_, options, message) => {
    expect(() => createGuard(options as BrowserGuardOptions)).toThrow(GuardError);
    expect(() => createGuard(options as BrowserGuardOptions)).toThrow(message);
  });

  test.each([
    "http://localhost:7402",
    "http://127.0.0.1:7402/limits",
    "http://[::1]:7402",
    "https://page.localhost",
    "/limits",
  ])("%s needs no token", async (each) => {
    await createGuard({ endpoints: each }).close();
  });

  test.each([
    [
      "localhost:7400",
      'write "http://localhost:7402", or a path of the page\'s own origin that leads there, such as "/limits"',
    ],
    ["localhost", 'write "http://localhost:7402"'],
    ["127.0.0.1:7410/limits", 'write "http://127.0.0.1:7410/limits"'],
    ["limits.example.com", 'write "https://limits.example.com"'],
    ["limits.example.com:7400", 'write "https://limits.example.com:7402"'],
    ["//limits.example.com/api", 'write "https://limits.example.com/api"'],
  ])("%s without a scheme is shown a URL that a page can use", (each, proposal) => {
    expect(() => createGuard({ endpoints: each, token: "t" })).toThrow(proposal);
  });

  test.each<Partial<BrowserGuardOptions>>([
    {},
    { token: () => Promise.reject(new Error("asked")) },
    { token: () => Promise.reject(new Error("asked")), onUnavailable: "allow" },
  ])("a path where no page is: told by the first call, at once (%o)", async (options) => {
    const guard = createGuard({ endpoints: "/limits", ...options });
    const error = await guard.allow("k", "login").catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ code: "misconfigured", applied: "no" });
    expect((error as GuardError).message).toContain(
      'endpoints: "/limits" is a path of a page\'s own origin, and this is no page',
    );
    await guard.close();
  });

  test("a path is kept, and the token goes with each request", async () => {
    const { guard, script } = scene({ endpoints: "https://a.example/limits/", token: async () => "secret" });
    let authorization: string | null = null;
    script.intercept = (_, init) => {
      authorization = new Headers(init.headers).get("authorization");
      return null;
    };
    await guard.allow("k", "login");
    expect(script.urls).toEqual(["https://a.example/limits/quorumguard.v1.GuardService/AllowBatch"]);
    expect(authorization).toBe("Bearer secret");
  });
});

test("calls of one turn travel together, those that other promises of the turn lead to among them", async () => {
  const { guard, script } = scene();
  const later = async (key: string) => {
    await null;
    await null;
    return guard.allow(key, "login");
  };
  await Promise.all([guard.allow("a", "login"), later("b"), later("c")]);
  expect(script.batches).toEqual([["a", "b", "c"]]);
  await Promise.all([guard.allow("d", "login")]);
  expect(script.batches).toHaveLength(2);
});

describe("a countdown", () => {
  test("is drawn from the last denial of that key, policy and cost, whoever asked", async () => {
    const { guard, script } = scene();
    const heard: boolean[] = [];
    const end = guard.watch("k", "login", ({ allowed }) => heard.push(allowed));
    script.cluster.decides = () => denied(10_000);
    const beforeMs = performance.now();
    await guard.allow("k", "login");
    const denial = guard.denialOf("k", "login");
    expect(denial).toMatchObject({ decision: { allowed: false, reason: "limited" } });
    expect(denial!.retryAtMs).toBeGreaterThanOrEqual(beforeMs + 10_000);
    expect(denial!.retryAtMs).toBeLessThanOrEqual(performance.now() + 10_000);
    expect(guard.denialOf("k", "login")).toBe(denial);
    expect(guard.denialOf("k", "login", { cost: 2 })).toBeNull();
    expect(guard.denialOf("other", "login")).toBeNull();
    script.cluster.decides = () => ({});
    await guard.peek({ key: "k", policy: "login" });
    expect(guard.denialOf("k", "login")).toBeNull();
    expect(heard).toEqual([false, true]);
    end();
    await guard.peek({ key: "k", policy: "login" });
    expect(heard).toHaveLength(2);
  });

  test("outlives an older answer that comes late, which nobody is told of", async () => {
    const { guard, script } = scene();
    const heard: boolean[] = [];
    guard.watch("k", "login", ({ allowed }) => heard.push(allowed));
    let deliver = () => {};
    const { cluster } = script;
    const { onUnary } = cluster;
    cluster.onUnary = async (call) => {
      const answer = await onUnary(call);
      cluster.onUnary = onUnary;
      await new Promise<void>((resolve) => {
        deliver = resolve;
      });
      return answer;
    };
    const older = guard.allow("k", "login");
    await expect.poll(() => cluster.onUnary).toBe(onUnary);
    cluster.decides = () => denied(10_000);
    await guard.allow("k", "login");
    deliver();
    expect(await older).toMatchObject({ allowed: true });
    expect(guard.denialOf("k", "login")).not.toBeNull();
    expect(heard).toEqual([false]);
  });

  test("is over when a wait that began before it is admitted", async () => {
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "performance", "Date"] });
    onTestFinished(() => {
      vi.useRealTimers();
    });
    const { guard, script } = scene();
    script.cluster.decides = () => ({ ...denied(1_000), firmForMs: 0n });
    const waiting = guard.wait({ key: "k", policy: "login" }, { timeoutMs: 10_000 });
    await expect.poll(() => script.urls.length).toBe(1);
    script.cluster.decides = () => ({ ...denied(60_000), firmForMs: 0n });
    await guard.allow("k", "login");
    expect(guard.denialOf("k", "login")).not.toBeNull();
    script.cluster.decides = () => ({});
    await vi.advanceTimersByTimeAsync(1_000);
    expect(await waiting).toMatchObject({ allowed: true });
    expect(guard.denialOf("k", "login")).toBeNull();
  });

  test("goes on when the denial is no longer honoured without asking", async () => {
    const { guard, script } = scene();
    script.cluster.decides = () => ({ ...denied(60_000), firmForMs: 0n });
    await guard.allow("k", "login");
    expect(guard.denialOf("k", "login")).not.toBeNull();
    await guard.allow("k", "login");
    expect(script.urls).toHaveLength(2);
  });
});

test("methods can be taken from the guard, and a closed one says so", async () => {
  const { guard } = scene();
  const { allow, close } = guard;
  expect(await allow("k", "login")).toMatchObject({ allowed: true });
  await close();
  await expect(allow("k", "login")).rejects.toMatchObject({ code: "closed" });
});
