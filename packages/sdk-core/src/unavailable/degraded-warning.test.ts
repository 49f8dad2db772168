import { Outcome } from "@quorumguard/proto";
import { expect, test } from "vitest";
import { createGuardCore } from "../create-guard-core.ts";
import type { Guard, OnUnavailable } from "../surface/guard.ts";
import { ScriptedCluster } from "../testing/scripted-cluster.ts";
import { VirtualRuntime } from "../testing/virtual-runtime.ts";

interface Scene {
  readonly cluster: ScriptedCluster;
  readonly runtime: VirtualRuntime;
  readonly guard: Guard;
  readonly warnings: string[];
}

function scene(onUnavailable: OnUnavailable): Scene {
  const cluster = new ScriptedCluster(1);
  const runtime = new VirtualRuntime();
  const warnings: string[] = [];
  const platform = {
    defaultEndpoints: "n1:7400",
    client: "test",
    endpointOf: () => "n1:7400",
    warn: (message: string) => void warnings.push(message),
  };
  const guard = createGuardCore({ onUnavailable, timeoutMs: 200 }, cluster, runtime, platform);
  return { cluster, runtime, guard, warnings };
}

async function outage({ cluster, runtime, guard }: Scene, calls: number, options = {}): Promise<void> {
  cluster.nodes[0]!.kill();
  for (let i = 0; i < calls; i++) {
    const call = guard.allow("k", 100, "10s", options).catch(() => {});
    await runtime.pass(300);
    await call;
  }
}

test.each([
  ["local", "this process's own count decides"],
  ["allow", "every call is allowed, uncounted"],
  ["deny", "every call is denied"],
] as const)("an outage that %s settles is warned of once, with where, why and what decides", async (decider, what) => {
  const stage = scene(decider);
  await outage(stage, 3);
  expect(stage.warnings).toHaveLength(1);
  expect(stage.warnings[0]).toMatch(/^the cluster at n1:7400 does not decide: no leader took the call within 200 ms/);
  expect(stage.warnings[0]).toContain(`Until it does, ${what} (onUnavailable: "${decider}")`);
});

test("the next outage is warned of again", async () => {
  const stage = scene("local");
  await outage(stage, 2);
  stage.cluster.nodes[0]!.down = null;
  await stage.runtime.pass(5_000);
  const call = stage.guard.allow("k", 100, "10s");
  await stage.runtime.pass(200);
  expect((await call).degraded).toBe(false);
  await outage(stage, 2);
  expect(stage.warnings).toHaveLength(2);
});

test("whoever listens for it is told by that alone, until he stops listening", async () => {
  const stage = scene("local");
  const reasons: string[] = [];
  stage.guard.on("degraded", ({ reason }) => reasons.push(reason));
  await outage(stage, 2);
  expect([reasons.length, stage.warnings]).toEqual([1, []]);
});

test("a listener for something else, or one that ended, is no listener for it", async () => {
  const stage = scene("local");
  stage.guard.on("recovered", () => {});
  stage.guard.on("degraded", () => {})();
  await outage(stage, 1);
  expect(stage.warnings).toHaveLength(1);
});

test("a call that throws says so itself; the first decision after it is warned of", async () => {
  const stage = scene("throw");
  await outage(stage, 2);
  expect(stage.warnings).toEqual([]);
  await outage(stage, 2, { onUnavailable: "deny" });
  expect(stage.warnings).toHaveLength(1);
});

test("keys without room are warned of in words of their own, once in a minute, whoever listens for outages", async () => {
  const { cluster, runtime, guard, warnings } = scene("local");
  guard.on("degraded", () => {});
  cluster.nodes[0]!.answers = (frame, stream) => stream.reply(frame, Outcome.KEYS_FULL);
  const ask = async (options = {}) => {
    const call = guard.allow("k", 100, "10s", options).catch(() => {});
    await runtime.settle();
    await call;
  };
  for (let i = 0; i < 50; i++) await ask();
  expect(warnings).toHaveLength(1);
  expect(warnings[0]).toMatch(/^the cluster decides, but has no room for a key: the cluster's key table is full/);
  expect(warnings[0]).toContain('this process\'s own count decides (onUnavailable: "local")');
  await runtime.pass(60_000);
  await ask({ onUnavailable: "throw" });
  expect(warnings).toHaveLength(1);
  await ask();
  expect(warnings).toHaveLength(2);
});
