import { spawn } from "node:child_process";
import { once } from "node:events";
import { connect } from "node:net";
import { fileURLToPath } from "node:url";
import { createGuard } from "@quorumguard/sdk-node";
import { afterEach, describe, expect, it, vi } from "vitest";
import { startTestCluster, type TestCluster, type TestClusterOptions } from "./index.ts";

const patient = { onUnavailable: "throw", timeoutMs: 60_000 } as const;
// A busy machine takes its time.
vi.setConfig({ testTimeout: 120_000, hookTimeout: 60_000 });
const clusters: TestCluster[] = [];
afterEach(async () => {
  await Promise.all(clusters.splice(0).map((cluster) => cluster.close()));
});

async function start(options?: TestClusterOptions): Promise<TestCluster> {
  const cluster = await startTestCluster(options);
  clusters.push(cluster);
  return cluster;
}

async function refuses(endpoint: string): Promise<boolean> {
  const { hostname: host, port } = new URL(`tcp://${endpoint.replace("http://", "")}`);
  const socket = connect({ host, port: Number(port) });
  try {
    await once(socket, "connect");
    return false;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "ECONNREFUSED";
  } finally {
    socket.destroy();
  }
}

it("three nodes lead and decide once the start resolves, for any guard that is given their endpoints", async () => {
  const cluster = await start();
  const { leaderId, term, members } = cluster.topology;
  expect(members.map(({ nodeId, state }) => [nodeId, state])).toEqual([1, 2, 3].map((nodeId) => [nodeId, "running"]));
  expect(members.filter(({ isLeader }) => isLeader)).toHaveLength(1);
  expect([leaderId, term > 0]).toEqual([cluster.leader, true]);
  await using guard = createGuard({ ...patient, endpoints: cluster.endpoints });
  expect(await guard.allow("user:1", 5, "1m")).toMatchObject({ allowed: true, remaining: 4, source: "quorum" });
  expect(await cluster.createGuard(patient).allow("user:1", 5, "1m")).toMatchObject({ remaining: 3 });
});

it("every node answers on its HTTP address, and says that it is ready", async () => {
  const cluster = await start();
  for (const { httpUrl } of cluster.topology.members) {
    expect((await fetch(new URL("/healthz", httpUrl))).status).toBe(200);
  }
});

it("clusters of one process know nothing of each other", async () => {
  const [one, other] = await Promise.all([
    start({ nodes: 1, clock: "virtual" }),
    start({ nodes: 1, clock: "virtual" }),
  ]);
  const [guard, stranger] = [one.createGuard(patient), other.createGuard(patient)];
  for (const asked of [guard, stranger]) expect(await asked.allow("k", 1, "1h")).toMatchObject({ allowed: true });
  await one.advance("1h");
  expect(await guard.allow("k", 1, "1h")).toMatchObject({ allowed: true });
  expect(await stranger.allow("k", 1, "1h")).toMatchObject({ allowed: false });
});

