import { type AnswerGap, callsAroundKill, longestGap, type TimelineCall } from "@quorumguard/pictures";
import type { LocalCluster } from "@quorumguard/testbed";
import type { FailoverClients } from "./failover-clients.ts";

/** What callers saw of one killed leader. */
export interface Trial {
  readonly gapMs: number;
  readonly leaderBefore: number;
  readonly leaderAfter: number;
  /** Decisions of all callers, measured and background. */
  readonly decisions: number;
  readonly degraded: number;
  readonly failed: number;
  /** The measured caller's calls from a while before the kill until a while after it, in order of their due times. */
  readonly calls: readonly TimelineCall[];
  readonly gap: AnswerGap;
  readonly firstFailure: unknown;
}

/** Steady load before the kill and after it. */
const times = { leadInMs: 1_200, leadOutMs: 800 } as const;

const pause = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms));

/** Kills the leader with SIGKILL under load, and starts it again when it is over. */
export async function killLeader(cluster: LocalCluster, clients: FailoverClients): Promise<Trial> {
  const before = await cluster.waitForLeader();
  const traffic = clients.start();
  let killedAt = 0;
  let leaderAfter = 0;
  try {
    await pause(times.leadInMs);
    killedAt = performance.now();
    await cluster.kill(before.nodeId);
    leaderAfter = (await cluster.waitForLeader()).nodeId;
    await pause(Math.max(0, killedAt + times.leadOutMs - performance.now()));
  } finally {
    await traffic.stop();
  }
  const { calls, background, firstFailure } = await traffic.stop();
  await cluster.restart(before.nodeId);
  await cluster.waitUntilCaughtUp();

  // Rounded here, so that whoever reads the columns of the result file finds the same gap.
  const sinceKill = calls.map((call) => ({
    ...call,
    startedAtMs: rounded(call.startedAtMs - killedAt),
    latencyMs: rounded(call.latencyMs),
  }));
  const gap = longestGap(sinceKill);
  const count = (outcome: TimelineCall["outcome"]) => calls.filter((call) => call.outcome === outcome).length;
  return {
    gapMs: gap.gapMs,
    leaderBefore: before.nodeId,
    leaderAfter,
    decisions: background.decisions + calls.length - count("failed"),
    degraded: background.degraded + count("degraded"),
    failed: background.failed + count("failed"),
    calls: callsAroundKill(sinceKill),
    gap,
    firstFailure,
  };
}

/** To a hundredth of a millisecond. */
function rounded(ms: number): number {
  return Math.round(ms * 100) / 100;
}
