import { type LocalCluster, startLocalCluster } from "@quorumguard/testbed";
import { afterAll, beforeAll, expect, it } from "vitest";
import { version } from "./version.ts";

let cluster: LocalCluster;

beforeAll(async () => {
  cluster = await startLocalCluster();
}, 120_000);
afterAll(() => cluster?.stop());

/** A node's metrics by name and labels, as Prometheus would read them. */
async function scrape(nodeId: number): Promise<Map<string, number>> {
  const text = await (await fetch(cluster.nodes[nodeId - 1]!.metricsUrl)).text();
  const samples = text.split("\n").filter((line) => line !== "" && !line.startsWith("#"));
  return new Map(
    samples.map((line) => [line.slice(0, line.lastIndexOf(" ")), Number(line.slice(line.lastIndexOf(" ") + 1))]),
  );
}

async function post<T>(nodeId: number, method: string, body: object): Promise<T> {
  const response = await fetch(`${cluster.nodes[nodeId - 1]!.httpUrl}/quorumguard.v1.GuardService/${method}`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(body),
  });
  expect(response.status).toBe(200);
  return (await response.json()) as T;
}

const check = (key: string) => ({ key, rule: { limit: 2, windowUs: "3600000000" } });

async function allow(nodeId: number, key: string, requestId = ""): Promise<string> {
  const answer = await post<{ decision: { outcome: string } }>(nodeId, "Allow", { check: check(key), requestId });
  return answer.decision.outcome;
}

/** A histogram's buckets never fall from one bound to the next, and the last holds everything. */
function expectHistogram(samples: Map<string, number>, name: string, count: number): void {
  const buckets = [...samples].filter(([key]) => key.startsWith(`${name}_bucket`)).map(([, value]) => value);
  expect(buckets).toEqual([...buckets].sort((a, b) => a - b));
  expect(buckets.at(-1)).toBe(count);
  expect(samples.get(`${name}_count`)).toBe(count);
  expect(samples.get(`${name}_sum`)).toBeGreaterThan(0);
}

it("what every node's metrics say is true, before a failover and after it", { timeout: 120_000 }, async () => {
  const first = await cluster.waitForLeader();
  // Three calls at every node, one key: two are admitted in all, wherever they came in.
  const outcomes: string[] = [];
  for (let call = 0; call < 9; call++) outcomes.push(await allow((call % 3) + 1, "shared"));
  expect(outcomes.filter((outcome) => outcome === "OUTCOME_ALLOWED")).toHaveLength(2);
  await cluster.waitUntilCaughtUp();

  const before = await Promise.all([1, 2, 3].map(scrape));
  const sum = (name: string) => before.reduce((total, samples) => total + (samples.get(name) ?? Number.NaN), 0);
  expect(sum('quorumguard_decisions_total{outcome="allowed",source="quorum"}')).toBe(2);
  expect(
    sum('quorumguard_decisions_total{outcome="limited",source="quorum"}') +
      sum('quorumguard_decisions_total{outcome="limited",source="leader"}'),
  ).toBe(7);
  expect(sum("quorumguard_raft_leader")).toBe(1);
  for (const [at, samples] of before.entries()) {
    expect(samples.get("quorumguard_raft_leader")).toBe(at + 1 === first.leaderId ? 1 : 0);
    expect(samples.get("quorumguard_raft_leader_id")).toBe(first.leaderId);
    expect(samples.get("quorumguard_raft_term")).toBe(first.term);
    expect(samples.get("quorumguard_keys")).toBe(1);
    expect(samples.get("quorumguard_ready")).toBe(1);
    expect(samples.get('quorumguard_failed_calls_total{reason="unavailable"}')).toBe(0);
    expect(samples.get(`quorumguard_build_info{version="${version}",node_version="${process.version}"}`)).toBe(1);
    expectHistogram(samples, "quorumguard_decision_seconds", 3);
    expectHistogram(samples, "quorumguard_flush_duration_seconds", samples.get("quorumguard_flushes_total")!);
  }

  await cluster.kill(first.leaderId);
  const second = await cluster.waitForLeader();
  expect(second.leaderId).not.toBe(first.leaderId);
  await cluster.restart(first.leaderId);
  await cluster.waitUntilCaughtUp();

  const after = await Promise.all([1, 2, 3].map(scrape));
  for (const [at, samples] of after.entries()) {
    const nodeId = at + 1;
    expect(samples.get("quorumguard_raft_leader")).toBe(nodeId === second.leaderId ? 1 : 0);
    expect(samples.get("quorumguard_raft_leader_id")).toBe(second.leaderId);
    expect(samples.get("quorumguard_raft_term")).toBe(second.term);
    expect(samples.get("quorumguard_keys")).toBe(1);
    expect(samples.get("quorumguard_raft_applied_index")).toBeGreaterThanOrEqual(second.commitIndex);
    if (nodeId === first.leaderId) continue;
    expect(samples.get("quorumguard_leader_changes_total")).toBe(
      before[at]!.get("quorumguard_leader_changes_total")! + 1,
    );
  }
});

it("what was allowed is what was admitted, at the leader and at followers", { timeout: 120_000 }, async () => {
  for (const key of ["full", "full"]) await allow(1, key);
  for (const nodeId of [1, 2, 3]) {
    const before = await scrape(nodeId);
    const group = { checks: [check("full"), check(`free-${nodeId}`)] };
    const { results } = await post<{ results: { allowed?: boolean }[] }>(nodeId, "AllowBatch", { calls: [group] });
    expect(results).toMatchObject([{ allowed: false }]);
    for (let attempt = 0; attempt < 3; attempt++) await allow(nodeId, `free-${nodeId}`, `request-${nodeId}`);
    const after = await scrape(nodeId);
    const rise = (name: string) => (after.get(name) ?? 0) - (before.get(name) ?? 0);
    expect(rise('quorumguard_decisions_total{outcome="allowed",source="quorum"}')).toBe(1);
    expect(rise('quorumguard_decisions_total{outcome="limited",source="quorum"}')).toBe(1);
    expect(rise('quorumguard_decisions_total{outcome="group-denied",source="quorum"}')).toBe(1);
    expect(rise("quorumguard_repeated_answers_total")).toBe(2);
    expect(rise("quorumguard_decision_seconds_count")).toBe(5);
  }
});

it("a survivor that knows no leader says so by /readyz and by its metrics, until one leads again", {
  timeout: 120_000,
}, async () => {
  const { leaderId } = await cluster.waitForLeader();
  const survivorId = (leaderId % 3) + 1;
  const others = [1, 2, 3].filter((nodeId) => nodeId !== survivorId);
  const readiness = async () => {
    const { status } = await fetch(`${cluster.nodes[survivorId - 1]!.httpUrl}/readyz`);
    const samples = await scrape(survivorId);
    return [status, samples.get("quorumguard_ready"), samples.get("quorumguard_raft_leader_id")];
  };
  expect(await readiness()).toEqual([200, 1, leaderId]);
  await Promise.all(others.map((nodeId) => cluster.kill(nodeId)));
  await expect.poll(readiness, { timeout: 50_000 }).toEqual([503, 0, 0]);
  await Promise.all(others.map((nodeId) => cluster.restart(nodeId)));
  const { leaderId: nextId } = await cluster.waitForLeader();
  await expect.poll(readiness, { timeout: 50_000 }).toEqual([200, 1, nextId]);
});
