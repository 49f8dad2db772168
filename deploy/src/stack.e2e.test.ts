import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { skipReason } from "@quorumguard/testbed";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { namespaceRefusal, spawnInNamespaces } from "./sandbox/namespaces.ts";
import type { StackReport } from "./stack/report.ts";

const driver = fileURLToPath(new URL("./stack/driver.ts", import.meta.url));

const reason = skipReason("nginx") ?? skipReason("prometheus") ?? namespaceRefusal();
const required = process.env.CI === "true";
if (reason !== null && !required) console.warn(`skipped: ${reason}`);

/** Runs the stack to its end; resolves with the driver's last line. */
async function runStack(folder: string): Promise<StackReport> {
  const words = [process.execPath, "--conditions=quorumguard-source", "--disable-warning=ExperimentalWarning", driver];
  const child = spawnInNamespaces(["env", `TMPDIR=${folder}`, ...words]);
  let output = "";
  let told = "";
  child.stdout?.on("data", (text) => {
    output += text;
  });
  child.stderr?.on("data", (text) => {
    told += text;
  });
  // Whatever ends this process ends the namespaces, and everything in them.
  const end = () => void child.kill("SIGKILL");
  process.once("exit", end);
  const timer = setTimeout(end, 110_000);
  const code = await new Promise((resolve) => child.on("close", resolve));
  clearTimeout(timer);
  process.off("exit", end);
  if (code !== 0) throw new Error(`the driver ended with ${code}:\n${told}`);
  return JSON.parse(output.trim().split("\n").at(-1) ?? "") as StackReport;
}

