import { type LocalCluster, startLocalCluster } from "@quorumguard/testbed";
import { afterAll, beforeAll, expect, test } from "vitest";
import { createGuard, type Guard, type NodeGuardOptions } from "./index.ts";

const exact = { onUnavailable: "throw", timeoutMs: 10_000 } as const;
let cluster: LocalCluster;

beforeAll(async () => {
  cluster = await startLocalCluster();
}, 120_000);

afterAll(() => cluster?.stop());

const open = (options: NodeGuardOptions = {}) => createGuard({ ...exact, endpoints: cluster.endpoints, ...options });

test("a remembered denial is undone by a reset that another process made", async () => {
  await using guard = open();
  await using other = open();
  const ask = () => guard.allow("attacked", 1, "1h");
  expect(await ask()).toMatchObject({ allowed: true });
  await ask();
  expect(await ask()).toMatchObject({ allowed: false, source: "denial-cache" });
  expect(await other.allow("attacked", 1, "1h")).toMatchObject({ allowed: false, source: "leader" });
  await other.reset({ key: "attacked", limit: 1, window: "1h" });
  expect(await other.allow("attacked", 1, "1h")).toMatchObject({ allowed: true });
  await other.reset({ key: "attacked", limit: 1, window: "1h" });
  // The push is on its way, or here.
  await expect.poll(async () => (await ask()).allowed, { timeout: 60_000 }).toBe(true);
});

test("leases of four processes' guards, and a leader that is killed: never more than the limit", {
  timeout: 120_000,
}, async () => {
  const limit = 5_000;
  const policies = { shared: { limit, window: "1h", lease: true } } as const;
  const guards = Array.from({ length: 4 }, () => open({ policies }));
  const admitted = { byLease: 0, all: 0 };
  const take = async (guard: Guard): Promise<void> => {
    for (;;) {
      const decision = await guard.allow("shared", "shared");
      if (!decision.allowed) return;
      admitted.all += 1;
      if (decision.source === "lease") admitted.byLease += 1;
      // What others are to be told is told in between.
      if (admitted.all % 20 === 0) await new Promise((resolve) => setImmediate(resolve));
    }
  };
  const { nodeId } = await cluster.waitForLeader();
  const taking = Promise.all(guards.map(take));
  await expect.poll(() => admitted.byLease, { timeout: 120_000, interval: 5 }).toBeGreaterThan(0);
  await cluster.kill(nodeId);
  await taking;
  await Promise.all(guards.map((guard) => guard.close()));
  await using asker = open({ policies });
  const { remaining } = await asker.peek({ key: "shared", policy: "shared" });
  expect(admitted.byLease).toBeGreaterThan(0);
  expect(admitted.all + remaining!).toBeLessThanOrEqual(limit);
  // What a lost message or a late return wasted is little.
  expect(admitted.all).toBeGreaterThan(limit / 2);
  await cluster.restart(nodeId);
});

test("a guard that is closed gives back what it has leased", { timeout: 120_000 }, async () => {
  const limit = 100_000;
  const policies = { hot: { limit, window: "1h", lease: true } } as const;
  await using asker = open({ policies });
  for (let attempt = 1; ; attempt += 1) {
    const key = `hot-${attempt}`;
    const guard = open({ policies });
    let admitted = 0;
    for (let leased = false; !leased; admitted += 1) {
      leased = (await guard.allow(key, "hot")).source === "lease";
      if (admitted % 20 === 0) await new Promise((resolve) => setImmediate(resolve));
    }
    const leasedMs = performance.now();
    await guard.close();
    // A machine that stood still for long lets the lease end first: then there was nothing to give back.
    if (performance.now() - leasedMs > 250 && attempt < 20) continue;
    const { remaining } = await asker.peek({ key, policy: "hot" });
    expect(remaining).toBe(limit - admitted);
    return;
  }
});
