import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { startTestCluster, type TestCluster } from "./index.ts";
import { type SteadyCalls, steadyCalls, takeAll } from "./steady-calls.fixture.ts";

const patient = { onUnavailable: "throw", timeoutMs: 60_000 } as const;
// A busy machine takes its time.
vi.setConfig({ testTimeout: 120_000, hookTimeout: 60_000 });
const limit = 100_000;
let cluster: TestCluster;
let calls: SteadyCalls;

beforeEach(async () => {
  cluster = await startTestCluster();
  const guard = cluster.createGuard(patient);
  calls = steadyCalls(() => guard.allow("steady", limit, "1d"));
  await calls.more(20);
});
afterEach(async () => {
  await calls.stop();
  await cluster.close();
});

/** No call failed, none was decided without the cluster, and each was counted once. */
async function expectNoneHurt(): Promise<void> {
  await calls.more(20);
  await calls.stop();
  expect(calls.errors).toEqual([]);
  expect(calls.decisions.filter(({ degraded, allowed }) => degraded || !allowed)).toEqual([]);
  const guard = cluster.createGuard(patient);
  const { remaining } = await guard.peek({ key: "steady", limit, window: "1d" });
  expect(remaining).toBe(limit - calls.decisions.length);
}

it("kill: another node leads, no call fails, and the killed node comes back as a follower", async () => {
  const killed = await cluster.kill("leader");
  expect(cluster.topology.members.find(({ nodeId }) => nodeId === killed)?.state).toBe("killed");
  const next = await cluster.waitForLeader();
  expect(next).not.toBe(killed);
  await calls.more(20);
  await cluster.restart(killed);
  await cluster.waitForLeader();
  expect(cluster.topology.members.map(({ state }) => state)).toEqual(["running", "running", "running"]);
  await expectNoneHurt();
});

it("kill of all nodes at once: what was acknowledged is on their disks", async () => {
  await calls.stop();
  const guard = cluster.createGuard(patient);
  expect(await takeAll(guard, "full", 7, "1d")).toBe(7);
  await Promise.all([1, 2, 3].map((nodeId) => cluster.kill(nodeId)));
  expect(cluster.leader).toBeNull();
  const unheard = cluster.createGuard({ onUnavailable: "throw", timeoutMs: 200 });
  await expect(unheard.allow("full", 7, "1d")).rejects.toMatchObject({ name: "GuardError" });
  await Promise.all([1, 2, 3].map((nodeId) => cluster.restart(nodeId)));
  await cluster.waitForLeader();
  expect(await takeAll(guard, "full", 7, "1d")).toBe(0);
});

it("restart of every node in turn: a rolling restart that no call notices", async () => {
  const endpoints = [...cluster.endpoints];
  for (const nodeId of [1, 2, 3]) {
    await cluster.restart(nodeId);
    await cluster.waitForLeader();
    await calls.more(20);
  }
  expect(cluster.endpoints).toEqual(endpoints);
  await expectNoneHurt();
});

it("partition of the leader: the others elect one, calls go on, and after heal it follows", async () => {
  const cut = cluster.leader!;
  const { term } = cluster.topology;
  await cluster.partition([[cut]]);
  const next = await cluster.waitForLeader();
  expect(next).not.toBe(cut);
  expect(cluster.topology.term).toBeGreaterThan(term);
  await calls.more(20);
  await cluster.heal();
  expect(await cluster.waitForLeader()).toBe(next);
  await expectNoneHurt();
});

it("partition of all from each other: nobody decides, and waitForLeader says who is there", async () => {
  await calls.stop();
  await cluster.partition([[1], [2], [3]]);
  const impatient = cluster.createGuard({ onUnavailable: "throw", timeoutMs: 2_000 });
  await expect(impatient.allow("cut", 5, "1d")).rejects.toMatchObject({ name: "GuardError" });
  await expect(cluster.waitForLeader({ timeoutMs: 50 })).rejects.toThrow(
    /no node leads a quorum after 50 ms; restart, resume or heal some: node 1: \w+, node 2/,
  );
  await cluster.heal();
  await cluster.waitForLeader();
  const guard = cluster.createGuard(patient);
  expect(await guard.allow("cut", 5, "1d")).toMatchObject({ source: "quorum" });
});

it("pause: the node answers nothing, another one leads, and it follows once it is resumed", async () => {
  const paused = await cluster.pause("leader");
  const alone = cluster.topology.members.find(({ nodeId }) => nodeId === paused)!;
  const answer = fetch(new URL("/healthz", alone.httpUrl)).then(({ status }) => status);
  expect(await cluster.waitForLeader()).not.toBe(paused);
  await calls.more(20);
  // Its machine took the connection, and nobody has read from it.
  expect(await Promise.race([answer, calls.more(20).then(() => "nothing yet")])).toBe("nothing yet");
  await cluster.resume(paused);
  expect(await answer).toBe(200);
  await cluster.waitForLeader();
  await expectNoneHurt();
});

it("stallDisk: a leader whose flushes do not end hands over, and no call fails", async () => {
  const stalled = await cluster.stallDisk("leader");
  while ((await cluster.waitForLeader()) === stalled) await calls.more(1);
  await calls.more(20);
  await cluster.resumeDisk(stalled);
  await expectNoneHurt();
});

it("restart of a node whose disk is stalled: it is killed, and starts on what its disk holds", async () => {
  const nodeId = (cluster.leader! % 3) + 1;
  await cluster.stallDisk(nodeId);
  await cluster.restart(nodeId);
  await cluster.waitForLeader();
  expect(cluster.topology.members.map(({ state }) => state)).toEqual(["running", "running", "running"]);
  await expectNoneHurt();
});

it("without a quorum, what needs a leader is refused at once and says what to do", async () => {
  await calls.stop();
  await cluster.pause(1);
  await cluster.kill(2);
  const says =
    /^no node leads a quorum, and none can now; restart, resume or heal some: node 1: paused, node 2: killed/;
  // Other words than those of a wait that is over.
  await expect(cluster.kill("leader")).rejects.toThrow(says);
  await expect(cluster.setPolicies({})).rejects.toThrow(says);
  await expect(cluster.transferLeader()).rejects.toThrow(says);
  await cluster.resume(1);
  await cluster.waitForLeader();
});

it("transferLeader: the node that is named leads", async () => {
  const next = (cluster.leader! % 3) + 1;
  expect(await cluster.transferLeader(next)).toBe(next);
  expect(cluster.topology.members.filter(({ isLeader }) => isLeader).map(({ nodeId }) => nodeId)).toEqual([next]);
  await expectNoneHurt();
});
