import { readFileSync } from "node:fs";
import { skipReason } from "@quorumguard/testbed";
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { pause, resume } from "../pauses.ts";
import type { System } from "../system.ts";
import { systems } from "../systems/index.ts";
import { type Contender, etcdPuts, quorumGuard, redisNone } from "./contenders.ts";
import type { Point } from "./points.ts";
import { Runner } from "./runner.ts";

const warmUp = { warmUpMs: 50, mostWarmUps: 1, settleMs: 50 };

const needs = { quorumguard: null, "redis-none": "redis-server", etcd: "etcd-server" } as const;

/** As Linux has it: `T` of who was stopped. */
const stateOf = (pid: number) => /\) (\S)/.exec(readFileSync(`/proc/${pid}/stat`, "utf8"))![1]!;

const pointOf = (contender: Contender): Point => ({
  ...{ name: "a few callers", keys: { kind: "unique" }, rule: { limit: 3, windowMs: 60_000 } },
  ...{ inFlight: 4, processes: 2, contenders: [contender] },
});

for (const contender of [quorumGuard, redisNone, etcdPuts]) {
  const need = needs[contender.system as keyof typeof needs];
  const absence = need === null ? null : skipReason(need);
  describe.skipIf(absence !== null)(absence ?? contender.name, () => {
    let system: System;
    beforeAll(async () => {
      system = await systems[contender.system]();
    });
    afterAll(async () => {
      resume(system.pids());
      await system.stop();
    });
    const states = () => new Set(system.pids().map(stateOf));
    const open = async () => {
      const runner = await Runner.open(pointOf(contender), contender, system, warmUp);
      onTestFinished(() => runner.close());
      return runner;
    };
    // A signal is sent before it is heard.
    const untilStill = () => expect.poll(states).toEqual(new Set("T"));

    test("stands still but while it is measured, and then nothing fails", async () => {
      pause(system.pids());
      await untilStill();
      const runner = await open();
      await untilStill();
      const sample = await runner.measure(100, 0);
      expect(sample).toMatchObject({ failed: 0, degraded: 0 });
      await untilStill();
      expect(runner.cell()).toMatchObject({ contender: contender.name, samples: [sample] });
    });

    // A lone Redis has no leader that another one could follow.
    if (contender === redisNone) return;
    test("asks who leads now, where that is another one", async () => {
      const runner = await open();
      resume(system.pids());
      const [before] = await system.endpoints();
      await system.leader!.kill();
      await system.leader!.restore();
      const [after] = await system.endpoints();
      expect(await runner.measure(100, 0)).toMatchObject({ failed: 0, degraded: 0 });
      // A second warming up tells that its clients are new.
      expect(runner.cell().warmUpRates).toHaveLength(after === before ? 1 : 2);
    });
  });
}
