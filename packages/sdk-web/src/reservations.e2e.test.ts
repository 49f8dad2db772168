import { expect, test } from "vitest";
import { exact, held, testOnRealCluster } from "../../sdk-node/src/real-cluster.fixture.ts";
import { createGuard } from "./edge.ts";

testOnRealCluster(
  (cluster, { routing: _, ...options }) =>
    createGuard({ endpoints: cluster.nodes.map(({ httpUrl }) => httpUrl), ...options }),
  (cluster) => {
    test("a slot outlives the guard that took it, until its own time is over", async () => {
      const create = () => createGuard({ ...exact, endpoints: cluster().nodes.map(({ httpUrl }) => httpUrl) });
      await using other = create();
      const slot = { key: "closing", limit: 1, window: "1h", algorithm: "concurrency" } as const;
      const guard = create();
      held(await guard.reserve(slot, { ttl: "500ms" }));
      await guard.close();
      expect((await other.reserve(slot)).allowed).toBe(false);
      await expect.poll(async () => (await other.reserve(slot)).allowed, { timeout: 5_000 }).toBe(true);
    });
  },
);
