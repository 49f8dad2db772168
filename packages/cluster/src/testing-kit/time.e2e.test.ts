import { createGuard } from "@quorumguard/sdk-node";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { startTestCluster, type TestCluster } from "./index.ts";
import { steadyCalls, takeAll } from "./steady-calls.fixture.ts";

const patient = { onUnavailable: "throw", timeoutMs: 60_000 } as const;
// A busy machine takes its time.
vi.setConfig({ testTimeout: 120_000, hookTimeout: 60_000 });
const minuteMs = 60_000;
const dayMs = 86_400_000;
/** What is left of a window after so much was skipped; far more than a slow machine needs, and far less than the window. */
const restMs = minuteMs;

let cluster: TestCluster;
afterEach(() => cluster.close());

describe.each([1, 3])("time moved in a cluster of %i", (nodes) => {
  beforeEach(async () => {
    const policies = {
      login: { limit: 1, window: "1h", ban: { denials: 2, window: "1h", durations: ["1d"], forgetAfter: "2d" } },
      jobs: { limit: 1, window: "1h", algorithm: "concurrency" },
    } as const;
    cluster = await startTestCluster({ nodes, clock: "virtual", policies });
  });

  it("frees a window exactly, and not before", async () => {
    const guard = cluster.createGuard(patient);
    expect(await takeAll(guard, "user", 3, "1d")).toBe(3);
    const full = await guard.allow("user", 3, "1d");
    expect(full.retryAfterMs).toBeGreaterThan(dayMs - restMs);
    await cluster.advance(full.retryAfterMs! - restMs);
    const almost = await guard.allow("user", 3, "1d");
    expect(almost).toMatchObject({ allowed: false });
    expect(almost.retryAfterMs).toBeGreaterThan(0);
    expect(almost.retryAfterMs).toBeLessThanOrEqual(restMs);
    await cluster.advance(almost.retryAfterMs!);
    expect(await guard.allow("user", 3, "1d")).toMatchObject({ allowed: true, source: "quorum" });
  });

  it("moves stamps by what it says, in small and in large", async () => {
    const guard = cluster.createGuard(patient);
    // What is taken at one moment is counted until the very end of its window, whatever the steps in between.
    expect(await takeAll(guard, "steps", 1, "1d")).toBe(1);
    const spans = ["1ms", "250ms", "1s", "59s", "1h", "10h"] as const;
    for (const span of spans) await cluster.advance(span);
    const movedMs = 1 + 250 + 1_000 + 59_000 + 11 * 60 * minuteMs;
    const { retryAfterMs } = await guard.allow("steps", 1, "1d");
    expect(retryAfterMs).toBeLessThanOrEqual(dayMs - movedMs);
    expect(retryAfterMs).toBeGreaterThan(dayMs - movedMs - restMs);
  });

  it("ends bans", async () => {
    const guard = cluster.createGuard<"login">(patient);
    const reasons = [];
    for (let call = 0; call < 4; call += 1) reasons.push((await guard.allow("user", "login")).reason);
    expect(reasons).toEqual([null, "limited", "banned", "banned"]);
    await cluster.advance("23h");
    expect(await guard.allow("user", "login")).toMatchObject({ reason: "banned" });
    await cluster.advance("1h");
    expect(await guard.allow("user", "login")).toMatchObject({ allowed: true });
  });

  it("ends holds, and tells their holders before", async () => {
    const guard = cluster.createGuard<"jobs">(patient);
    const check = { key: "queue", policy: "jobs" } as const;
    const reservation = await guard.reserve(check, { ttl: "30m" });
    if (!reservation.allowed) throw new Error("the slot is taken");
    const { signal } = reservation;
    await cluster.advance("29m");
    expect(signal.aborted).toBe(false);
    expect(await guard.reserve(check)).toMatchObject({ allowed: false });
    await cluster.advance("1m");
    expect(signal.aborted).toBe(true);
    expect(await guard.reserve(check)).toMatchObject({ allowed: true });
  });

  it("ends the wait of who waits for a turn, and leaves it until then", async () => {
    const guard = cluster.createGuard(patient);
    const check = { key: "user", limit: 1, window: "1d" } as const;
    expect(await takeAll(guard, "user", 1, "1d")).toBe(1);
    let waits = true;
    const waiting = guard.wait(check, { timeoutMs: 2 * dayMs }).finally(() => {
      waits = false;
    });
    // Behind it in the line: it has asked, and pauses.
    await expect(guard.wait(check, { timeoutMs: 1_000 })).resolves.toMatchObject({ allowed: false });
    await cluster.advance("23h");
    expect(await guard.allow("user", 1, "1d")).toMatchObject({ allowed: false });
    expect(waits).toBe(true);
    await cluster.advance("1h");
    expect(await waiting).toMatchObject({ allowed: true });
  });

  it("ends leases", async () => {
    const guard = cluster.createGuard({ ...patient, lease: true });
    const ask = async () => (await guard.allow("often", 100_000, "1h")).source;
    const calls = steadyCalls(() => guard.allow("often", 100_000, "1h"));
    while (!calls.decisions.some(({ source }) => source === "lease")) await calls.more(1);
    await calls.stop();
    await cluster.advance("10m");
    expect(await ask()).toBe("quorum");
  });

  it("keeps sessions: who holds a slot for as long as it lives holds it after any leap", async () => {
    const guard = cluster.createGuard<"jobs">(patient);
    const other = cluster.createGuard<"jobs">(patient);
    const check = { key: "queue", policy: "jobs" } as const;
    const reservation = await guard.reserve(check, { ttl: "400d" });
    expect(reservation).toMatchObject({ allowed: true });
    for (let month = 1; month <= 12; month += 1) await cluster.advance("30d");
    expect(await other.reserve(check)).toMatchObject({ allowed: false });
    await reservation[Symbol.asyncDispose]();
    expect(await other.reserve(check)).toMatchObject({ allowed: true });
  });

  it("goes on from there after all nodes were dead meanwhile", async () => {
    const guard = cluster.createGuard(patient);
    const nodeIds = cluster.topology.members.map(({ nodeId }) => nodeId);
    expect(await takeAll(guard, "user", 2, "1d")).toBe(2);
    await Promise.all(nodeIds.map((nodeId) => cluster.kill(nodeId)));
    await cluster.advance("1d");
    await Promise.all(nodeIds.map((nodeId) => cluster.restart(nodeId)));
    await cluster.waitForLeader();
    expect(await takeAll(guard, "user", 2, "1d")).toBe(2);
  });

  it("frees what a guard without its cluster counts by itself", async () => {
    const guard = cluster.createGuard({ timeoutMs: 10 });
    for (const { nodeId } of cluster.topology.members) await cluster.kill(nodeId);
    guard.on("degraded", () => {});
    const ask = async () => (await guard.allow("user", 1, "1h")).allowed;
    expect([await ask(), await ask()]).toEqual([true, false]);
    await cluster.advance("59m");
    expect(await ask()).toBe(false);
    await cluster.advance("1m");
    expect(await ask()).toBe(true);
  });
});

