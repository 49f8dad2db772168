import { Verb } from "@quorumguard/limiter";
import { describe, expect, test } from "vitest";
import { LEASE_MS, LeaseScene } from "../testing/lease-scene.ts";
import type { LocalAnswerCounts } from "./local-answer-counts.ts";

describe("what nobody needs is given back", () => {
  test("when calls stop: soon, once, and the key is forgotten by the timer", async () => {
    const scene = new LeaseScene();
    await scene.lease();
    await scene.allow();
    const left = scene.grants[0]!.cost - 1;
    await scene.runtime.pass(LEASE_MS / 2);
    expect(scene.returns).toMatchObject([{ verb: Verb.giveBack, cost: left, handle: 101 }]);
    expect(scene.runtime.keepsAlive).toBe(false);
    await scene.runtime.pass(10_000);
    expect(scene.returns.length).toBe(1);
  });

  test("when calls become rare: before the lease is over", async () => {
    const scene = new LeaseScene();
    await scene.lease();
    const { cost, atMs } = scene.grants[0]!;
    scene.delayMs = 100_000;
    await scene.load(LEASE_MS, 100);
    expect(scene.returns[0]).toMatchObject({ handle: 101 });
    expect(scene.returns[0]!.cost).toBeLessThan(cost);
    expect(scene.returns[0]!.atMs - atMs).toBeLessThan(0.98 * LEASE_MS);
  });

  test("when the guard is closed, which waits for that, but not for long", async () => {
    const scene = new LeaseScene();
    await scene.lease();
    const closing = scene.guard.close();
    await expect(scene.guard.allow("k", "api")).rejects.toMatchObject({ code: "closed" });
    await scene.runtime.settle();
    await closing;
    expect(scene.returns).toMatchObject([{ cost: scene.grants[0]!.cost, handle: 101 }]);

    const unheard = new LeaseScene();
    await unheard.lease();
    for (const node of unheard.cluster.nodes) node.answers = () => {};
    let closed = false;
    const ending = unheard.guard.close().then(() => {
      closed = true;
    });
    await unheard.runtime.pass(249);
    expect(closed).toBe(false);
    await unheard.runtime.pass(1);
    await ending;
  });

  test("when the guard is closed while it is on its way, which waits for it", async () => {
    const counts: LocalAnswerCounts[] = [];
    const scene = new LeaseScene({}, counts);
    scene.delayMs = 30;
    while (scene.grants.length === 0) await scene.load(1, 1);
    let closed = false;
    const closing = scene.guard.close().then(() => {
      closed = true;
    });
    await scene.runtime.pass(27);
    expect([closed, scene.returns]).toEqual([false, []]);
    await scene.runtime.pass(3);
    await closing;
    const { cost } = scene.grants[0]!;
    expect(scene.returns).toMatchObject([{ cost, handle: 101 }]);
    expect(counts).toMatchObject([{ unitsGranted: cost, unitsSpent: 0, unitsReturned: cost, unitsExpired: 0 }]);
    expect(scene.runtime.keepsAlive).toBe(false);
  });

  test("and is told as expired where nobody says that it was taken back", async () => {
    const counts: LocalAnswerCounts[] = [];
    const scene = new LeaseScene({}, counts);
    await scene.lease();
    const { cost } = scene.grants[0]!;
    for (const node of scene.cluster.nodes) node.answers = () => {};
    const closing = scene.guard.close();
    await scene.runtime.pass(249);
    expect(counts).toMatchObject([{ unitsGranted: cost, unitsReturned: 0, unitsExpired: 0 }]);
    await scene.runtime.pass(1);
    await closing;
    expect(counts).toMatchObject([{ unitsGranted: cost, unitsReturned: 0, unitsExpired: cost }]);
  });

  test("and where nobody takes it back, that is no outage to anybody", async () => {
    const scene = new LeaseScene();
    const told: unknown[] = [];
    scene.guard.on("degraded", (event) => told.push(event));
    await scene.lease();
    for (const node of scene.cluster.nodes) node.kill();
    await scene.runtime.pass(5_000);
    expect(told).toEqual([]);
  });

  test("when there is no room for its key any more", async () => {
    const scene = new LeaseScene({ maxRememberedKeys: 1 });
    await scene.lease();
    const { guard, runtime } = scene;
    const other = guard.allow("other", "api");
    await runtime.settle();
    await other;
    expect(scene.returns.length).toBe(1);
  });
});
