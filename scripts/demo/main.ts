/**
 * The demo behind `npm start`: three real nodes, a few SDK clients on shared keys beyond their limits, the leader killed
 * under load, and an account of every promise. `--once` ends after the summary; `--json` prints it as one line.
 */
import { type LocalCluster, startLocalCluster } from "@quorumguard/testbed";
import { readArguments, usage } from "./arguments.ts";
import type { DemoKey, Verdicts } from "./ledger.ts";
import { startLiveView } from "./live-view.ts";
import { Traffic, type TrafficCounts } from "./traffic.ts";

interface Summary extends Verdicts {
  readonly nodes: number;
  readonly decisions: number;
  readonly allowed: number;
  readonly denied: number;
  readonly degraded: number;
  readonly failedCalls: number;
  readonly failoverMs: number;
  readonly leaderBefore: number;
  readonly leaderAfter: number;
}

/** The least that makes the demo worth believing. */
const minimum = { decisions: 10_000, deniedShare: 0.2, inFlightAtKill: 500 };
const clients = 4;
const callersPerClient = 160;
const phaseMs = 2_500;

const keys: readonly DemoKey[] = [
  ...Array.from(
    { length: 6 },
    (_, i): DemoKey => ({ key: `demo-account-${i}`, limit: 400 + i, windowMs: 3_600_000, kind: "account" }),
  ),
  ...Array.from(
    { length: 4 },
    (_, i): DemoKey => ({ key: `demo-open-account-${i}`, limit: 2 ** 30, windowMs: 3_600_000, kind: "account" }),
  ),
  ...Array.from(
    { length: 4 },
    (_, i): DemoKey => ({ key: `demo-rolling-${i}`, limit: 100 + i, windowMs: 1_000, kind: "rolling" }),
  ),
];

const say = (text: string) => process.stderr.write(`${text}\n`);
const pause = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms));

/** Lets traffic flow for a while, and longer until enough was decided and enough is in flight. */
async function flow(counts: TrafficCounts, enough: () => boolean): Promise<void> {
  await pause(phaseMs);
  const deadline = performance.now() + 30_000;
  while (!enough() && counts.failedCalls === 0 && performance.now() < deadline) await pause(1);
}

async function failover(cluster: LocalCluster): Promise<Summary> {
  const traffic = new Traffic({ endpoints: cluster.endpoints, keys, clients, callers: callersPerClient });
  const { counts } = traffic;
  await traffic.start();
  const endView = startLiveView(cluster, counts);
  try {
    await flow(counts, () => counts.decisions >= minimum.decisions / 2);
    const before = await cluster.waitForLeader();
    await flow(counts, () => counts.inFlight >= minimum.inFlightAtKill);
    const inFlightAtKill = counts.inFlight;
    const killed = cluster.kill(before.nodeId);
    say(`\n  kill -9 node ${before.nodeId}, the leader, with ${inFlightAtKill} calls in flight`);
    await killed;
    await flow(counts, () => counts.decisions >= minimum.decisions);
    const after = await cluster.waitForLeader();
    say(
      `\n  node ${after.nodeId} leads in term ${after.term}; longest time without an answer ${traffic.longestGapMs.toFixed(0)} ms`,
    );
    await cluster.restart(before.nodeId);
    await cluster.waitUntilCaughtUp();
    say(`\n  node ${before.nodeId} is back and has caught up`);
    await flow(counts, () => true);
    const { longestGapMs, remaining } = await traffic.finish();
    if (traffic.firstFailure !== null) say(`\n  first failed call: ${String(traffic.firstFailure)}`);
    if (inFlightAtKill < minimum.inFlightAtKill)
      throw new Error(`only ${inFlightAtKill} calls were in flight at the kill`);
    return {
      nodes: cluster.nodes.length,
      decisions: counts.decisions,
      allowed: counts.allowed,
      denied: counts.denied,
      degraded: counts.degraded,
      ...traffic.ledger.verdicts(keys, remaining),
      failedCalls: counts.failedCalls,
      failoverMs: Math.round(longestGapMs),
      leaderBefore: before.nodeId,
      leaderAfter: after.nodeId,
    };
  } finally {
    endView();
    await traffic.close();
  }
}

function promisesHeld(summary: Summary): boolean {
  const { degraded, overAdmitted, chargedTwice, lostAcknowledged, failedCalls } = summary;
  const broken = degraded + overAdmitted + chargedTwice + lostAcknowledged + failedCalls;
  return (
    broken === 0 &&
    summary.decisions >= minimum.decisions &&
    summary.denied >= summary.decisions * minimum.deniedShare &&
    summary.leaderAfter !== summary.leaderBefore
  );
}

function describe(summary: Summary): string {
  return [
    "",
    `  ${summary.decisions.toLocaleString("en")} decisions, ${summary.allowed.toLocaleString("en")} allowed, ${summary.denied.toLocaleString("en")} denied`,
    `  leader ${summary.leaderBefore} → ${summary.leaderAfter}; ${summary.failoverMs} ms without an answer, at most`,
    `  failed calls ${summary.failedCalls}, degraded ${summary.degraded}`,
    `  admitted beyond a limit ${summary.overAdmitted}, charged twice ${summary.chargedTwice}, acknowledged and lost ${summary.lostAcknowledged}`,
    promisesHeld(summary) ? "  every promise held" : "  A PROMISE WAS BROKEN",
    "",
  ].join("\n");
}

async function serveUntilInterrupted(cluster: LocalCluster): Promise<void> {
  const [first] = cluster.nodes;
  const body = JSON.stringify({ check: { key: "you", rule: { limit: 5, windowUs: "60000000" } } });
  say(`  The cluster keeps serving. SDK endpoints: ${cluster.endpoints.join(", ")}`);
  say(`  Metrics: ${first!.metricsUrl}`);
  say(
    `  Try it, six times:\n    curl -s -H 'content-type: application/json' -d '${body}' ${first!.httpUrl}/quorumguard.v1.GuardService/Allow`,
  );
  say("  Ctrl-C ends it.");
  await new Promise<void>((resolve) => {
    wind.down = resolve;
  });
}

const endings = ["SIGINT", "SIGTERM", "SIGHUP"] as const;

/** What the first signal does while the cluster serves. Before and after that, leaving at once kills the nodes and removes their data. */
const wind: { down: (() => void) | null } = { down: null };

function onSignal(): void {
  const windDown = wind.down;
  wind.down = null;
  if (windDown === null) process.exit(130);
  windDown();
}

async function main(): Promise<number> {
  const values = readArguments(process.argv.slice(2));
  if (values.help) {
    process.stdout.write(`${usage}\n`);
    return 0;
  }
  for (const signal of endings) process.on(signal, onSignal);
  say(`  Starting ${values.nodes} nodes …`);
  const cluster = await startLocalCluster({ nodes: values.nodes });
  try {
    const summary = await failover(cluster);
    say(describe(summary));
    if (values.json) process.stdout.write(`${JSON.stringify(summary)}\n`);
    if (!values.once) await serveUntilInterrupted(cluster);
    return promisesHeld(summary) ? 0 : 1;
  } finally {
    await cluster.stop();
  }
}

try {
  process.exitCode = await main();
} catch (error) {
  say(`demo: ${error instanceof Error ? error.message : String(error)}`);
  process.exitCode = 1;
}
