import { type LocalCluster, startLocalCluster, until } from "@quorumguard/testbed";
import { afterAll, beforeAll, expect, test } from "vitest";
import { createGuard, type Decision, type GuardEvent } from "./index.ts";

type Replaced = Extract<GuardEvent, { readonly type: "replaced" }>;

let cluster: LocalCluster;
beforeAll(async () => {
  cluster = await startLocalCluster();
}, 120_000);
afterAll(() => cluster?.stop());

test.each([
  { named: "all of its nodes", endpoints: () => cluster.endpoints },
  { named: "one of its nodes", endpoints: () => cluster.endpoints.slice(0, 1) },
])(
  "a cluster that was built anew is taken by a guard that names $named, and no call throws",
  async ({ named, endpoints }) => {
    await using guard = createGuard({ endpoints: endpoints(), timeoutMs: 1_500 });
    const told: Replaced[] = [];
    guard.on("replaced", (event) => void told.push(event));
    guard.on("degraded", () => {});
    const ask = (): Promise<Decision> => guard.allow(named, 100, "1h");
    for (let remaining = 99; remaining > 96; remaining--)
      expect(await ask()).toMatchObject({ source: "quorum", remaining });

    await cluster.rebuild();
    // Somebody has to ask, or nobody looks whether the cluster is back. What it counted is gone with its data.
    const first = await until("the new cluster was not taken", 60_000, async () => {
      const decision = await ask();
      return decision.degraded ? null : decision;
    });
    expect(first).toMatchObject({ source: "quorum", remaining: 99 });
    expect(await ask()).toMatchObject({ source: "quorum", remaining: 98 });
    expect(told).toHaveLength(1);
    expect(told[0]!.clusterId).not.toBe(told[0]!.formerClusterId);
  },
);
