/**
 * Runs the stack and tries it out, as the first process of private namespaces (see ../sandbox/namespaces.ts). The last
 * line of its standard output is what it saw, as JSON; what to think of it is for the test to say.
 */
import { loseCalls } from "./lost-calls.ts";
import { checkHealth, measureOutage, reachEveryNode } from "./probes.ts";
import { PrometheusClient } from "./prometheus-client.ts";
import { sendLarge, tryRefused } from "./refusals.ts";
import type { StackReport } from "./report.ts";
import { Stack } from "./stack.ts";
import { askDashboard, findUnknownMetrics, watchFailover } from "./watched.ts";

const grpcEndpoint = "nginx:8400";
const httpUrl = "http://nginx:8402";

function progress(text: string): void {
  process.stderr.write(`${(performance.now() / 1_000).toFixed(1)} s: ${text}\n`);
}

async function drive(stack: Stack): Promise<StackReport> {
  const prometheus = new PrometheusClient("http://prometheus:9090");
  const formed = await stack.untilFormed();
  const formedMs = performance.now();
  progress(`formed, ${formed.name} leads`);
  const health = await checkHealth(stack);
  const reached = await reachEveryNode(stack, grpcEndpoint, httpUrl);
  progress("every node was reached through nginx");
  const refusals = await tryRefused(grpcEndpoint, httpUrl);
  const large = await sendLarge([1_048_576, 1_048_577, 4_194_304], { grpcEndpoint, httpUrl });
  progress("refusals tried");
  const failover = await watchFailover(stack, prometheus, { grpcEndpoint, httpUrl, progress });
  const dashboard = await askDashboard(prometheus);
  const unknownMetrics = await findUnknownMetrics(prometheus);
  progress("dashboard asked");
  const alerts = await prometheus.alerts();
  const nodeNames = stack.nodes.map(({ service }) => service.name);
  const nodeEnds = await stack.stop(nodeNames);
  const outage = await measureOutage(grpcEndpoint, httpUrl);
  const hosts = stack.nodes.map(({ service }) => service.hostname);
  const lostCalls = await loseCalls(hosts, { grpcEndpoint, httpUrl });
  const otherEnds = await stack.stop([...stack.services.keys()].filter((name) => !nodeNames.includes(name)));
  progress("stopped");
  return {
    formedMs,
    health,
    reached,
    refusals,
    large,
    failover,
    dashboard,
    unknownMetrics,
    alerts,
    outage,
    lostCalls,
    ends: { ...nodeEnds, ...otherEnds },
    leftovers: anyLeftover(),
  };
}

/** True if a process but this one lives in the namespace. */
function anyLeftover(): boolean {
  try {
    return process.kill(-1, 0);
  } catch {
    return false;
  }
}

const stack = await Stack.start();
try {
  const report = await drive(stack);
  await stack.remove();
  process.stdout.write(`${JSON.stringify(report)}\n`);
} catch (error) {
  for (const service of stack.services.values()) {
    process.stderr.write(`--- ${service.service.name}${service.running ? "" : " (ended)"}\n${service.output}\n`);
  }
  throw error;
}
