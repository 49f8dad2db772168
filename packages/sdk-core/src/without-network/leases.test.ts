import { describe, expect, test } from "vitest";
import type { Decision } from "../surface/guard.ts";
import { LEASE_MS, LeaseScene } from "../testing/lease-scene.ts";

const bySource = (decisions: readonly Decision[], source: string) =>
  decisions.filter((decision) => decision.source === source).length;

describe("a key that is asked for often", () => {
  test("is leased: calls are admitted by what was charged beforehand, and say so", async () => {
    const scene = new LeaseScene();
    await scene.lease();
    const { cost } = scene.grants[0]!;
    const before = scene.takes;
    expect(await scene.allow()).toEqual({
      allowed: true,
      reason: null,
      retryAfterMs: 0,
      policy: "api",
      limit: 1_000,
      remaining: 900 + cost - 1,
      resetAfterMs: 999,
      source: "lease",
      degraded: false,
      shadow: null,
    });
    expect(await scene.allow({ cost: 2 })).toMatchObject({ source: "lease", remaining: 900 + cost - 3 });
    expect(scene.takes).toBe(before);
  });

  test("is renewed ahead of exhaustion: under a steady load no call waits for the cluster any more", async () => {
    const scene = new LeaseScene();
    scene.delayMs = 10;
    await scene.load(2_000);
    const decisions = await scene.load(5_000);
    expect(bySource(decisions, "lease")).toBe(decisions.length);
    // Far fewer messages than calls, and next to nothing is wasted.
    expect(scene.grants.length).toBeLessThan(40);
  });

  test("gets leases for half of what is expected while they last, a tenth of the limit at most", async () => {
    const scene = new LeaseScene();
    await scene.load(4_000);
    // 200 calls a second, for a second.
    const { cost } = scene.grants.at(-1)!;
    expect(cost).toBeGreaterThan(85);
    expect(cost).toBeLessThanOrEqual(100);
    await scene.load(500, 1);
    expect(Math.max(...scene.grants.map((grant) => grant.cost))).toBe(100);
  });

  test("gets smaller ones as little is left, and then none", async () => {
    const scene = new LeaseScene();
    scene.remaining = 20;
    await scene.load(2_000);
    expect(scene.grants.length).toBeGreaterThan(0);
    expect(Math.max(...scene.grants.map((grant) => grant.cost))).toBeLessThanOrEqual(10);
    const { length } = scene.grants;
    scene.remaining = 7;
    await scene.load(300);
    const since = scene.grants.length;
    const decisions = await scene.load(1_000);
    expect(scene.grants.length).toBe(since);
    expect(bySource(decisions, "quorum")).toBeGreaterThan(150);
    expect(since - length).toBeLessThanOrEqual(2);
  });

  test("gets one lease at a time: calls that were on their way when it came ask for no other", async () => {
    const scene = new LeaseScene();
    const waiting: (() => void)[] = [];
    const [node] = scene.cluster.nodes;
    const answers = node!.answers;
    await scene.load(90, 1);
    node!.answers = (frame, stream) => {
      if (frame.verbs === null) waiting.push(() => answers(frame, stream));
      else answers(frame, stream);
    };
    const calls = Array.from({ length: 3 }, () => scene.guard.allow("k", "api"));
    await scene.runtime.settle();
    await scene.runtime.pass(50);
    const late = scene.guard.allow("k", "api");
    await scene.runtime.settle();
    expect(waiting.length).toBe(2);
    // The first frame's answers ask for a lease, which comes at once; then come those of the second.
    waiting[0]!();
    await scene.runtime.settle();
    expect(scene.grants.length).toBe(1);
    await scene.runtime.pass(110);
    waiting[1]!();
    await scene.runtime.settle();
    expect((await Promise.all([...calls, late])).map(({ source }) => source)).toEqual(Array(4).fill("quorum"));
    expect(scene.grants.length).toBe(1);
  });

  test("waits for no grant: calls go the normal way while one is under way", async () => {
    const scene = new LeaseScene();
    scene.delayMs = 100;
    while (scene.grants.length === 0) await scene.load(1, 1);
    expect(await scene.allow()).toMatchObject({ source: "quorum" });
    expect(await scene.allow()).toMatchObject({ source: "quorum" });
    await scene.runtime.pass(100);
    expect(await scene.allow()).toMatchObject({ source: "lease" });
    expect(scene.grants.length).toBe(1);
  });
});

