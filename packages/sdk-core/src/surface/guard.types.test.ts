import { expectTypeOf, test } from "vitest";
import type { createGuardCore } from "../create-guard-core.ts";
import { AbortController } from "../testing/abort-controller.ts";
import type {
  AbortSignalLike,
  Allowed,
  Decision,
  Denied,
  Guard,
  GuardEvent,
  Hold,
  HoldSignal,
  Reservation,
} from "./guard.ts";
import type { GuardOptions } from "./guard-options.ts";

// `tsc` checks this file; at run time it only has to load. Each @ts-expect-error fails the build if it compiles.
declare const guard: Guard<"login" | "export">;
declare const anyGuard: Guard;
declare const make: <const P extends string = string>(options?: GuardOptions<P>) => Guard<P>;

const neverRun = () => {
  expectTypeOf(guard.allow("k", "login")).resolves.toEqualTypeOf<Decision>();
  expectTypeOf(guard.allow("k", 5, "10s")).resolves.toEqualTypeOf<Decision>();
  guard.allow("k", 5, 60_000, { algorithm: "token-bucket", burst: 2, cost: 3, timeoutMs: 50 });
  guard.allow("k", "login", { requestId: "r", onUnavailable: "deny", signal: new AbortController().signal });
  anyGuard.allow("k", "whatever");

  make({ policies: { api: { limit: 5, window: "10s", lease: true } }, lease: false, maxRememberedKeys: 0 });
  // @ts-expect-error a lease is allowed or it is not
  make({ lease: "often" });
  // @ts-expect-error what is leased is a policy's or the guard's to say, not a call's
  guard.allow("k", "login", { lease: true });

  // @ts-expect-error a slot is reserved, and not taken
  guard.allow("k", 5, "10s", { algorithm: "concurrency" });
  // What a variable or a header may not have, under exactOptionalPropertyTypes: undefined means the default.
  const maybe = undefined as string | undefined;
  make({
    endpoints: maybe,
    namespace: maybe,
    token: maybe,
    timeoutMs: undefined,
    routing: undefined,
    policies: undefined,
  });
  make({ policies: { api: { limit: 5, window: "10s", algorithm: undefined, burst: undefined, lease: undefined } } });
  guard.allow("k", "login", { requestId: maybe, cost: undefined, signal: undefined, onUnavailable: undefined });
  guard.allow("k", 5, "1m", { requestId: maybe, algorithm: undefined, burst: undefined });
  guard.reserve({ key: "k", policy: "login", cost: undefined }, { ttl: undefined });
  guard.wait({ key: "k", policy: "login" }, { timeoutMs: 5, signal: undefined });
  guard.ready({ timeoutMs: undefined });

  // @ts-expect-error a policy that was not defined
  guard.allow("k", "logn");
  // @ts-expect-error a limit needs a window
  guard.allow("k", 5);
  // @ts-expect-error a unit that does not exist
  guard.allow("k", 5, "10 seconds");
  // @ts-expect-error the key comes first
  guard.allow(5, "k", "10s");
  // @ts-expect-error a policy brings its own algorithm
  guard.allow("k", "login", { algorithm: "token-bucket" });
  // @ts-expect-error an algorithm that does not exist
  guard.allow("k", 5, "10s", { algorithm: "leaky" });
  // @ts-expect-error a check needs a policy or a rule
  guard.allowAll([{ key: "k" }]);
  // @ts-expect-error a cost belongs to each check of a group
  guard.allowAll([{ key: "k", policy: "login" }], { cost: 2 });
  guard.on("degraded", (event) => expectTypeOf(event.reason).toEqualTypeOf<string>());
  guard.on("recovered", ({ degradedForMs }) => expectTypeOf(degradedForMs).toEqualTypeOf<number>());
  guard.on("topology", (event) => expectTypeOf(event.type).toEqualTypeOf<"topology">());
  const anyListener = (event: GuardEvent) => event.type;
  guard.on("misconfigured", anyListener);
  const anyEvent = "topology" as GuardEvent["type"];
  guard.on(anyEvent, (event) => expectTypeOf(event).toEqualTypeOf<GuardEvent>());
  // @ts-expect-error a field of another event
  guard.on("recovered", (event) => event.reason);
  // @ts-expect-error an event that does not exist
  guard.on("gone", () => {});

  const group = guard.allowAll([
    { key: "a", policy: "login" },
    { key: "b", limit: 1, window: "1s", cost: 2 },
  ]);
  expectTypeOf(group).resolves.toHaveProperty("decisions").toEqualTypeOf<readonly [Decision, Decision]>();

  const held = guard.reserve({ key: "k", policy: "export", cost: 2_000 }, { ttl: "2m", onUnavailable: "deny" });
  expectTypeOf(held).resolves.toEqualTypeOf<Reservation>();
  guard.reserve({ key: "k", limit: 5, window: "1m", algorithm: "concurrency" });
  // @ts-expect-error a policy that was not defined
  guard.reserve({ key: "k", policy: "exprt" });
  // @ts-expect-error a time to live has a unit
  guard.reserve({ key: "k", policy: "export" }, { ttl: "2 minutes" });
  // @ts-expect-error the time to live is an option of reserve
  guard.allow("k", "export", { ttl: "2m" });
  held.then(async (reservation) => {
    // @ts-expect-error a denial holds nothing
    reservation.commit();
    if (!reservation.allowed) return expectTypeOf(reservation).toEqualTypeOf<Denied & AsyncDisposable>();
    expectTypeOf(reservation).toExtend<Allowed & Hold>();
    expectTypeOf(reservation.commit(1_234)).toEqualTypeOf<Promise<void>>();
    expectTypeOf(reservation.cancel()).toEqualTypeOf<Promise<void>>();
    return reservation.signal.aborted;
  });

  expectTypeOf(guard.wait({ key: "k", policy: "login" }, { timeoutMs: 500 })).resolves.toEqualTypeOf<Decision>();
  guard.wait({ key: "k", limit: 5, window: "1m" }, { signal: new AbortController().signal, cost: 2 });
  // @ts-expect-error a wait needs an end
  guard.wait({ key: "k", policy: "login" }, {});
  // @ts-expect-error a wait needs an end
  guard.wait({ key: "k", policy: "login" });
  // @ts-expect-error one request id has one answer
  guard.wait({ key: "k", policy: "login" }, { timeoutMs: 500, requestId: "r" });

  const known = make<"cluster-only">();
  known.allow("k", "cluster-only");
  // @ts-expect-error a name that is not among those that were given
  known.allow("k", "clusteronly");
  const both = make<"cluster-only" | "own">({ policies: { own: { limit: 5, window: "1m" } } });
  both.allow("k", "cluster-only");
  // @ts-expect-error a limit under a name that is not among those that were given
  make<"own">({ policies: { other: { limit: 5, window: "1m" } } });

  const named = make({ policies: { api: { limit: 5, window: "1m" } } });
  expectTypeOf(named).toEqualTypeOf<Guard<"api">>();
  // @ts-expect-error a policy needs a window
  make({ policies: { api: { limit: 5 } } });
  // @ts-expect-error a routing that does not exist
  make({ routing: "sideways" });
};

test("the surface of API.md holds", () => {
  expectTypeOf(neverRun).toBeFunction();
  expectTypeOf<Allowed["retryAfterMs"]>().toEqualTypeOf<0>();
  expectTypeOf<Denied["retryAfterMs"]>().toEqualTypeOf<number | null>();
  expectTypeOf<Guard>().toExtend<AsyncDisposable>();
  expectTypeOf<Reservation>().toExtend<Decision & AsyncDisposable>();
  // Without the types of a platform; with them it is the platform's own.
  expectTypeOf<HoldSignal>().toEqualTypeOf<AbortSignalLike>();
  expectTypeOf<GuardEvent["type"]>().toEqualTypeOf<
    "topology" | "degraded" | "recovered" | "reconciled" | "misconfigured" | "replaced"
  >();
  expectTypeOf<ReturnType<typeof createGuardCore<"a">>>().toEqualTypeOf<Guard<"a">>();
});
