import { type LocalCluster, readToEnd, runExample, skipReason, startLocalCluster } from "@quorumguard/testbed";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { isOnPath, type ScriptName, scriptLines, startScript } from "./run-script.ts";

let cluster: LocalCluster;
beforeAll(async () => {
  cluster = await startLocalCluster();
}, 120_000);
afterAll(async () => {
  await cluster?.stop();
});

const run = (name: ScriptName) => readToEnd(startScript(name, cluster));

const allowed = (remaining: number) => ({
  decision: { outcome: "OUTCOME_ALLOWED", remaining, source: "SOURCE_QUORUM" },
});
const limited = { decision: { outcome: "OUTCOME_LIMITED", remaining: 0 } };

const withoutCurl = skipReason("curl") !== null && process.env.CI !== "true";

describe("with-curl.sh", () => {
  it.skipIf(withoutCurl)("gets the answers that its comments promise", { timeout: 120_000 }, async () => {
    const { code, stdout, stderr } = await run("with-curl.sh");
    expect([code, stderr]).toEqual([0, ""]);
    const lines = stdout.trimEnd().split("\n");
    const answers = lines.filter((line) => line.startsWith("{")).map((line) => JSON.parse(line));
    const [first, second, third, fourth, peek, batch, group, attempt, retry, mistake, topology, status, ...probes] =
      answers;
    expect([first, second, third]).toMatchObject([allowed(2), allowed(1), allowed(0)]);
    expect([fourth, peek]).toMatchObject([limited, limited]);
    const waitMs = Number(fourth.decision.retryAfterMs);
    expect(waitMs).toBeGreaterThan(0);
    expect(waitMs).toBeLessThanOrEqual(10_000);
    expect(batch.results).toMatchObject([{ allowed: true }, { allowed: false }]);
    expect(batch.results[1].decisions[0]).not.toHaveProperty("retryAfterMs");
    // Nobody was charged: user-7 keeps the 4 that the batch left.
    expect(group.results).toMatchObject([{ allowed: false, decisions: [{ remaining: 4 }, { remaining: 0 }] }]);
    expect(attempt).toMatchObject(allowed(4));
    expect(retry).toEqual(attempt);
    expect(mistake).toMatchObject({ code: "invalid_argument", details: [{ debug: { applied: "APPLIED_NO" } }] });
    expect(mistake.message).toContain("check.rule.window_us is 10");
    expect(lines).toContain("HTTP 400");
    expect(topology.topology.members.map(({ httpUrl }: { httpUrl: string }) => httpUrl)).toEqual(
      cluster.nodes.map(({ httpUrl }) => httpUrl),
    );
    const leaderId = (await cluster.waitForLeader()).nodeId;
    expect(topology.topology.groups).toMatchObject([{ leaderId: String(leaderId) }]);
    expect(status.topology).toEqual(topology.topology);
    expect(Number(status.appliedIndex)).toBeGreaterThanOrEqual(Number(retry.index));
    expect(probes).toMatchObject([{ alive: true }, { ready: true, leaderId }]);
    expect(lines.filter((line) => line.startsWith("quorumguard_decisions_total{"))).not.toEqual([]);
  });
});

/** JSON values that begin and end at the margin, between other lines. */
function answersIn(output: string): readonly unknown[] {
  return [...output.matchAll(/^\{$[\s\S]*?^\}$/gm)].map(([json]) => JSON.parse(json));
}

// grpcurl is a Go program that neither npm nor Debian 12 brings: its script runs where it is, buf curl's everywhere.
const grpcScripts: readonly ScriptName[] = [
  "with-buf-curl.sh",
  ...(isOnPath("grpcurl") ? ["with-grpcurl.sh" as const] : []),
];

describe.each(grpcScripts)("%s", (script) => {
  it("learns the services by reflection and gets decisions", { timeout: 120_000 }, async () => {
    const { code, stdout, stderr } = await run(script);
    expect(code, stderr).toBe(0);
    const lines = stdout.split("\n");
    expect(lines).toEqual(expect.arrayContaining(["quorumguard.v1.ClusterService", "quorumguard.v1.GuardService"]));
    expect(stdout).toMatch(/^quorumguard\.v1\.GuardService[./]Allow$/m);
    const [first, second, topology, health] = answersIn(stdout);
    expect([first, second]).toMatchObject([allowed(0), limited]);
    const leaderId = String((await cluster.waitForLeader()).nodeId);
    expect(topology).toMatchObject({ topology: { groups: [{ leaderId }] } });
    expect(health).toMatchObject({ status: "SERVING" });
    expect(stderr).toContain("check.rule.window_us is 10: it must be from 1,000 (1 ms)");
  });
});

it("with-grpcurl.sh and with-buf-curl.sh ask the same", () => {
  const asked = (name: ScriptName) => {
    const text = scriptLines(name)
      .join("\n")
      .replaceAll(/user-\d+/g, "USER");
    return [...text.matchAll(/-d '([^']+)'|[\w.]+\/(?:Allow|GetTopology|Check)\b/g)].map(([all, body]) => body ?? all);
  };
  expect(asked("with-grpcurl.sh")).toEqual(asked("with-buf-curl.sh"));
  expect(asked("with-grpcurl.sh")).toHaveLength(6);
});

it.skipIf(withoutCurl)("the example shows what was typed and what came of it", { timeout: 120_000 }, async () => {
  const { code, stdout, stderr } = await runExample("curl-and-grpcurl");
  expect(code, stderr).toBe(0);
  expect(stdout).toMatch(/^ {2}curl -sS "\$node\/readyz"\n {4}\{"ready":true,/m);
  expect(stdout).toMatch(/^grpcurl is (not )?on PATH/m);
  expect(stdout).toContain('      "status": "SERVING"\n');
});