describe("no lease", () => {
  test("for a key that is seldom asked for", async () => {
    const scene = new LeaseScene();
    const decisions = await scene.load(5_000, 200);
    expect(bySource(decisions, "quorum")).toBe(decisions.length);
    expect(scene.grants).toEqual([]);
  });

  test.each([
    ["the policy does not say so", { policies: { api: { limit: 1_000, window: "10s" } } }],
    ["it says no", { policies: { api: { limit: 1_000, window: "10s", lease: false } }, lease: true }],
    ["nothing may be remembered", { maxRememberedKeys: 0 }],
  ] as const)("if %s", async (_, options) => {
    const scene = new LeaseScene(options);
    await scene.load(1_000);
    expect(scene.grants).toEqual([]);
  });

  test("but the guard's own word goes for policies that say nothing", async () => {
    const scene = new LeaseScene({ policies: { api: { limit: 1_000, window: "10s" } }, lease: true });
    await scene.lease();
  });

  test("may be wished for in any other way than by true and false, nor for slots", () => {
    const message = (options: object) => {
      try {
        new LeaseScene(options);
        return "";
      } catch (error) {
        return (error as Error).message;
      }
    };
    expect(message({ lease: "yes" })).toBe('lease: "yes" is out of bounds: it must be true or false');
    const slots = { api: { limit: 5, window: "10s", algorithm: "concurrency", lease: true } };
    expect(message({ policies: slots })).toBe(
      "policies.api.lease: true is out of bounds: slots of concurrency are never leased; leave it out",
    );
  });

  test("is asked for again where the cluster never grants one, until policies change", async () => {
    const scene = new LeaseScene();
    scene.outcome = 2;
    scene.granted = { retryAfterMs: -1 };
    await scene.load(2_000);
    expect(scene.grants.length).toBe(1);
    scene.granted = { firmForMs: LEASE_MS };
    scene.outcome = 1;
    await scene.push({ index: 30n, policyVersion: 1n, all: true });
    scene.index = 31;
    scene.policyVersion = 1;
    await scene.load(1_000);
    expect(scene.grants.length).toBeGreaterThan(1);
  });

  test("answers a group, a reservation or a call with a request id", async () => {
    const scene = new LeaseScene();
    await scene.lease();
    const calls = [
      scene.guard.allowAll([{ key: "k", policy: "api" }]),
      scene.guard.reserve({ key: "k", policy: "api" }),
      scene.guard.allow("k", "api", { requestId: "once" }),
    ] as const;
    await scene.runtime.settle();
    const [group, reservation, request] = await Promise.all(calls);
    expect([group.decisions[0]!.source, reservation.source, request.source]).toEqual(["quorum", "quorum", "quorum"]);
  });
});

