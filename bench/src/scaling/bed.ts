import { type LocalCluster, startLocalCluster } from "@quorumguard/testbed";
import type { Rule } from "../client.ts";
import { type ClientProcesses, openClientProcesses } from "../decisions/client-processes.ts";
import type { LoopReport } from "../decisions/closed-loop.ts";
import { pause, resume } from "../pauses.ts";
import { grownBytesBetween } from "../systems/node-files.ts";
import { leaderFirst } from "../systems/quorumguard.ts";
import { readMetrics } from "../systems/read-metric.ts";
import { type ClusterState, type NodeState, stateAfter, stateBefore } from "./cluster-state.ts";
import type { Configuration } from "./configuration.ts";
import { type Costs, wholesOf } from "./cost-model.ts";

/** One stretch of a configuration under load; costs are of one decision. */
export interface ScalingSample extends Costs {
  readonly decisions: number;
  readonly seconds: number;
}

/** A cluster with the clients that ask it. */
export interface Bed {
  /** Puts the cluster under load. @throws {Error} when calls failed, or were denied, or the leader changes again and again. */
  sample(configuration: Configuration, durationMs: number): Promise<ScalingSample>;
  /** Keys with a live count. */
  liveKeys(): Promise<number>;
  /** All its processes stand still until it goes on. */
  pause(): void;
  resume(): void;
  stop(): Promise<void>;
}

/** Nobody comes near the limit, and no key is forgotten before all is measured: a token takes more than 20 minutes to come back. */
const known: Rule = { limit: 20_000, windowMs: 300 * 86_400_000 };
/** A new key is forgotten as soon as its token is back, after 0.6 s: what forgetting takes is measured, too. */
const fresh: Rule = { limit: 100, windowMs: 60_000 };

/** Room for all that is asked for. */
const mostKeys = 2_000_000;

/** So often a sample is taken again whose leader was not the same all the time: on a busy machine one may be too slow to be heard. */
const tries = 3;

/** Numbers of samples, over all beds: what one sample calls its new keys no other does, and it draws others of a population. */
let sampleNumber = 0;

/** Starts the nodes that a configuration runs on; `program` is the Node.js that they run on. */
export async function startBed({ nodes }: Configuration, program: string): Promise<Bed> {
  const cluster = await startLocalCluster({ nodes, program, arguments: ["--max-keys", String(mostKeys)] });
  const opened = new Map<string, ClientProcesses>();
  const clientsOf = async ({ processes, keys }: Configuration) => {
    const rule = keys === "new" ? fresh : known;
    const name = `${processes} ${rule.windowMs}`;
    const clients = opened.get(name) ?? (await openClientProcesses(processes, await taskOf(cluster, rule)));
    opened.set(name, clients);
    return clients;
  };
  const pids = () => [
    ...cluster.nodes.map(({ nodeId }) => cluster.pid(nodeId)!),
    ...[...opened.values()].flatMap((clients) => clients.pids),
  ];
  const sample: Bed["sample"] = async (configuration, durationMs) => {
    const clients = await clientsOf(configuration);
    for (let left = tries; left > 0; left--) {
      const taken = await takeSample(cluster, clients, configuration, durationMs);
      if (taken !== null) return taken;
    }
    throw new Error(`${configuration.name}: the leader changed in each of ${tries} samples`);
  };
  return {
    sample,
    async liveKeys() {
      const leader = await cluster.waitForLeader();
      return (await readMetrics(cluster.nodes[leader.nodeId - 1]!.metricsUrl, ["quorumguard_keys"]))[0]!;
    },
    pause: () => pause(pids()),
    resume: () => resume(pids()),
    async stop() {
      resume(pids());
      await Promise.all([...opened.values()].map((clients) => clients.stop()));
      await cluster.stop();
    },
  };
}

async function taskOf(cluster: LocalCluster, rule: Rule) {
  return { client: "quorumguard", place: { endpoints: await leaderFirst(cluster), rule } } as const;
}

