import type { JointVoters } from "../quorum/joint.ts";
import type { ConfState, NodeId } from "../types.ts";

/** Who belongs to the group and in which role. Immutable: every change makes a new one. All lists are sorted. */
export interface Membership extends JointVoters {
  readonly learners: readonly NodeId[];
  /** Voters of the outgoing half that become learners when the joint configuration is left. */
  readonly learnersNext: readonly NodeId[];
  /** Whether the leader leaves the joint configuration by itself as soon as it may. */
  readonly autoLeave: boolean;
}

function sorted(ids: readonly NodeId[]): readonly NodeId[] {
  return [...new Set(ids)].sort((a, b) => a - b);
}

/** The membership that a snapshot or a restarted node brings. */
export function membershipOf(confState: ConfState): Membership {
  return {
    incoming: sorted(confState.voters),
    outgoing: sorted(confState.votersOutgoing),
    learners: sorted(confState.learners),
    learnersNext: sorted(confState.learnersNext),
    autoLeave: confState.autoLeave,
  };
}

/** The form in which a membership is persisted. */
export function confStateOf(membership: Membership): ConfState {
  return {
    voters: membership.incoming,
    votersOutgoing: membership.outgoing,
    learners: membership.learners,
    learnersNext: membership.learnersNext,
    autoLeave: membership.autoLeave,
  };
}

/** Everyone who gets the log, sorted. */
export function membersOf(membership: Membership): readonly NodeId[] {
  return sorted([...membership.incoming, ...membership.outgoing, ...membership.learners, ...membership.learnersNext]);
}

/** Whether a transition is under way, in which both configurations must agree. */
export function isJoint(membership: Membership): boolean {
  return membership.outgoing.length > 0;
}
