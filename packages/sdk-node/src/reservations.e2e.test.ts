import { expect, test } from "vitest";
import { createGuard } from "./index.ts";
import { exact, held, testOnRealCluster } from "./real-cluster.fixture.ts";

testOnRealCluster(
  (cluster, options) => createGuard({ endpoints: cluster.endpoints, ...options }),
  (cluster) => {
    test("closing the guard gives its slots back, and tells whoever works under one", async () => {
      await using other = createGuard({ ...exact, endpoints: cluster().endpoints });
      const slot = { key: "closing", limit: 1, window: "1h", algorithm: "concurrency" } as const;
      const guard = createGuard({ ...exact, endpoints: cluster().endpoints });
      const { signal } = held(await guard.reserve(slot));
      expect((await other.reserve(slot)).allowed).toBe(false);
      const told = new Promise((resolve) => signal.addEventListener("abort", resolve, { once: true }));
      await guard.close();
      await told;
      await expect.poll(async () => (await other.reserve(slot)).allowed, { timeout: 5_000 }).toBe(true);
    });
  },
);