it("is known to whoever leads next", async () => {
  cluster = await startTestCluster({ clock: "virtual" });
  const guard = cluster.createGuard(patient);
  expect(await takeAll(guard, "user", 2, "1d")).toBe(2);
  const { retryAfterMs } = await guard.allow("user", 2, "1d");
  await cluster.advance(retryAfterMs! - restMs);
  await cluster.kill("leader");
  await cluster.waitForLeader();
  const almost = await guard.allow("user", 2, "1d");
  expect(almost).toMatchObject({ allowed: false });
  expect(almost.retryAfterMs).toBeLessThanOrEqual(restMs);
  await cluster.advance(almost.retryAfterMs!);
  expect(await guard.allow("user", 2, "1d")).toMatchObject({ allowed: true });
});

it("without a quorum is refused at once, and moves no clock", async () => {
  cluster = await startTestCluster({ clock: "virtual" });
  const others = cluster.topology.members.filter(({ nodeId }) => nodeId !== 1);
  for (const { nodeId } of others) await cluster.kill(nodeId);
  const beforeMs = cluster.clock.monotonicMs();
  await expect(cluster.advance("10d")).rejects.toThrow("none can now; restart, resume or heal some: node 1");
  expect(cluster.clock.monotonicMs() - beforeMs).toBeLessThan(dayMs);
  await cluster.restart(2);
  await cluster.advance("10d");
  expect(cluster.clock.monotonicMs() - beforeMs).toBeGreaterThan(10 * dayMs - 1);
});

it("does not run over the deadlines of calls that are under way", async () => {
  cluster = await startTestCluster({ clock: "virtual" });
  const { nodeId, endpoint } = cluster.topology.members.find(({ isLeader }) => !isLeader)!;
  await using guard = createGuard({ ...patient, endpoints: endpoint, routing: "forward", clock: cluster.clock });
  await guard.ready();
  await cluster.pause(nodeId);
  let settled = false;
  const call = guard.allow("user", 2, "1d").finally(() => {
    settled = true;
  });
  await cluster.advance("1h");
  expect(settled).toBe(false);
  await cluster.resume(nodeId);
  expect(await call).toMatchObject({ allowed: true, source: "quorum" });
});

it.each([
  [{ clock: "virtual" } as const, "90 s", /^span is "90 s": it must be milliseconds, or a text such as "90s"/],
  [{ clock: "virtual" } as const, "401d", /^span is "401d": .*up to 400d/],
  [{ clock: "virtual" } as const, -1, /^span is -1: /],
  [
    { clock: "real" } as const,
    "1m",
    /^clock is "real": time moves only with startTestCluster\(\{ clock: "virtual" \}\)/,
  ],
])("%j: advance(%j) is refused", async (options, span, message) => {
  cluster = await startTestCluster({ nodes: 1, ...options });
  await expect(cluster.advance(span as "1m")).rejects.toThrow(message);
});
