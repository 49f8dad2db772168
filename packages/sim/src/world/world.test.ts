import { describe, expect, test } from "vitest";
import { createRandom } from "./random.ts";
import { sealGlobals } from "./seal.ts";
import { createTrace } from "./trace.ts";
import { createWorld } from "./world.ts";

const newWorld = (seed = 1) => createWorld(createRandom(seed), createTrace());

describe("the virtual world", () => {
  test("handles events by time, and those of one moment in the order in which they were scheduled", async () => {
    const world = newWorld();
    const order: string[] = [];
    world.schedule(20, null, "late", () => order.push("late"));
    world.schedule(10, null, "first", () => order.push("first"));
    world.schedule(10, null, "second", () => order.push("second"));
    await world.run(100);
    expect(order).toEqual(["first", "second", "late"]);
    expect(world.nowUs).toBe(100);
  });

  test("halts where it is told to, also what would go on at the same moment for ever", async () => {
    const world = newWorld();
    const again = () => void world.schedule(0, null, "again", again);
    world.schedule(10, null, "round and round", again);
    world.haltWhen(() => world.events === 50);
    expect(await world.run(100, () => world.events >= 50)).toBe(false);
    expect(await world.run(200)).toBe(false);
    expect([world.halted, world.events, world.nowUs]).toEqual([true, 50, 10]);
  });

  test("settles every promise of an event before the next event", async () => {
    const world = newWorld();
    const order: string[] = [];
    world.schedule(10, null, "one", async () => {
      for (let step = 0; step < 50; step++) await Promise.resolve();
      order.push("after fifty promises");
    });
    world.schedule(10, null, "two", () => order.push("next event"));
    await world.run(100);
    expect(order).toEqual(["after fifty promises", "next event"]);
  });

  test("a dead process never runs again", async () => {
    const world = newWorld();
    const process = world.spawn("node");
    let ran = 0;
    world.schedule(10, process, "before", () => ran++);
    world.schedule(20, null, "kill", () => world.kill(process));
    world.schedule(30, process, "after", () => ran++);
    await world.run(100);
    expect(ran).toBe(1);
  });

  test("a paused process is late, in order, and a timer that was cancelled meanwhile stays cancelled", async () => {
    const world = newWorld();
    const process = world.spawn("node");
    const seen: string[] = [];
    world.pause(process);
    world.schedule(10, process, "a", () => seen.push(`a ${world.nowUs}`));
    const cancel = world.schedule(20, process, "b", () => seen.push("b"));
    world.schedule(30, process, "c", () => seen.push(`c ${world.nowUs}`));
    world.schedule(40, null, "cancel", cancel);
    world.schedule(50, null, "resume", () => world.resume(process));
    await world.run(100);
    expect(seen).toEqual(["a 50", "c 50"]);
  });

  test("keeps an exception of production code as evidence", async () => {
    const world = newWorld();
    world.schedule(1, world.spawn("node-1"), "boom", () => {
      throw new Error("boom");
    });
    await world.run(10);
    expect(world.crashes).toEqual([{ process: "node-1", error: new Error("boom") }]);
  });

  test("a sealed realm has virtual timers, clocks and chance only, and gives the real ones back", async () => {
    const real = { setTimeout: globalThis.setTimeout, now: Date.now, random: Math.random };
    const draw = async () => {
      const world = newWorld();
      const unseal = sealGlobals(world, createRandom(5), () => 1000 + world.nowUs / 1000);
      try {
        const seen: number[] = [];
        setTimeout(() => seen.push(Date.now(), Math.random()), 40);
        const cancelled = setTimeout(() => seen.push(-1), 20);
        clearTimeout(cancelled);
        await world.run(1_000_000);
        return seen;
      } finally {
        unseal();
      }
    };
    const first = await draw();
    expect(first[0]).toBe(1040);
    expect(await draw()).toEqual(first);
    expect({ setTimeout: globalThis.setTimeout, now: Date.now, random: Math.random }).toEqual(real);
  });
});

describe("chance", () => {
  test("the same seed draws the same numbers, another seed others, and a fork others again", () => {
    const draw = (random: ReturnType<typeof createRandom>) => Array.from({ length: 8 }, () => random.uint32());
    expect(draw(createRandom(7))).toEqual(draw(createRandom(7)));
    expect(draw(createRandom(7))).not.toEqual(draw(createRandom(8)));
    expect(draw(createRandom(7).fork("disk"))).not.toEqual(draw(createRandom(7).fork("network")));
  });

  test("is spread evenly enough to drive faults", () => {
    const random = createRandom(3);
    const counts = [0, 0, 0, 0];
    for (let draw = 0; draw < 40_000; draw++) counts[random.below(4)]!++;
    for (const count of counts) expect(Math.abs(count - 10_000)).toBeLessThan(500);
  });
});
