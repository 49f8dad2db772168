import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type SystemPackageName, skipReason } from "@quorumguard/testbed";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import type { Client, Outcome } from "../client.ts";
import { clients } from "../clients/index.ts";
import { AbsentSystem, type System } from "../system.ts";
import { goProgram } from "../systems/go-program.ts";
import { type SystemName, systems } from "../systems/index.ts";
import {
  type Contender,
  etcdPuts,
  etcdTransactions,
  quorumGuard,
  quorumGuardLease,
  quorumGuardNoDenialCache,
  quorumGuardUnary,
  rateLimiterFlexible,
  redisNone,
  redisNonePipelined,
  upstash,
} from "./contenders.ts";
import { measurePoints } from "./measure-points.ts";
import type { Point } from "./points.ts";
import { readUsage } from "./process-usage.ts";

async function ask(client: Client, key: string): Promise<Outcome> {
  try {
    return client.outcomeOf(await client.call(key));
  } catch (error) {
    const outcome = client.outcomeOfRejection?.(error) ?? null;
    if (outcome === null) throw error;
    return outcome;
  }
}

const rule = { limit: 3, windowMs: 3_600_000 };

const groups: readonly {
  readonly system: SystemName;
  readonly needs: SystemPackageName | null;
  readonly all: readonly Contender[];
}[] = [
  {
    ...{ system: "quorumguard", needs: null },
    all: [quorumGuard, quorumGuardNoDenialCache, quorumGuardLease, quorumGuardUnary],
  },
  {
    ...{ system: "redis-none", needs: "redis-server" },
    all: [redisNone, redisNonePipelined, rateLimiterFlexible, upstash],
  },
  { ...{ system: "redis-always", needs: "redis-server" }, all: [] },
  { ...{ system: "etcd", needs: "etcd-server" }, all: [etcdPuts, etcdTransactions] },
];

for (const { system: name, needs, all } of groups) {
  const absence = needs === null ? null : skipReason(needs);
  describe.skipIf(absence !== null)(absence ?? name, () => {
    let system: System;
    beforeAll(async () => {
      system = await systems[name]();
    });
    afterAll(() => system?.stop());

    test.each(all.map((contender) => [contender.name, contender] as const))(
      "%s keeps its limit",
      async (_, contender) => {
        const client = await clients[contender.client]({ endpoints: await system.endpoints(), rule });
        try {
          const outcomes = [];
          for (let call = 0; call < 5; call++) outcomes.push(await ask(client, `key of ${contender.name}`));
          const denied = name === "etcd" ? "allowed" : "denied";
          expect(outcomes).toEqual(["allowed", "allowed", "allowed", denied, denied]);
          expect(await ask(client, "another key")).toBe("allowed");
        } finally {
          await client.close();
        }
      },
    );

    test("what its processes use is known, and its flushes where it counts them", async () => {
      const { processes } = system.configuration;
      expect(system.pids()).toHaveLength(processes as number);
      expect((await readUsage(system.pids())).memoryBytes).toBeGreaterThan(2 ** 20);
      const flushes = await system.flushes();
      expect(flushes?.every((count) => count > 0) ?? name.startsWith("redis")).toBe(true);
    });

    if (needs === "redis-server") return;
    test("goes on without its leader, and is restored", async () => {
      const client = await clients[all[0]!.client]({ endpoints: await system.endpoints(), rule });
      try {
        await ask(client, "before");
        const before = system.pids();
        await system.leader!.kill();
        expect(system.pids()).toHaveLength(2);
        expect(await ask(client, "after")).toBe("allowed");
        await system.leader!.restore();
        expect(system.pids()).toHaveLength(3);
        expect(system.pids()).not.toEqual(before);
      } finally {
        await client.close();
        await system.leader!.restore();
      }
    });
  });
}

test("an attack by two client processes, in turns with itself: it is denied, and nobody admits too much", async () => {
  const attack: Point = {
    name: "an attack",
    keys: { kind: "attack", attackers: 2, share: 0.9 },
    rule,
    ...{ inFlight: 5, processes: 2, contenders: [redisNone] },
  };
  const { cells, absent } = await measurePoints(
    [attack],
    { repeats: 2, sampleMs: 100, warmUpMs: 50, mostWarmUps: 1, settleMs: 50 },
    () => {},
  );
  expect(absent.map(({ contender }) => contender)).toEqual(skipReason("redis-server") === null ? [] : [redisNone.name]);
  expect(cells.length + absent.length).toBe(1);
  for (const { samples, overAdmitted } of cells) {
    expect(overAdmitted).toBe(0);
    expect(samples).toHaveLength(2);
    for (const sample of samples) {
      expect(sample).toMatchObject({ degraded: 0, failed: 0, decisions: sample.allowed + sample.denied });
      expect(sample.allowed).toBeGreaterThan(0);
      expect(sample.denied).toBeGreaterThan(0);
      expect(sample.cpuUsPerDecision).toBeGreaterThanOrEqual(sample.clientCpuUsPerDecision);
    }
  }
});

test("keys of a population are judged over all samples, and each contender has its own: two clients of one kind of server admit all of it", async () => {
  const skewed: Point = {
    ...{ name: "a population", keys: { kind: "zipf", count: 200_000, exponent: 0.1 }, rule: { ...rule, limit: 1 } },
    ...{ inFlight: 5, processes: 2, contenders: [redisNone, redisNonePipelined] },
  };
  const { cells, configurations } = await measurePoints(
    [skewed],
    { repeats: 2, sampleMs: 100, warmUpMs: 50, mostWarmUps: 1, settleMs: 50 },
    () => {},
  );
  expect(cells.map(({ contender }) => contender)).toEqual(Object.keys(configurations));
  for (const { samples, overAdmitted } of cells) {
    expect(overAdmitted).toBe(0);
    // Members are drawn by the sample's number: who came second would be denied what the first one was allowed.
    for (const { allowed, decisions } of samples) expect(allowed / decisions).toBeGreaterThan(0.5);
  }
});

test("a Go program that cannot be built is absent, with what go says", async () => {
  const home = await mkdtemp(join(tmpdir(), "quorumguard-bench-home-"));
  vi.stubEnv("HOME", home);
  vi.stubEnv("GOPROXY", "off");
  try {
    const absence = await goProgram({ path: "quorumguard.invalid/command", version: "v1.0.0", sums: [] }).catch(
      (error) => error,
    );
    expect(absence).toBeInstanceOf(AbsentSystem);
    expect(String(absence)).toMatch(
      /go get quorumguard\.invalid\/command@v1\.0\.0: (the module could not be downloaded: .*GOPROXY=off|there is no go on this machine)$/,
    );
  } finally {
    vi.unstubAllEnvs();
    await rm(home, { recursive: true, force: true });
  }
});
