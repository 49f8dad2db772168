import { expect, test } from "vitest";
import { exact, held, testOnRealCluster } from "../../sdk-node/src/real-cluster.fixture.ts";
import { createGuard } from "./edge.ts";

testOnRealCluster(
  (cluster, { routing: _, ...options }) =>
    createGuard({ endpoints: cluster.nodes.map(({ httpUrl }) => httpUrl), ...options }),
  (cluster) => {
    test("a slot outlives the guard that took it, until its own time is over", { timeout: 120_000 }, async () => {
      const ttlMs = 500;
      const create = () => createGuard({ ...exact, endpoints: cluster().nodes.map(({ httpUrl }) => httpUrl) });
      await using other = create();
      for (let attempt = 1; ; attempt += 1) {
        const slot = { key: `closing-${attempt}`, limit: 1, window: "1h", algorithm: "concurrency" } as const;
        const guard = create();
        const beforeMs = performance.now();
        held(await guard.reserve(slot, { ttl: `${ttlMs}ms` }));
        await guard.close();
        const { allowed } = await other.reserve(slot);
        // A machine that stood still for so long lets the slot end first: then there was nothing to outlive.
        if (allowed && performance.now() - beforeMs > ttlMs && attempt < 20) continue;
        expect(allowed).toBe(false);
        await expect.poll(async () => (await other.reserve(slot)).allowed, { timeout: 120_000 }).toBe(true);
        return;
      }
    });
  },
);
