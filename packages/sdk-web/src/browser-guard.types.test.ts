import { expectTypeOf, test } from "vitest";
import type { BrowserGuard } from "./browser-guard.ts";
import type { createGuard } from "./create-browser-guard.ts";
import type { Decision } from "./shared.ts";
import type { useRateLimit } from "./use-rate-limit.ts";

// `tsc` checks this file; at run time it only has to load. Each @ts-expect-error fails the build if it compiles.
declare const guard: BrowserGuard<"login" | "button">;
declare const make: typeof createGuard;
declare const hook: typeof useRateLimit;

const neverRun = () => {
  expectTypeOf(guard.allow("k", "login")).resolves.toEqualTypeOf<Decision>();
  guard.allow("k", "login", { cost: 2, timeoutMs: 50, signal: new AbortController().signal, onUnavailable: "deny" });
  guard.peek({ key: "k", policy: "button", cost: 2 });
  guard.wait({ key: "k", policy: "button" }, { timeoutMs: 5_000 });
  guard.on("degraded", ({ reason }) => expectTypeOf(reason).toBeString());
  hook(guard, "k", "button", { cost: 2 });
  make<"login">({ endpoints: "/limits", token: async () => "t" }).allow("k", "login");
  make({ endpoints: "/limits" }).allow("k", "whatever");

  // @ts-expect-error a page never chooses a limit
  guard.allow("k", 5, "10s");
  // @ts-expect-error nor here
  guard.peek({ key: "k", limit: 5, window: "10s" });
  // @ts-expect-error nor here
  guard.wait({ key: "k", limit: 5, window: "10s" }, { timeoutMs: 5 });
  // @ts-expect-error nor in the options
  make({ endpoints: "/limits", policies: { login: { limit: 5, window: "10s" } } });
  // @ts-expect-error nor beside a policy
  guard.allow("k", "login", { algorithm: "fixed-window" });
  // @ts-expect-error a policy that is not among the names
  guard.allow("k", "logn");
  // @ts-expect-error nor for the hook
  hook(guard, "k", "logn");
  // @ts-expect-error where the cluster is
  make({});
  // @ts-expect-error a page empties no counter
  guard.reset({ key: "k", policy: "login" });
  // @ts-expect-error a page reports nothing afterwards
  guard.on("reconciled", () => {});
};

test("the types of a page's guard are as users write them", () => {
  expectTypeOf(neverRun).toBeFunction();
});
