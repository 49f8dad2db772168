import { type AnswerGap, longestGap, type TimelineCall } from "@quorumguard/pictures";
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

/** Around the kill: steady load before it and after it, and the least that is drawn of both. */
const times = { leadInMs: 1_200, leadOutMs: 800, drawnBeforeMs: 150, drawnAfterMs: 350 } as const;

const pause = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms));

/** Kills the leader with SIGKILL under load, and starts it again when it is over. */
export async function killLeader(cluster: LocalCluster, clients: FailoverClients): Promise<Trial> {
  const before = await cluster.waitForLeader();
  const traffic = clients.start();
  await pause(times.leadInMs);
  const killedAt = performance.now();
  const killed = cluster.kill(before.nodeId);
  await killed;
  const after = await cluster.waitForLeader();
  await pause(Math.max(0, killedAt + times.leadOutMs - performance.now()));
  const { calls, background, firstFailure } = await traffic.stop();
  await cluster.restart(before.nodeId);
  await cluster.waitUntilCaughtUp();

  const around = calls
    // Rounded here, so that whoever reads the columns of the result file finds the same gap.
    .map((call) => ({ ...call, startedAtMs: rounded(call.startedAtMs - killedAt), latencyMs: rounded(call.latencyMs) }))
    .filter((call) => call.startedAtMs >= -times.drawnBeforeMs)
    .sort((a, b) => a.startedAtMs - b.startedAtMs);
  const gap = longestGap(around);
  const to = Math.max(times.drawnAfterMs, gap.toMs + 2 * gap.gapMs);
  const count = (outcome: TimelineCall["outcome"]) => calls.filter((call) => call.outcome === outcome).length;
  return {
    gapMs: gap.gapMs,
    leaderBefore: before.nodeId,
    leaderAfter: after.nodeId,
    decisions: background.decisions + calls.length - count("failed"),
    degraded: background.degraded + count("degraded"),
    failed: background.failed + count("failed"),
    calls: around.filter(({ startedAtMs }) => startedAtMs <= to),
    gap,
    firstFailure,
  };
}

/** To a hundredth of a millisecond. */
function rounded(ms: number): number {
  return Math.round(ms * 100) / 100;
}
