import { startTestCluster } from "@quorumguard/cluster/testing";
import { expect, test } from "vitest";
import { signUp } from "./sign-up.ts";

const policies = { "sign-up": { limit: 5, window: "1h" } } as const;

// #region window
test("the sixth sign-up waits for an hour", async () => {
  await using cluster = await startTestCluster({ nodes: 1, clock: "virtual", policies });
  const guard = cluster.createGuard<"sign-up">();

  for (let i = 0; i < 5; i += 1) expect(await signUp(guard, "192.0.2.1")).toBe("welcome");
  expect(await signUp(guard, "192.0.2.1")).toBe("again in 60 min");

  await cluster.advance("50m");
  expect(await signUp(guard, "192.0.2.1")).toBe("again in 10 min");
  await cluster.advance("10m");
  expect(await signUp(guard, "192.0.2.1")).toBe("welcome");
});
// #endregion window

// #region outage
test("sign-ups go on when nodes are lost, and by our own count when all are", async () => {
  await using cluster = await startTestCluster({ policies });
  const guard = cluster.createGuard({ policies });
  const onOurOwn = new Promise((resolve) => guard.on("degraded", resolve));

  await cluster.kill("leader");
  expect(await signUp(guard, "192.0.2.1")).toBe("welcome");

  await Promise.all([1, 2, 3].map((nodeId) => cluster.kill(nodeId)));
  expect(await signUp(guard, "192.0.2.1")).toBe("welcome");
  await onOurOwn;
});
// #endregion outage
