import { type LocalCluster, startLocalCluster, until } from "@quorumguard/testbed";
import { afterAll, beforeAll, expect, test } from "vitest";
import { createGuard, type Decision, type Guard, type GuardEvent } from "./index.ts";

type Reconciled = Extract<GuardEvent, { readonly type: "reconciled" }>;

const limit = 1_000;

let cluster: LocalCluster;
beforeAll(async () => {
  cluster = await startLocalCluster();
}, 120_000);
afterAll(() => cluster?.stop());

const ids = () => cluster.nodes.map(({ nodeId }) => nodeId);

/** Every way in which all nodes of a cluster stop answering, and answer again. */
const outages = {
  "paused, and goes on with what it had received": {
    begin: async () => ids().forEach((id) => void cluster.pause(id)),
    end: async () => ids().forEach((id) => void cluster.resume(id)),
  },
  "killed, and started again": {
    begin: async () => void (await Promise.all(ids().map((id) => cluster.kill(id)))),
    end: async () => void (await Promise.all(ids().map((id) => cluster.restart(id)))),
  },
};

async function askUntilReconciled(guard: Guard): Promise<Reconciled> {
  let told: Reconciled | null = null;
  guard.on("reconciled", (event) => {
    told = event;
  });
  // Somebody has to ask, or nobody looks whether the cluster is back.
  return until("nothing was reported", 60_000, async () => {
    await guard.allow("somebody", limit, "1h", { onUnavailable: "deny" });
    return told;
  });
}

test.each(Object.entries(outages))(
  "what was admitted alone counts once when a cluster was %s",
  async (name, outage) => {
    const { endpoints } = cluster;
    await using guard = createGuard({ endpoints, timeoutMs: 1_500, onUnavailable: "local", reconcile: true });
    guard.on("degraded", () => {});
    await guard.ready();
    const key = `reconciled/${name}`;
    const ask = () => guard.allow(key, limit, "1h");
    expect(await ask()).toMatchObject({ source: "quorum", remaining: limit - 1 });

    await outage.begin();
    const alone: Promise<Decision>[] = [];
    // Turn by turn, so that some are sent before silence is noticed, and others wait behind them.
    for (let i = 0; i < 30; i++) {
      alone.push(ask());
      await new Promise((resolve) => setImmediate(resolve));
    }
    const decisions = await Promise.all(alone);
    for (let i = 0; i < 20; i++) decisions.push(await ask());
    await outage.end();
    const { charged, refused, unreported } = await askUntilReconciled(guard);

    const counted = decisions.filter(({ source }) => source === "quorum").length;
    const admittedAlone = decisions.filter(({ source, allowed }) => source === "local" && allowed).length;
    expect(counted + admittedAlone).toBe(50);
    expect({ charged, refused, unreported }).toEqual({ charged: admittedAlone, refused: 0, unreported: 0 });
    expect(await guard.peek({ key, limit, window: "1h" })).toMatchObject({ remaining: limit - 51, degraded: false });
  },
);