describe.skipIf(reason !== null && !required)("the stack of compose.yaml, by its own command lines and files", () => {
  let report: StackReport;
  let folder: string;

  beforeAll(async () => {
    if (reason !== null) throw new Error(reason);
    folder = await mkdtemp(path.join(tmpdir(), "quorumguard-stack-test-"));
    report = await runStack(folder);
  }, 120_000);

  afterAll(() => rm(folder, { recursive: true, force: true }));

  it("forms by itself, and every service passes its health check", () => {
    const nodes = ["node1", "node2", "node3", "node4", "node5"];
    expect(Object.keys(report.health)).toEqual([...nodes, "nginx", "prometheus"]);
    for (const [name, { code, output }] of Object.entries(report.health)) {
      expect(code, `${name}: ${output}`).toBe(0);
      expect(output).toContain(name === "prometheus" ? "Prometheus Server is Ready." : '"ready":true');
    }
  });

  it("gives decisions through nginx by any node: by stream, by gRPC call, by HTTP", () => {
    const { sessionsByNode, unaryByNode, httpByNode, notForwarded } = report.reached;
    for (const byNode of [sessionsByNode, unaryByNode, httpByNode]) {
      expect(Object.keys(byNode)).toHaveLength(5);
      expect(Math.min(...Object.values(byNode))).toBeGreaterThanOrEqual(1);
    }
    // Who forbids forwarding hears from four of five that they do not lead: nginx passes on a node's own answer.
    expect([...notForwarded].sort()).toEqual([200, 503, 503, 503, 503]);
    expect(JSON.parse(report.reached.readmeCall)).toMatchObject({ decision: { remaining: 2 } });
  });

  it("refuses in nginx what must not be public, by any spelling", () => {
    const refused = report.refusals.map(({ what, httpStatus, grpcStatus, told }) => [
      what,
      httpStatus,
      grpcStatus,
      told,
    ]);
    const expected = report.refusals.map(({ what }) =>
      what.startsWith("gRPC")
        ? [what, 200, 12, "not served at this address"]
        : [what, 404, null, expect.stringContaining("not served at this address")],
    );
    expect(refused).toEqual(expected);
    expect(refused.length).toBeGreaterThan(25);
  });

  it("lets nodes judge a message at the bound and just above it, and refuses a far larger one in the protocol's words", () => {
    const [atBound, above, farAbove] = report.large;
    // It holds no check, which is for a node to say.
    expect([atBound?.bytes, atBound?.grpc]).toMatchObject([1_048_576, { httpStatus: 200, grpcStatus: 3 }]);
    expect(atBound?.http).toMatchObject({ httpStatus: 400, body: expect.stringContaining("invalid_argument") });
    expect([above?.bytes, above?.grpc]).toMatchObject([1_048_577, { httpStatus: 200, grpcStatus: 8 }]);
    expect(above?.http).toMatchObject({ httpStatus: 413, body: expect.stringContaining("1,048,577 bytes") });
    // By the node that reads the length first, or by nginx.
    expect(farAbove?.grpc).toMatchObject({ httpStatus: 200, grpcStatus: 8 });
    expect(farAbove?.http.httpStatus).toBe(413);
  });

  it("loses no call and admits no more than the limit when the leader is killed under traffic", () => {
    const { killed, successor, termBefore, termAfter, streamsThroughKilled, traffic } = report.failover;
    expect(successor).not.toBe(killed);
    expect(termAfter).toBeGreaterThan(termBefore);
    expect(streamsThroughKilled).toBeGreaterThanOrEqual(1);
    for (const { calls, allowed, denied, failed, degraded, failures } of [traffic.grpc, traffic.http]) {
      expect(failures).toEqual([]);
      expect({ failed, degraded, answered: allowed + denied }).toEqual({ failed: 0, degraded: 0, answered: calls });
      expect(calls).toBeGreaterThan(900);
    }
    // Each was asked for more often than its limit, by both ports.
    const admitted = Object.values(traffic.admittedBySharedKey);
    expect(admitted).toEqual(admitted.map(() => traffic.limit));
    expect(admitted).toHaveLength(4);
    expect(report.failover.caughtUpIndex).toBeGreaterThan(0);
  });

  it("shows the failover in Prometheus, and raises the alert for the node", () => {
    const { downAlert, changesBefore, changesAfter } = report.failover;
    expect(["pending", "firing"]).toContain(downAlert);
    expect(changesAfter).toBeGreaterThan(changesBefore);
  });

  it("has data for every query of the dashboard, and evaluates every alert", () => {
    expect(report.dashboard.filter(({ numbers, series }) => numbers === 0 || numbers < series)).toEqual([]);
    expect(report.dashboard.length).toBeGreaterThan(20);
    expect(report.unknownMetrics).toEqual([]);
    expect(report.alerts.filter(({ health, lastError }) => health !== "ok" || lastError !== "")).toEqual([]);
    expect(report.alerts.length).toBeGreaterThan(5);
  });

  it("says that a call reached no node when none runs, and SDKs take it for an outage, not for a mistake", () => {
    const { grpc, httpStatus, httpBody, sdkErrors } = report.outage;
    expect(grpc).toMatchObject({ httpStatus: 200, grpcStatus: 14 });
    expect([httpStatus, JSON.parse(httpBody)]).toMatchObject([502, { code: "unavailable" }]);
    for (const { code } of Object.values(sdkErrors)) expect(["unavailable", "timed_out"]).toContain(code);
  });

  it("sends a call to one node only, and says that it may have been applied when that node vanishes with it", () => {
    const { http, grpc } = report.lostCalls;
    expect([http.received, http.status, JSON.parse(http.body)]).toMatchObject([1, 502, { code: "unknown" }]);
    expect([grpc.received, grpc.answer.httpStatus, grpc.answer.grpcStatus]).toEqual([1, 200, 2]);
  });

  it("ends with status 0 on every service's own signal, and leaves nothing behind", () => {
    const ends = Object.entries(report.ends).map(([name, { code, signal }]) => [name, code, signal]);
    expect(ends).toEqual(ends.map(([name]) => [name, 0, null]));
    expect(ends).toHaveLength(7);
    expect(report.leftovers).toBe(false);
  });
});
