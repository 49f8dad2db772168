import { createElement } from "react";
import { renderToString } from "react-dom/server";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import type { BrowserGuard } from "./browser-guard.ts";
import { createGuard } from "./create-browser-guard.ts";
import { type RateLimitState, RateLimitStore } from "./rate-limit-store.ts";
import { denied, ScriptedFetch } from "./scripted-fetch.fixture.ts";
import { useRateLimit } from "./use-rate-limit.ts";

const endpoints = "http://localhost:7402";

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "performance", "Date"] });
});
afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

/** A mounted component's store, and every state that it showed. */
function mounted(script = new ScriptedFetch()) {
  const guard = createGuard<"button">({ endpoints, fetch: script.fetch, onUnavailable: "throw" });
  const store = new RateLimitStore(guard, "user:1", "button", 1);
  const shown: RateLimitState[] = [];
  const unmount = store.subscribe(() => shown.push(store.getState()));
  return { script, guard, store, shown, unmount };
}

function Button({ guard }: { readonly guard: BrowserGuard<"button"> }) {
  const { buttonProps, announcement, allowed, remaining } = useRateLimit(guard, "user:1", "button");
  return createElement("button", { type: "button", ...buttonProps, title: announcement }, `${allowed} ${remaining}`);
}

describe("on a server", () => {
  test("a component renders as it does before its first attempt, and nothing is asked", () => {
    const { script, guard } = mounted();
    expect(renderToString(createElement(Button, { guard }))).toBe(
      '<button type="button" aria-disabled="false" aria-busy="false" title="">true null</button>',
    );
    expect(script.urls).toEqual([]);
  });
});

describe("a countdown", () => {
  test("ticks when its number changes, ends on time, and is told of once at either end", async () => {
    const { script, store, shown } = mounted();
    script.cluster.decides = () => denied(2_300);
    await store.attempt({});
    expect(store.getState()).toMatchObject({ allowed: false, secondsLeft: 3, retryAfterMs: 2_300, remaining: 0 });
    expect(store.getState().notice).toMatchObject({ type: "denied", secondsLeft: 3 });
    await vi.advanceTimersByTimeAsync(299);
    expect(store.getState().secondsLeft).toBe(3);
    await vi.advanceTimersByTimeAsync(1);
    expect(store.getState()).toMatchObject({ secondsLeft: 2, retryAfterMs: 2_000 });
    await vi.advanceTimersByTimeAsync(1_999);
    expect(store.getState()).toMatchObject({ allowed: false, secondsLeft: 1 });
    await vi.advanceTimersByTimeAsync(1);
    expect(store.getState()).toMatchObject({ allowed: true, secondsLeft: null, retryAfterMs: 0, remaining: null });
    const told = shown.map(({ notice }) => notice).filter((notice, at, all) => notice !== all[at - 1]);
    expect(told.map((notice) => notice?.type)).toEqual([undefined, "denied", "over"]);
    expect(vi.getTimerCount()).toBe(0);
  });

  test("stands still in a page that nobody sees, and is right when it is seen again", async () => {
    const document = Object.assign(new EventTarget(), { visibilityState: "visible" });
    vi.stubGlobal("document", document);
    const { script, store } = mounted();
    script.cluster.decides = () => denied(10_000);
    await store.attempt({});
    document.visibilityState = "hidden";
    document.dispatchEvent(new Event("visibilitychange"));
    expect(vi.getTimerCount()).toBe(0);
    await vi.advanceTimersByTimeAsync(6_500);
    expect(store.getState().secondsLeft).toBe(10);
    document.visibilityState = "visible";
    document.dispatchEvent(new Event("visibilitychange"));
    expect(store.getState().secondsLeft).toBe(4);
  });

  test("is the same for components of the same key, and begins with what is known", async () => {
    const { script, guard, store } = mounted();
    script.cluster.decides = () => denied(5_000);
    const other = new RateLimitStore(guard, "user:1", "button", 1);
    other.subscribe(() => {});
    await store.attempt({});
    expect(other.getState()).toMatchObject({ allowed: false, secondsLeft: 5, limit: 5 });
    const late = new RateLimitStore(guard, "user:1", "button", 1);
    late.subscribe(() => {});
    expect(late.getState()).toMatchObject({ allowed: false, secondsLeft: 5, limit: 5, remaining: 0 });
  });

  test("has no number where waiting does not help", async () => {
    const { script, store } = mounted();
    script.cluster.decides = () => ({ outcome: 2, remaining: 0, retryAfterMs: undefined });
    await store.attempt({});
    expect(store.getState()).toMatchObject({ allowed: false, secondsLeft: null, retryAfterMs: null });
    expect(vi.getTimerCount()).toBe(0);
  });
});

