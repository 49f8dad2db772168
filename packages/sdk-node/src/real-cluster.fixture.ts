import { type LocalCluster, startLocalCluster, until } from "@quorumguard/testbed";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Allowed, type Guard, GuardError, type GuardOptions, type Hold, type Reservation } from "./index.ts";

/** Makes a guard of the SDK under test on the cluster. */
export type CreateGuard = <const P extends string>(cluster: LocalCluster, options: GuardOptions<P>) => Guard<P>;

/** Options of a guard of which no call may be decided without the cluster. */
export const exact = { onUnavailable: "throw", timeoutMs: 60_000 } as const;

const document = {
  policies: [
    { name: "login", limit: 2, window: "1h", ban: { denials: 2, window: "1h", durations: ["1h"] } },
    { name: "search", limit: 100, window: "1h" },
    { name: "watched", limit: 1, window: "1h", shadow: true },
    { name: "slots", algorithm: "concurrency", limit: 1, window: "1h" },
    { name: "alone", limit: 2, window: "1h", onUnavailable: "local" },
  ],
  overrides: [{ policy: "login", key: "vip", limit: 50 }],
  lists: [{ list: "deny", match: "range", value: "192.0.2.0/24", policy: "search" }],
};

type Named = "login" | "search" | "watched" | "slots" | "alone" | "nobody";

/** The hold of a reservation that must be allowed. */
export function held(reservation: Reservation): Allowed & Hold {
  expect(reservation).toMatchObject({ allowed: true, degraded: false });
  return reservation as Allowed & Hold;
}

async function put(cluster: LocalCluster): Promise<void> {
  const response = await fetch(`${cluster.nodes[0]!.httpUrl}/quorumguard.v1.PolicyService/PutPolicies`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ document }),
  });
  expect(response.status, await response.text()).toBe(200);
}

