import { readFileSync } from "node:fs";
import { GuardError } from "@quorumguard/sdk-node";
import { until } from "@quorumguard/testbed";
import type { Service } from "../compose/compose-file.ts";
import { inDeploy } from "../deploy-folder.ts";
import { callGrpc } from "./raw-grpc.ts";
import type { Outage, Reached, StackReport } from "./report.ts";
import { decisionsOf, metricOf, type Stack } from "./stack.ts";
import { grpcGuard, httpGuard } from "./traffic.ts";

/** Attempts of a health check before Compose calls a service unhealthy. */
const healthRetries = 3;

/** Checks the health of every service, as Compose would. */
export async function checkHealth(stack: Stack): Promise<StackReport["health"]> {
  const checked: Record<string, StackReport["health"][string]> = {};
  for (const node of stack.nodes) {
    for (let attempt = 1; attempt <= healthRetries; attempt++) {
      const result = await node.run(node.service.healthCheck);
      checked[node.service.name] = result;
      if (result.code === 0) break;
    }
  }
  for (const { service } of stack.services.values()) {
    if (!service.built) checked[service.name] = await askAsWget(service);
  }
  return checked;
}

/** What the check of an image that is not ours does: its wget may not be on this machine, where fetch asks the same. */
async function askAsWget({ name, healthCheck }: Service): Promise<StackReport["health"][string]> {
  const [url = "", ...others] = healthCheck.toReversed();
  if (others.toReversed().join(" ") !== "wget -q -O /dev/null") throw new Error(`${name}: the check is not by wget`);
  for (let attempt = 1; ; attempt++) {
    try {
      const response = await fetch(url, { signal: AbortSignal.timeout(3_000) });
      const output = await response.text();
      if (response.ok || attempt === healthRetries) return { code: response.ok ? 0 : 1, output };
    } catch (error) {
      if (attempt === healthRetries) return { code: 1, output: `${url}: ${String(error)}` };
    }
  }
}

/** Calls by every way through nginx until each node must have had its turn. */
export async function reachEveryNode(stack: Stack, grpcEndpoint: string, httpUrl: string): Promise<Reached> {
  const turns = 2 * stack.nodes.length;
  // Each guard has one stream, and each stream gets the next node.
  const guards = Array.from({ length: turns }, () => grpcGuard(grpcEndpoint));
  await Promise.all(guards.map((guard) => guard.ready({ timeoutMs: 10_000 })));
  await Promise.all(guards.map((guard, at) => guard.allow(`stream-${at}`, 10, "1m")));
  const sessionsByNode = await count(stack, (node) => metricOf(node, "quorumguard_session_streams"));

  const beforeUnary = await count(stack, decisionsOf);
  for (let at = 0; at < turns; at++) {
    // A request id takes a call out of the session: a request of its own, to the next node.
    await guards[0]!.allow("unary", 1_000, "1m", { requestId: `unary-${at}` });
  }
  const unaryByNode = difference(await count(stack, decisionsOf), beforeUnary);
  await Promise.all(guards.map((guard) => guard.close()));

  const beforeHttp = await count(stack, decisionsOf);
  const web = httpGuard(httpUrl);
  await web.ready({ timeoutMs: 10_000 });
  for (let at = 0; at < turns; at++) await web.allow("http", 1_000, "1m");
  const httpByNode = difference(await count(stack, decisionsOf), beforeHttp);
  await web.close();

  const notForwarded: number[] = [];
  for (let at = 0; at < stack.nodes.length; at++) notForwarded.push(await allowWithoutForwarding(httpUrl));
  return { sessionsByNode, unaryByNode, httpByNode, notForwarded, readmeCall: await callAsReadme(httpUrl) };
}

/** The call that README.md shows, as its line has it but for the address. */
async function callAsReadme(httpUrl: string): Promise<string> {
  const readme = readFileSync(inDeploy("README.md"), "utf8");
  const [, path = "", type = "", body = ""] =
    /curl -s http:\/\/127\.0\.0\.1:7402(\S+) -H 'content-type: (\S+)' \\\n {2}-d '(.+)'/.exec(readme) ?? [];
  const response = await fetch(httpUrl + path, { method: "POST", headers: { "content-type": type }, body });
  return response.text();
}

async function allowWithoutForwarding(httpUrl: string): Promise<number> {
  const response = await fetch(`${httpUrl}/quorumguard.v1.GuardService/Allow`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ check: { key: "direct", rule: { limit: 100, windowUs: "60000000" } }, noForward: true }),
  });
  await response.text();
  return response.status;
}

/** What nginx and the SDKs tell a caller while no node runs. */
export async function measureOutage(grpcEndpoint: string, httpUrl: string): Promise<Outage> {
  const path = "/quorumguard.v1.GuardService/Allow";
  // Right after a node's end nginx may still hold a connection that it takes for good.
  const grpc = await until("gRPC status 14", 5_000, async () => {
    const answer = await callGrpc(grpcEndpoint, path);
    return answer.grpcStatus === 14 ? answer : null;
  });
  const response = await fetch(`${httpUrl}${path}`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: "{}",
  });
  const guards = { grpc: grpcGuard(grpcEndpoint), http: httpGuard(httpUrl) };
  const errorOf = async (guard: { allow(key: string, limit: number, window: "1m"): Promise<unknown> }) => {
    try {
      return { code: `a decision: ${JSON.stringify(await guard.allow("outage", 1, "1m"))}`, applied: "yes" };
    } catch (error) {
      if (!(error instanceof GuardError) && !(error instanceof Error && "code" in error)) throw error;
      const { code, applied } = error as GuardError;
      return { code, applied };
    }
  };
  const [forGrpc, forHttp] = await Promise.all([errorOf(guards.grpc), errorOf(guards.http)]);
  await Promise.all([guards.grpc.close(), guards.http.close()]);
  return {
    grpc,
    httpStatus: response.status,
    httpBody: await response.text(),
    sdkErrors: { grpc: forGrpc, http: forHttp },
  };
}

type Counts = Readonly<Record<string, number>>;

async function count(stack: Stack, ask: (node: Stack["nodes"][number]) => Promise<number>): Promise<Counts> {
  return Object.fromEntries(
    await Promise.all(stack.nodes.map(async (node) => [node.service.name, await ask(node)] as const)),
  );
}

function difference(after: Counts, before: Counts): Counts {
  return Object.fromEntries(Object.entries(after).map(([name, value]) => [name, value - (before[name] ?? 0)]));
}