describe("policies", () => {
  it("are in force at once, and can be set anew", async () => {
    const cluster = await start({ nodes: 1, policies: { login: { limit: 2, window: "1h" } } });
    const guard = cluster.createGuard<"login" | "search">(patient);
    expect(await guard.allow("user", "login")).toMatchObject({ limit: 2, policy: "login" });
    await cluster.setPolicies({ login: { limit: 7, window: "1h" }, search: { limit: 1, window: "1s" } });
    expect(await guard.allow("user", "login")).toMatchObject({ limit: 7, remaining: 5 });
    expect(await guard.allow("user", "search")).toMatchObject({ limit: 1 });
  });

  it("may be all that a file holds, in its own namespace", async () => {
    const policyFile =
      "namespace: shop\npolicies: [{ name: login, limit: 3, window: 1h }]\nlists: [{ list: deny, match: key, value: eve }]";
    const cluster = await start({ nodes: 1, policyFile });
    const guard = cluster.createGuard<"login">({ ...patient, namespace: "shop" });
    expect(await guard.allow("user", "login")).toMatchObject({ limit: 3 });
    expect(await guard.allow("eve", "login")).toMatchObject({ reason: "blocked" });
  });

  it("are of the namespace that the cluster was started with, also those that are set later", async () => {
    const cluster = await start({ nodes: 1, namespace: "shop" });
    await cluster.setPolicies({ login: { limit: 3, window: "1h" } });
    const guard = cluster.createGuard<"login">({ ...patient, namespace: "shop" });
    expect(await guard.allow("user", "login")).toMatchObject({ limit: 3 });
  });

  it("have windows of any span: milliseconds, or parts of a unit", async () => {
    const policies = {
      minute: { limit: 1, window: 60_000 },
      half: { limit: 1, window: "1.5h" },
      odd: { limit: 1, window: "1.1h" },
    } as const;
    const cluster = await start({ nodes: 1, policies });
    const guard = cluster.createGuard<keyof typeof policies>(patient);
    const windowMs = async (name: keyof typeof policies) => {
      await guard.allow("user", name);
      return (await guard.allow("user", name)).retryAfterMs;
    };
    for (const [name, ms] of [
      ["minute", 60_000],
      ["half", 5_400_000],
      ["odd", 3_960_000],
    ] as const) {
      const retryAfterMs = await windowMs(name);
      expect(retryAfterMs).toBeLessThanOrEqual(ms);
      expect(retryAfterMs).toBeGreaterThan(ms / 2);
    }
  });
});

it.each<[unknown, RegExp]>([
  [{ nodes: 0 }, /^nodes is 0: it must be a whole number from 1 to 9/],
  [{ clock: "fake" }, /^clock is "fake": it must be real or virtual/],
  [{ node: 3 }, /^node is unknown: the options are nodes, clock/],
  [{ policies: { login: { limit: -1, window: "1h" } } }, /policies\[0\]\.limit/],
  [
    { policies: { login: { limit: 1, window: "1.5w" } } },
    /^policies\.login\.window is "1\.5w": it must be milliseconds/,
  ],
  [{ policies: { login: { limit: 1, window: 0 } } }, /policies\[0\]\.window/],
  [{ policies: { login: null } }, /policies\[0\]/],
  [{ policies: {}, policyFile: "" }, /^policyFile is given beside policies: give one of them/],
  [{ nodes: 1, bounds: { maxKeys: 0 } }, /^bounds\.maxKeys is 0: /],
])("%j is refused", async (options, message) => {
  await expect(startTestCluster(options as TestClusterOptions)).rejects.toThrow(message);
});

it("a node that does not exist is named, with those that do, and one that does not run cannot stand still", async () => {
  const cluster = await start({ nodes: 1 });
  await expect(cluster.kill(4)).rejects.toThrow('node is 4: it must be "leader" or one of 1');
  await cluster.kill(1);
  await cluster.kill(1);
  await expect(cluster.pause(1)).rejects.toThrow("node is 1: it is killed; restart it first");
  await expect(cluster.stallDisk(1)).rejects.toThrow("node is 1: it is killed; restart it first");
});

it("close frees every port and closes the guards; what is asked afterwards is refused", async () => {
  const cluster = await start();
  const guard = cluster.createGuard(patient);
  await guard.allow("user:1", 5, "1m");
  await cluster.pause(cluster.leader!);
  const { members } = cluster.topology;
  await Promise.all([cluster.close(), cluster.close()]);
  for (const { endpoint, httpUrl } of members)
    expect([await refuses(endpoint), await refuses(httpUrl)]).toEqual([true, true]);
  await expect(guard.allow("user:1", 5, "1m")).rejects.toMatchObject({ code: "closed" });
  await expect(cluster.kill(1)).rejects.toThrow("the test cluster is closed");
  expect(() => cluster.createGuard()).toThrow("the test cluster is closed");
});

it("a process ends by itself after its cluster, whatever was done to it", async () => {
  const script = fileURLToPath(new URL("./whole-life.fixture.ts", import.meta.url));
  const child = spawn(process.execPath, ["--conditions=quorumguard-source", script], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const printed: Buffer[] = [];
  child.stdout.on("data", (chunk: Buffer) => printed.push(chunk));
  const [code] = await once(child, "close");
  expect(Buffer.concat(printed).toString()).toBe("left: \n");
  expect(code).toBe(0);
});
