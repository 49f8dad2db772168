import { readFileSync } from "node:fs";
import { until } from "@quorumguard/testbed";
import { parse } from "yaml";
import { inDeploy } from "../deploy-folder.ts";
import { metricsNamedIn } from "./metric-names.ts";
import { dashboardQueries, type PrometheusClient } from "./prometheus-client.ts";
import type { AskedQuery, Failover } from "./report.ts";
import { metricOf, type Stack } from "./stack.ts";
import { grpcGuard, httpGuard, Traffic } from "./traffic.ts";

/** Changes of leader, as a node that lived through the failover counts them. */
const changesQuery = "max(quorumguard_leader_changes_total)";

/** Calls answered on each port before the leader is killed, while it is away, and after it is back. */
const callsPerPhase = 300;

/** Kills the leader under traffic through both ports, waits until Prometheus has noticed, and brings the node back. */
export async function watchFailover(
  stack: Stack,
  prometheus: PrometheusClient,
  { grpcEndpoint, httpUrl, progress }: { grpcEndpoint: string; httpUrl: string; progress: (text: string) => void },
): Promise<Failover> {
  // A stream through every node, the one that will die included.
  const grpc = stack.nodes.map(() => grpcGuard(grpcEndpoint));
  const http = [httpGuard(httpUrl)];
  const guards = [...grpc, ...http];
  await Promise.all(guards.map((guard) => guard.ready({ timeoutMs: 10_000 })));
  const traffic = new Traffic(grpc, http);
  const answered = (more: number) => {
    const goal = traffic.answered + more;
    return until(`${more} more calls answered`, 30_000, async () => (traffic.answered >= goal ? true : null));
  };
  await until(
    "two scrapes of every node",
    30_000,
    async () => await prometheus.value('min(count_over_time(up{job="quorumguard"}[1m])) >= 2'),
  );
  await answered(callsPerPhase);
  const before = (await stack.leader())!;
  const changesBefore = (await prometheus.value(changesQuery)) ?? 0;
  const streamsThroughKilled = await metricOf(stack.service(before.name), "quorumguard_session_streams");
  progress(`killing ${before.name}`);
  const killedMs = performance.now();
  await stack.service(before.name).end("SIGKILL");
  const after = await until("a new leader", 10_000, async () => {
    const leader = await stack.leader();
    return leader !== null && leader.term > before.term ? leader : null;
  });
  const electionMs = Math.round(performance.now() - killedMs);
  await answered(callsPerPhase);
  const downAlert = await until("the alert for the node", 20_000, async () => {
    const selector = `ALERTS{alertname="QuorumGuardNodeDown",node="${before.name}"}`;
    return (await prometheus.query(selector))[0]?.metric.alertstate ?? null;
  });
  progress(`alert: ${downAlert}; starting ${before.name} again`);
  await stack.service(before.name).start();
  const caughtUpIndex = await stack.untilCaughtUp();
  progress(`caught up to ${caughtUpIndex}`);
  await answered(callsPerPhase);
  const changesAfter = await until("the failover in the metrics", 20_000, async () => {
    const changes = await prometheus.value(changesQuery);
    return changes !== null && changes > changesBefore ? changes : null;
  });
  const report = await traffic.stop();
  await Promise.all(guards.map((guard) => guard.close()));
  return {
    killed: before.name,
    streamsThroughKilled,
    successor: after.name,
    termBefore: before.term,
    termAfter: after.term,
    electionMs,
    caughtUpIndex,
    traffic: report,
    downAlert,
    changesBefore,
    changesAfter,
  };
}

/** Metrics that the rules or the dashboard name, and of which there is no series. A rule with such a name is silent for good. */
export async function findUnknownMetrics(prometheus: PrometheusClient): Promise<readonly string[]> {
  const rules = parse(readFileSync(inDeploy("prometheus", "rules.yml"), "utf8")) as {
    readonly groups: readonly { readonly rules: readonly { readonly expr: string }[] }[];
  };
  const queries = [...rules.groups.flatMap((group) => group.rules), ...dashboardQueries()];
  const known = new Set(await prometheus.metricNames());
  const named = queries.flatMap(({ expr }) => {
    const names = metricsNamedIn(expr);
    if (names.length === 0) throw new Error(`no metric was found in ${expr}`);
    return names;
  });
  return [...new Set(named)].filter((name) => !known.has(name)).sort();
}

/** Asks every query of the dashboard. */
export async function askDashboard(prometheus: PrometheusClient): Promise<readonly AskedQuery[]> {
  // A rate needs two scrapes of a node that has come back.
  await until("every node scraped twice", 20_000, () =>
    prometheus.value('min(sum_over_time(up{job="quorumguard"}[20s])) >= 2'),
  );
  return Promise.all(
    dashboardQueries().map(async (query) => {
      const samples = await prometheus.query(query.expr);
      const numbers = samples.filter(({ value }) => Number.isFinite(Number(value[1]))).length;
      return { ...query, series: samples.length, numbers };
    }),
  );
}
