import { describe, expect, test } from "vitest";
import { createGuardCore } from "../create-guard-core.ts";
import type { GuardEvent } from "../surface/guard.ts";
import type { GuardError } from "../surface/guard-error.ts";
import { ScriptedCluster } from "../testing/scripted-cluster.ts";
import { VirtualRuntime } from "../testing/virtual-runtime.ts";
import { TransportError } from "../transport.ts";

/** A guard over the first `seeds` of three nodes. */
function scene(seeds = 3) {
  const warned: string[] = [];
  const cluster = new ScriptedCluster();
  const runtime = new VirtualRuntime();
  const endpoints = cluster.nodes.slice(0, seeds).map((node) => node.endpoint);
  const guard = createGuardCore({ endpoints, onUnavailable: "throw", timeoutMs: 1_000 }, cluster, runtime, {
    defaultEndpoints: endpoints,
    client: "test",
    endpointOf: (member) => member.grpcEndpoint,
    warn: (message) => warned.push(message),
  });
  const told: GuardEvent[] = [];
  const stopListening = guard.on("misconfigured", (event) => told.push(event));
  /** The call's end, and how much time passed until then. */
  const call = async (): Promise<{ readonly end: unknown; readonly tookMs: number }> => {
    const startMs = runtime.nowMs;
    let tookMs = 0;
    const end = guard
      .allow("k", 5, "1m")
      .catch((error: unknown) => error)
      .finally(() => {
        tookMs = runtime.nowMs - startMs;
      });
    await runtime.pass(1_500);
    return { end: await end, tookMs };
  };
  return { cluster, runtime, guard, told, warned, stopListening, call };
}

const mistake = (endpoint: string) => new TransportError("misconfigured", `${endpoint}: a web page`);
const refused = (endpoint: string) => new TransportError("not-sent", `${endpoint}: connection refused`);

describe("mistaken endpoints", () => {
  test("beside one that serves: calls are decided, and each mistake is told once", async () => {
    const { cluster, told, call } = scene();
    for (const node of cluster.nodes.slice(1)) node.down = mistake(node.endpoint);
    for (let i = 0; i < 3; i++) expect((await call()).end).toMatchObject({ allowed: true });
    expect(told.map((event) => event.type === "misconfigured" && event.endpoint)).toEqual(["n2:7400", "n3:7400"]);
  });

  test("where nobody listens each is warned of, once", async () => {
    const heard = scene();
    const unheard = scene();
    unheard.stopListening();
    for (const { cluster, call } of [heard, unheard]) {
      cluster.nodes[1]!.down = mistake("n2:7400");
      for (let i = 0; i < 3; i++) expect((await call()).end).toMatchObject({ allowed: true });
    }
    expect(heard.warned).toEqual([]);
    expect(unheard.warned).toEqual(["one of the guard's endpoints is a mistake, and is left out: n2:7400: a web page"]);
  });

  test("beside ones that are down: unavailable, whose message names both troubles", async () => {
    const { cluster, call } = scene();
    cluster.nodes.forEach((node, at) => {
      node.down = at === 0 ? mistake(node.endpoint) : refused(node.endpoint);
    });
    const { end } = await call();
    expect(end).toMatchObject({ code: "unavailable", applied: "no" });
    expect((end as GuardError).message).toMatch(/a web page.*connection refused/);
  });

  test("all of them: misconfigured at once, with each one's mistake; and no longer once they are only down", async () => {
    const { cluster, told, call } = scene();
    for (const node of cluster.nodes) node.down = mistake(node.endpoint);
    const { end, tookMs } = await call();
    expect(end).toMatchObject({ code: "misconfigured", message: expect.stringMatching(/n1.*; n2.*; n3/) });
    expect(tookMs).toBeLessThan(10);
    expect(told).toEqual([]);
    for (const node of cluster.nodes) node.down = refused(node.endpoint);
    await call();
    expect((await call()).end).toMatchObject({ code: "unavailable" });
    for (const node of cluster.nodes) node.down = null;
    await call();
    expect((await call()).end).toMatchObject({ allowed: true });
  });

  test("a refused token is every node's answer", async () => {
    const { cluster, call } = scene();
    cluster.nodes.forEach((node, at) => {
      node.down =
        at === 0 ? new TransportError("misconfigured", "unauthenticated: who are you") : refused(node.endpoint);
    });
    expect((await call()).end).toMatchObject({ code: "unauthenticated" });
  });
});

test("a leader whose address leads nowhere is reached through another node, well within the default deadline", async () => {
  const { cluster, runtime, call } = scene(1);
  cluster.leaderId = 2;
  cluster.nodes[1]!.down = refused("n2:7400");
  const { end, tookMs } = await call();
  expect(end).toMatchObject({ allowed: true });
  expect(tookMs).toBeLessThanOrEqual(200);
  expect(cluster.nodes.flatMap((node) => node.noForward)).toContain(false);
  expect(runtime.keepsAlive).toBe(false);
});

describe("endpoints where nobody ever was", () => {
  const remedy = "is one running?";
  const nobody = (endpoint: string) => new TransportError("not-sent", `${endpoint}: refused`, { remedy });
  const messageOf = ({ end }: { readonly end: unknown }) => (end as GuardError).message;

  test("all of them: what to do is said once, behind them", async () => {
    const { cluster, call } = scene();
    for (const node of cluster.nodes) node.down = nobody(node.endpoint);
    expect(messageOf(await call())).toContain(
      "(n1:7400: refused; n2:7400: refused; n3:7400: refused; is one running?)",
    );
  });

  test("some of them: somebody is there, and the question is not asked", async () => {
    const { cluster, call } = scene();
    cluster.nodes.forEach((node, at) => {
      node.down = at === 0 ? mistake(node.endpoint) : nobody(node.endpoint);
    });
    expect(messageOf(await call())).toMatch(/a web page; n2:7400: refused; n3:7400: refused\)$/);
  });
});

test("a node that is gone is dialled once at once, and then seldom while another answers: survivors have an election to run", async () => {
  const { cluster, runtime, guard, call } = scene();
  await call();
  cluster.leaderId = 0;
  const [leader] = cluster.nodes;
  leader!.kill();
  const killedMs = runtime.nowMs;
  const dials = () => cluster.log.filter((line) => line === `open ${leader!.endpoint}`).length;
  const before = dials();
  const waiting = guard.allow("k", 5, "1m");
  await runtime.pass(45);
  expect(dials() - before).toBe(1);
  cluster.elect(2);
  expect(await waiting).toMatchObject({ allowed: true });
  await runtime.pass(killedMs + 500 - runtime.nowMs);
  expect(dials() - before).toBeLessThanOrEqual(10);
  leader!.down = null;
  await runtime.pass(1_100);
  expect(leader!.streams.size).toBe(1);
});
