import type { Limiter, LimiterStats } from "@quorumguard/limiter";
import { noLogStats } from "../storage/log-writer.ts";
import type { Storage } from "../storage/storage.ts";
import type { NodeStatus } from "./node.ts";
import type { RunningNode } from "./running-node.ts";

const noStats: LimiterStats = {
  ...{ maxKeys: 0, maxHolds: 0 },
  ...{ keys: 0, sessions: 0, requestIds: 0, keysFull: 0, holdsFull: 0, bansBegun: 0, denialsUncounted: 0 },
  ...{ reservations: 0, slots: 0, leases: 0, reservationsEnded: 0, slotsEnded: 0, leasesEnded: 0 },
};

/** Gathers what a node tells about itself, formed or not. */
export function nodeStatus(parts: {
  readonly running: RunningNode | null;
  readonly storage: Storage | null;
  readonly limiter: Limiter | null;
  readonly restoredIndex: number;
  readonly leaderChanges: number;
  /** Whether this node votes. */
  readonly isVoter: boolean;
  /** It waits to be added to a cluster that has formed. */
  readonly joining: boolean;
  /** It is a member no more. */
  readonly removed: boolean;
  readonly ready: boolean;
}): NodeStatus {
  const { running, storage, restoredIndex, leaderChanges, ready } = parts;
  const limiter = running?.driver.limiter ?? parts.limiter;
  const stats = storage?.stats ?? noLogStats;
  const hardState = storage?.initialState().hardState;
  const snapshot = storage?.snapshot();
  return {
    role: roleOf(parts),
    term: running?.driver.raft.term ?? hardState?.term ?? 0,
    commitIndex: running?.driver.raft.commitIndex ?? hardState?.commit ?? 0,
    appliedIndex: running?.driver.appliedIndex ?? restoredIndex,
    lastIndex: storage?.lastIndex() ?? 0,
    snapshotIndex: snapshot === undefined || snapshot === "unavailable" ? 0 : snapshot.index,
    stampUs: running?.stamp.nowUs() ?? limiter?.stampUs ?? 0,
    stateHash: limiter?.stateHash().hash ?? "",
    limiter: limiter?.stats ?? noStats,
    abstaining: running?.driver.raft.status().abstaining ?? storage?.recovery.droppedLastFrame ?? false,
    flushes: stats.flushes,
    flushMs: stats.flushMs,
    flushDurations: stats.flushDurations,
    leaderChanges,
    ready,
  };
}

function roleOf(parts: Parameters<typeof nodeStatus>[0]): NodeStatus["role"] {
  if (parts.removed) return "removed";
  if (parts.running === null) return parts.joining ? "joining" : "forming";
  const { state } = parts.running.driver.role;
  return state === "follower" && !parts.isVoter ? "learner" : state;
}