describe("L2, L3: a lease is never overspent", () => {
  test("no more than was granted; a call that costs more than is left goes to the cluster", async () => {
    const scene = new LeaseScene();
    await scene.lease();
    const { cost } = scene.grants[0]!;
    // No other lease comes.
    scene.delayMs = 100_000;
    expect(await scene.allow({ cost: cost + 1 })).toMatchObject({ source: "quorum" });
    expect(await scene.allow({ cost: cost - 1 })).toMatchObject({ source: "lease" });
    expect(await scene.allow({ cost: 2 })).toMatchObject({ source: "quorum" });
    expect(await scene.allow()).toMatchObject({ source: "lease" });
    expect(await scene.allow()).toMatchObject({ source: "quorum" });
  });

  test("it ends at 98 % of its time, counted from the first send of its request and not from the answer", async () => {
    const scene = new LeaseScene();
    scene.delayMs = 300;
    await scene.lease();
    const sentMs = scene.grants[0]!.atMs;
    scene.delayMs = 100_000;
    // Spent now and then, so that it is not idle, until little of its time is left.
    while (scene.runtime.nowMs < sentMs + 840) {
      expect(await scene.allow()).toMatchObject({ source: "lease" });
      await scene.runtime.pass(20);
    }
    scene.runtime.nowMs = sentMs + 979;
    expect(await scene.guard.allow("k", "api")).toMatchObject({ source: "lease" });
    scene.runtime.nowMs = sentMs + 980;
    expect(await scene.allow()).toMatchObject({ source: "quorum" });
  });

  test("it ends when the cluster says, at the edge of a fixed window, however long leases may be", async () => {
    const scene = new LeaseScene();
    scene.granted = { firmForMs: 120 };
    await scene.lease();
    const sentMs = scene.grants[0]!.atMs;
    scene.delayMs = 100_000;
    scene.runtime.nowMs = sentMs + 117;
    expect(await scene.guard.allow("k", "api")).toMatchObject({ source: "lease" });
    scene.runtime.nowMs = sentMs + 118;
    expect(await scene.allow()).toMatchObject({ source: "quorum" });
  });

  test("it ends by the wall clock if a frozen machine's monotonic clock stood still", async () => {
    const scene = new LeaseScene();
    await scene.lease();
    scene.runtime.wallStepMs += 980;
    expect(await scene.allow()).toMatchObject({ source: "quorum" });
  });

  test("one whose answer was held up until it was over is not spent at all, but given back", async () => {
    const scene = new LeaseScene({ timeoutMs: 5_000 });
    scene.delayMs = 985;
    await scene.lease();
    expect(await scene.allow()).toMatchObject({ source: "quorum" });
    expect(scene.returns).toMatchObject([{ cost: scene.grants[0]!.cost, handle: 101 }]);
  });

  test("a reset of the key, pushed, gives it back: nothing of it is spent any more", async () => {
    const scene = new LeaseScene();
    await scene.lease();
    await scene.allow();
    await scene.push({ index: 30n, rules: [{ policy: "api" }], keys: ["k"] });
    expect(scene.returns).toMatchObject([{ cost: scene.grants[0]!.cost - 1, handle: 101 }]);
    scene.index = 31;
    expect(await scene.allow()).toMatchObject({ source: "quorum" });
  });

  test("so does this guard's own reset, and a change of policies", async () => {
    const ends: ((scene: LeaseScene) => Promise<void>)[] = [
      (scene) => scene.guard.reset({ key: "k", policy: "api" }),
      (scene) => scene.push({ index: 30n, policyVersion: 1n, all: true }),
    ];
    for (const end of ends) {
      const scene = new LeaseScene();
      await scene.lease();
      const ended = end(scene);
      await scene.runtime.settle();
      await ended;
      expect(scene.returns).toMatchObject([{ cost: scene.grants[0]!.cost, handle: 101 }]);
      expect(await scene.allow()).toMatchObject({ source: "quorum" });
    }
  });

  test("a change of policies that was made while there was no stream gives it back with the next one", async () => {
    const scene = new LeaseScene();
    await scene.lease();
    scene.cluster.policyVersion = 1n;
    scene.stream.close();
    await scene.runtime.pass(20);
    expect(scene.returns).toMatchObject([{ cost: scene.grants[0]!.cost, handle: 101 }]);
    expect(await scene.allow()).toMatchObject({ source: "quorum" });
  });

  test("a push that another node repeats takes no lease that was granted since", async () => {
    const scene = new LeaseScene();
    await scene.lease();
    await scene.push({ index: 19n, rules: [{ policy: "api" }], keys: ["k"] });
    await scene.push({ index: 30n, all: true });
    expect(scene.returns).toEqual([]);
    expect(await scene.allow()).toMatchObject({ source: "lease" });
  });

  test("one that was granted before a change, and heard of after it, is given back unspent", async () => {
    const scene = new LeaseScene();
    scene.delayMs = 50;
    while (scene.grants.length === 0) await scene.load(1, 1);
    await scene.push({ index: 30n, policyVersion: 1n, all: true });
    await scene.runtime.pass(50);
    expect(scene.returns).toMatchObject([{ cost: scene.grants[0]!.cost, handle: 101 }]);
    expect(await scene.allow()).toMatchObject({ source: "quorum" });
  });

  test("another leader changes nothing: it was charged, and is spent also while nobody can be asked", async () => {
    const scene = new LeaseScene();
    await scene.lease();
    scene.cluster.nodes[0]!.kill();
    await scene.runtime.settle();
    expect(await scene.allow()).toMatchObject({ source: "lease" });
    scene.cluster.elect(2);
    await scene.runtime.settle();
    expect(await scene.allow()).toMatchObject({ source: "lease" });
  });

  test("a session that ended takes its leases with it", async () => {
    const scene = new LeaseScene();
    await scene.lease();
    scene.cluster.sessions.clear();
    scene.stream.close();
    await scene.runtime.pass(50);
    expect(await scene.allow()).toMatchObject({ source: "quorum" });
    expect(scene.returns).toEqual([]);
  });
});
