import type { NodeId } from "../types.ts";
import { majorityIndex, majorityVote, type VoteResult } from "./majority.ts";

/** Voters of the new configuration and, during a joint transition, of the old: decisions need both majorities (thesis §4.3). */
export interface JointVoters {
  /** Sorted. */
  readonly incoming: readonly NodeId[];
  /** Sorted; empty outside a transition. */
  readonly outgoing: readonly NodeId[];
}

/** The greatest index acknowledged by both majorities. */
export function jointIndex(voters: JointVoters, acknowledged: (id: NodeId) => number): number {
  const incoming = majorityIndex(voters.incoming, acknowledged);
  if (voters.outgoing.length === 0) return incoming;
  return Math.min(incoming, majorityIndex(voters.outgoing, acknowledged));
}

/** The outcome under a joint configuration: won if both majorities are won, lost if one is. */
export function jointVote(voters: JointVoters, vote: (id: NodeId) => boolean | undefined): VoteResult {
  const incoming = majorityVote(voters.incoming, vote);
  const outgoing = majorityVote(voters.outgoing, vote);
  if (incoming === outgoing) return incoming;
  return incoming === "lost" || outgoing === "lost" ? "lost" : "pending";
}

/** Everyone who votes, sorted, once each. */
export function allVoters(voters: JointVoters): readonly NodeId[] {
  if (voters.outgoing.length === 0) return voters.incoming;
  return [...new Set([...voters.incoming, ...voters.outgoing])].sort((a, b) => a - b);
}