/** Null: the leader was not the same all the time. */
async function takeSample(
  cluster: LocalCluster,
  clients: ClientProcesses,
  configuration: Configuration,
  durationMs: number,
): Promise<ScalingSample | null> {
  sampleNumber += 1;
  const { inFlight, keys, keyBytes } = configuration;
  const source = keys === "new" ? ({ kind: "unique" } as const) : ({ kind: "uniform", count: keys } as const);
  const leader = await cluster.waitForLeader();
  let before: ClusterState | null = null;
  const names = { sample: `s${sampleNumber}`, seed: sampleNumber };
  const load = { inFlight, durationMs, keys: { ...source, bytes: keyBytes }, ...names };
  const reports = await clients.run(load, async () => {
    before = await stateBefore(cluster, leader);
  });
  const after = await stateAfter(cluster, leader, before!);
  const still = await cluster.waitForLeader();
  if (still.nodeId !== leader.nodeId || still.term !== leader.term) return null;
  return sampleOf(configuration, reports, before!, after);
}

/** What one node used for so many entries. Null: nothing of its log is left, or more than was written. */
function usedBetween(before: NodeState, after: NodeState, entries: number) {
  const { log } = after;
  const logBytes = log.entries === 0 ? null : (log.bytes / log.entries) * entries;
  const inFiles = (logBytes ?? Number.NaN) + grownBytesBetween(before.sizes, after.sizes);
  // What was written and is in no file went to sockets. Files that grow while they are read may seem to have more than was written.
  const sentBytes = after.writtenBytes - before.writtenBytes - inFiles;
  return {
    threadUs: after.threadUs - before.threadUs,
    othersUs: after.othersUs - before.othersUs,
    logBytes,
    sentBytes: sentBytes > 0 ? sentBytes : null,
  };
}

/** What a stretch of load took, divided by its decisions. @throws {Error} when there is no such thing as a decision's cost. */
export function sampleOf(
  { name, keys }: Pick<Configuration, "name" | "keys">,
  reports: readonly Pick<LoopReport, "outcomes" | "seconds" | "cpuUs" | "firstFailure">[],
  before: ClusterState,
  after: ClusterState,
): ScalingSample {
  const sum = (numberOf: (report: (typeof reports)[number]) => number) =>
    reports.reduce((total, one) => total + numberOf(one), 0);
  const decisions = sum(({ outcomes }) => outcomes.allowed);
  const others = sum(({ outcomes }) => outcomes.failed + outcomes.degraded + outcomes.denied);
  const failure = reports.find(({ firstFailure }) => firstFailure !== null)?.firstFailure;
  // A denial may be answered without the log, and what it cost would count as nothing.
  if (others > 0 || decisions === 0)
    throw new Error(
      `${name}: of ${decisions + others} calls only ${decisions} were allowed (${failure ?? "no failure"})`,
    );
  const seconds = Math.max(...reports.map((report) => report.seconds));
  const each = (total: number) => total / decisions;
  const eachOrNull = (total: number | null) => (total === null ? null : each(total));
  const entries = after.entries - before.entries;
  const leader = usedBetween(before.leader, after.leader, entries);
  const followers = before.followers.map((follower, at) => usedBetween(follower, after.followers[at]!, entries));
  const ofFollower = (field: keyof typeof leader) => eachOrNull(meanOf(followers.map((follower) => follower[field])));
  const parts = {
    ...{ leaderThreadUs: each(leader.threadUs), leaderOthersUs: each(leader.othersUs) },
    ...{ followerThreadUs: ofFollower("threadUs"), followerOthersUs: ofFollower("othersUs") },
  };
  return {
    ...{ decisions, seconds, decisionsPerSecond: decisions / seconds },
    callsPerEntry: decisions / entries,
    callsPerFrame: decisions / (after.frames - before.frames),
    ...{ ...wholesOf(parts), ...parts },
    ...{ leaderSentBytes: eachOrNull(leader.sentBytes), leaderLogBytes: eachOrNull(leader.logBytes) },
    followerLogBytes: ofFollower("logBytes"),
    clientUs: each(sum(({ cpuUs }) => cpuUs)),
    flushUs: each(after.flushUs - before.flushUs),
    keys: keys === "new" ? after.liveKeys : keys,
  };
}

/** Null: there is none, or not all of them are known. */
function meanOf(values: readonly (number | null)[]): number | null {
  const known = values.filter((value) => value !== null);
  if (known.length === 0 || known.length < values.length) return null;
  return known.reduce((sum, one) => sum + one, 0) / known.length;
}