describe("unmounting", () => {
  test("aborts what is in flight, and shows nothing afterwards", async () => {
    const { script, store, shown, unmount } = mounted();
    let signal: AbortSignal | null | undefined;
    script.intercept = (_, init) => {
      signal = init.signal;
      return new Promise((_resolve, reject) =>
        init.signal?.addEventListener("abort", () => reject(new Error("aborted"))),
      );
    };
    const attempt = store.attempt({});
    await expect.poll(() => signal).toBeDefined();
    expect(store.getState().pending).toBe(true);
    const before = shown.length;
    unmount();
    await expect(attempt).rejects.toMatchObject({ code: "aborted" });
    expect(signal!.aborted).toBe(true);
    expect(shown.length).toBe(before);
    expect(store.getState()).toMatchObject({ pending: false, error: null });
    await expect(store.attempt({})).rejects.toMatchObject({ code: "aborted", applied: "no" });
  });

  test("and mounting again, as StrictMode does, leaves a component that works", async () => {
    const { store, unmount } = mounted();
    unmount();
    store.subscribe(() => {});
    expect(await store.attempt({})).toMatchObject({ allowed: true });
    expect(store.getState()).toMatchObject({ limit: 5, remaining: 4, pending: false });
  });
});

describe("nobody counts down for a component that is unmounted", () => {
  test.each<[string, (state: RateLimitState) => boolean]>([
    ["when it hears that it is denied", ({ notice }) => notice !== null],
    ["when it hears for how long", ({ secondsLeft }) => secondsLeft !== null],
  ])("%s", async (_, isHeard) => {
    const { script, store, unmount } = mounted();
    script.cluster.decides = () => denied(60_000);
    const end = store.subscribe(() => {
      if (!isHeard(store.getState())) return;
      unmount();
      end();
    });
    await store.attempt({}).catch(() => {});
    expect(isHeard(store.getState())).toBe(true);
    expect(vi.getTimerCount()).toBe(0);
  });

  test("when another hears of the same decision before it", async () => {
    const { script, guard } = mounted();
    script.cluster.decides = () => denied(60_000);
    let unmount = () => {};
    guard.watch("user:2", "button", () => unmount());
    const store = new RateLimitStore(guard, "user:2", "button", 1);
    unmount = store.subscribe(() => {});
    await guard.allow("user:2", "button");
    await Promise.resolve();
    expect(store.getState()).toMatchObject({ allowed: true, secondsLeft: null });
    expect(vi.getTimerCount()).toBe(0);
  });
});

describe("what is said", () => {
  test("is said again when the next attempt fails alike: the words go in between, or nobody would hear them", async () => {
    const { script, store, shown } = mounted();
    script.intercept = () =>
      Promise.resolve(new Response(JSON.stringify({ code: "permission_denied", message: "no" }), { status: 403 }));
    for (let attempt = 0; attempt < 2; attempt++) await store.attempt({}).catch(() => {});
    const told = shown.map(({ notice }) => notice).filter((notice, at, all) => notice !== all[at - 1]);
    expect(told.map((notice) => notice?.type)).toEqual([undefined, "failed", undefined, "failed"]);
  });

  test("is that it can be tried again, also where an attempt failed meanwhile", async () => {
    const { script, store } = mounted();
    script.cluster.decides = () => ({ ...denied(10_000), firmForMs: 0n });
    await store.attempt({});
    script.intercept = () =>
      Promise.resolve(new Response(JSON.stringify({ code: "permission_denied", message: "no" }), { status: 403 }));
    await store.attempt({}).catch(() => {});
    expect(store.getState()).toMatchObject({ allowed: false, notice: { type: "failed" } });
    await vi.advanceTimersByTimeAsync(10_000);
    expect(store.getState()).toMatchObject({ allowed: true, notice: { type: "over" } });
  });

  test("is said anew when the reason is another", async () => {
    const { script, store } = mounted();
    script.cluster.decides = () => ({ ...denied(60_000), firmForMs: 0n });
    await store.attempt({});
    expect(store.getState().notice).toMatchObject({ decision: { reason: "limited" } });
    script.cluster.decides = () => ({ outcome: 4, remaining: 0, retryAfterMs: undefined });
    await store.attempt({});
    expect(store.getState().notice).toMatchObject({ decision: { reason: "blocked" }, secondsLeft: null });
  });
});

test("a failure is in the state, and its rejection need not be caught", async () => {
  const { script, store } = mounted();
  script.intercept = () =>
    Promise.resolve(new Response(JSON.stringify({ code: "permission_denied", message: "no" }), { status: 403 }));
  store.attempt({}).catch(() => {});
  await expect.poll(() => store.getState().error).not.toBeNull();
  // An unhandled rejection would fail the whole run.
  void store.attempt({});
  await expect.poll(() => store.getState().pending).toBe(false);
  expect(store.getState()).toMatchObject({ notice: { type: "failed" }, error: { name: "GuardError" } });
});
