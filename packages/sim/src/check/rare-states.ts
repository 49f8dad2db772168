/**
 * States that a run seldom comes through and that bugs like to hide in. Every one must have been visited often before a run of
 * many seeds proves anything; a fault mix that never reaches one of them tests less than it seems to.
 */
export const rareStateNames = [
  // Elections.
  "candidateTie",
  "preVoteRefusedByStickiness",
  "voteAfterRestart",
  "campaignAfterProvenDeath",
  "leaderSteppedDownByCheckQuorum",
  "twoLeadersAtOnce",
  "twoStaleLeaders",
  "leaderPausedPastElection",
  "leadershipTransferred",
  // The log.
  "newLeaderWithOlderUncommittedTail",
  // An entry that was durable on a majority, and was overwritten all the same: figure 3.7 of the Raft thesis, 8 of the paper.
  "figure8Overwrite",
  // A durable entry that a whole term of another leader had passed over, and that went after all.
  "outlivedTailOverwritten",
  "followerTruncatesConflict",
  "leaderWithUnflushedSelf",
  "leaderDiedWithUnreplicatedTail",
  "flushStallHandsOver",
  // Disks.
  "droppedLastFrame",
  "abstainingNodeReturned",
  "pageCacheOutlivedProcess",
  "storageErrorStoppedNode",
  "damageDetected",
  // Snapshots.
  "snapshotRacingAppends",
  "snapshotInstalled",
  "crashDuringSnapshotWrite",
  "crashBetweenSnapshotAndCompaction",
  "learnerCatchesUpBySnapshot",
  // Membership.
  "commitByJointQuorum",
  "transferDuringJointConsensus",
  "leaderAskedToRemoveItself",
  "memberRemovedWhileLeading",
  "restartInJointConsensus",
  "damageRepaired",
  "emptyDiskRefused",
  // Time.
  "stampSlewed",
  // Versions.
  "newerVersionRefused",
  // Calls.
  "sessionExpiredUnderClient",
  "retryAnsweredFromMemory",
  "callAppliedButReplyLost",
  "denialFromAppliedState",
  "callForwarded",
  // Holds and resets.
  "holdEndedUnsettled",
  "holdAcrossTakeover",
  "slotFreedWithItsSession",
  "settledTooLate",
  "reserveSentAgain",
  "resetSentAgain",
  "leaseGranted",
  "reservedBySdk",
  // Answers of the SDK's own.
  "spentFromLease",
  "deniedFromMemory",
  "waitedForItsTurn",
  "turnGivenUp",
  "turnCameTooLate",
  "decidedAlone",
  "reportCharged",
  "reportRefused",
  "breakerOpened",
  "breakerClosedAgain",
  // Bounds.
  "keyTableFull",
  "quotaReached",
  "holdsFull",
  // Policies and bans.
  "policyChangedAmongCalls",
  "countsHandedOn",
  "callDeniedByBan",
  "banAcrossTakeover",
  "deniedInShadow",
  "listedByRangeOfIpv6",
] as const;
export type RareState = (typeof rareStateNames)[number];

/** How often a seed came through each state. */
export interface RareStates {
  /** The run is in that state now, or `times` times was. */
  hit(state: RareState, times?: number): void;
  readonly counts: Readonly<Partial<Record<RareState, number>>>;
}

/** Makes a count at zero. @param note Told of the first visit to each state, for the trace. */
export function createRareStates(note: (line: string) => void): RareStates {
  const counts: Partial<Record<RareState, number>> = {};
  return {
    counts,
    hit(state, times = 1) {
      if (times === 0) return;
      if (counts[state] === undefined) note(`rare state: ${state}`);
      counts[state] = (counts[state] ?? 0) + times;
    },
  };
}