/** Declares what both SDKs must see of a real cluster's policies and holds; `more` declares what one of them sees beyond. */
export function testOnRealCluster(createGuard: CreateGuard, more: (cluster: () => LocalCluster) => void): void {
  let cluster: LocalCluster;
  beforeAll(async () => {
    cluster = await startLocalCluster();
    await put(cluster);
  }, 120_000);
  afterAll(() => cluster?.stop());

  describe("policies that only the cluster defines, by their names alone", () => {
    const withGuard = async (use: (guard: Guard<Named>) => Promise<void>): Promise<void> => {
      await using guard = createGuard<Named>(cluster, exact);
      await use(guard);
    };

    test("limit, with a key's own number, and ban after denials", () =>
      withGuard(async (guard) => {
        expect(await guard.allow("vip", "login")).toMatchObject({ allowed: true, policy: "login", limit: 50 });
        const seen: [string | null, number][] = [];
        for (let i = 0; i < 5; i++) {
          const { reason, limit } = await guard.allow("user", "login");
          seen.push([reason, limit]);
        }
        const [admitted, banned] = [
          [null, 2],
          ["banned", 2],
        ];
        expect(seen).toEqual([admitted, admitted, ["limited", 2], banned, banned]);
        const denied = await guard.reserve({ key: "user", policy: "login" });
        expect(denied).toMatchObject({ allowed: false, reason: "banned" });
        expect(denied.retryAfterMs).toBeGreaterThan(3_500_000);
      }));

    test("block what is on a deny-list, for good", () =>
      withGuard(async (guard) => {
        const blocked = { allowed: false, reason: "blocked", retryAfterMs: null };
        expect(await guard.allow("192.0.2.7", "search")).toMatchObject(blocked);
        expect(await guard.reserve({ key: "192.0.2.7", policy: "search" })).toMatchObject(blocked);
        expect(await guard.allow("192.0.3.7", "search")).toMatchObject({ allowed: true, limit: 100 });
      }));

    test("tell what a shadow policy would have said, and enforce none of it", () =>
      withGuard(async (guard) => {
        expect(await guard.allow("user", "watched")).toMatchObject({ allowed: true, shadow: null });
        expect(await guard.allow("user", "watched")).toMatchObject({ allowed: true, shadow: "limited" });
        const reservation = held(await guard.reserve({ key: "user", policy: "watched" }));
        expect(reservation.shadow).toBe("limited");
        await reservation.commit();
      }));

    test("hold slots", () =>
      withGuard(async (guard) => {
        const slot = { key: "user", policy: "slots" } as const;
        const first = held(await guard.reserve(slot));
        expect(await guard.reserve(slot)).toMatchObject({ allowed: false, reason: "limited" });
        await expect(guard.allow("user", "slots")).rejects.toMatchObject({ code: "needs_reservation" });
        await first[Symbol.asyncDispose]();
        expect((await guard.reserve(slot)).allowed).toBe(true);
      }));

    test("limit while the cluster is away, as they say", { timeout: 120_000 }, async () => {
      await using guard = createGuard<Named>(cluster, { onUnavailable: "throw", timeoutMs: 400 });
      guard.on("degraded", () => {});
      const ids = cluster.nodes.map(({ nodeId }) => nodeId);
      const whileAway = async <T>(ask: () => Promise<T>): Promise<T> => {
        for (const id of ids) cluster.pause(id);
        try {
          return await ask();
        } finally {
          for (const id of ids) cluster.resume(id);
        }
      };
      const ask = (key: string) => guard.allow(key, "alone").catch(({ code }: GuardError) => ({ code }));
      await guard.ready();
      // What they say is asked beside the first call, which does not wait for it.
      await until("they were not told", 30_000, async () => {
        await ask("told");
        const answer = await whileAway(() => ask("told"));
        return "source" in answer && answer.source === "local" ? answer : null;
      });
      const answers = await whileAway(async () => [await ask("user"), await ask("user"), await ask("user")]);
      const local = { source: "local", degraded: true, policy: "alone" };
      expect(answers[0]).toMatchObject({ allowed: true, ...local });
      expect(answers[2]).toMatchObject({ allowed: false, reason: "limited", ...local, limit: 2 });
      await cluster.waitForLeader();
    });

    test("win over a guard's own of that name, and are told from names that nobody defines", async () => {
      await using guard = createGuard<Named>(cluster, { ...exact, policies: { search: { limit: 5, window: "1m" } } });
      expect(await guard.allow("own", "search")).toMatchObject({ allowed: true, limit: 100 });
      const error = await guard.allow("own", "nobody").catch((reason: unknown) => reason);
      expect(error).toBeInstanceOf(GuardError);
      const message = expect.stringMatching(/^policy: "nobody" is not a policy of the cluster.*this guard has search/);
      expect(error).toMatchObject({ code: "unknown_policy", message });
    });
  });

  test("what is settled while the leader is killed is settled once", { timeout: 120_000 }, async () => {
    await using guard = createGuard(cluster, exact);
    const tokens = { key: "killed", limit: 1_000, window: "1h", cost: 10 } as const;
    const slot = { key: "killed", limit: 20, window: "1h", algorithm: "concurrency" } as const;
    const reserve = () => Promise.all(Array.from({ length: 20 }, async () => held(await guard.reserve(tokens))));
    const holds = await reserve();
    const slots = await Promise.all(Array.from({ length: 20 }, async () => held(await guard.reserve(slot))));
    expect((await guard.peek(slot)).remaining).toBe(0);
    const { nodeId } = await cluster.waitForLeader();
    const killed = cluster.kill(nodeId);
    const more = reserve();
    const settled = [
      ...holds.map((hold, at) => (at % 2 === 0 ? hold.commit(3) : hold.cancel())),
      ...slots.map((hold) => hold[Symbol.asyncDispose]()),
    ];
    await Promise.all([killed, ...settled]);
    await Promise.all((await more).map((hold) => hold.commit(4)));
    expect((await guard.peek(tokens)).remaining).toBe(1_000 - 10 * 3 - 20 * 4);
    expect((await guard.peek(slot)).remaining).toBe(20);
    await cluster.restart(nodeId);
    await cluster.waitUntilCaughtUp();
  });

  more(() => cluster);
}
