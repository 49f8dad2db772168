import { assert } from "../assert.ts";
import { applyChange, isLeaveJoint, rejoinedMembers } from "../confchange/changer.ts";
import { decodeConfChange } from "../confchange/codec.ts";
import { noBytes } from "../message.ts";
import { confStateOf, isJoint, type Membership } from "../tracker/membership.ts";
import { type ConfChange, type ConfState, EntryType, type NodeId, noNode } from "../types.ts";
import type { RaftCore } from "./raft-core.ts";
import { releaseConfirmedReads } from "./read-only.ts";
import { appendAsLeader, broadcastAppend, type EntryDraft, maybeCommit, maybeSendAppend } from "./replication.ts";
import { becomeFollower } from "./roles.ts";
import { abortTransfer } from "./transfer.ts";

/** A membership takes effect when its entry is applied (or a snapshot with it installed). */
export function switchMembership(core: RaftCore, membership: Membership, rejoined: readonly NodeId[] = []): ConfState {
  const { tracker } = core;
  tracker.adopt(membership, core.log.lastIndex(), rejoined);
  const confState = confStateOf(membership);
  core.options.trace?.(`${core.id} switched to voters ${membership.incoming} and ${membership.outgoing}`);
  if (core.state !== "leader") return confState;
  const own = tracker.get(core.id);
  if (own === undefined || own.learner) {
    // It led until its own removal was committed; it leads on without counting itself, if nobody wants it to stop here.
    if (core.options.stepDownOnRemoval) becomeFollower(core, core.term, noNode);
    return confState;
  }
  if (membership.incoming.length === 0) return confState;
  if (maybeCommit(core)) {
    // Fewer voters may need fewer acknowledgements.
    broadcastAppend(core);
  } else {
    for (const progress of tracker.members) {
      if (progress.id !== core.id) maybeSendAppend(core, progress, false);
    }
  }
  // The quorum for reads under way is that of the new membership.
  releaseConfirmedReads(core);
  if (core.leadTransferee !== noNode && !tracker.isVoter(core.leadTransferee)) abortTransfer(core);
  return confState;
}

/** Applies a committed change; `null` is one that the state machine cancelled. */
export function applyConfChange(core: RaftCore, change: ConfChange | null): ConfState {
  if (change === null) return confStateOf(core.tracker.membership);
  const { membership } = core.tracker;
  const next = applyChange(membership, change);
  assert(!("error" in next), `a committed membership change cannot be applied: ${"error" in next ? next.error : ""}`);
  const outgoing = isJoint(next) ? next.outgoing : [];
  return switchMembership(core, next, rejoinedMembers({ ...membership, outgoing }, change.changes));
}

/**
 * Turns proposed membership changes that may not enter the log now into empty entries: the proposer sees its entry committed
 * without effect. At most one change may be unapplied, and a joint configuration must be left before the next (thesis §4.1, 4.3).
 */
export function screenConfChanges(core: RaftCore, drafts: readonly EntryDraft[]): readonly EntryDraft[] {
  if (drafts.every((draft) => draft.type === EntryType.normal)) return drafts;
  return drafts.map((draft, position) => {
    if (draft.type === EntryType.normal) return draft;
    const objection = core.options.disableConfChangeValidation ? null : objectionTo(core, draft);
    if (objection === null) {
      core.pendingConfIndex = core.log.lastIndex() + position + 1;
      return draft;
    }
    core.options.trace?.(`${core.id} ignores a membership change: ${objection}`);
    return { type: EntryType.normal, data: noBytes };
  });
}

function objectionTo(core: RaftCore, draft: EntryDraft): string | null {
  if (core.pendingConfIndex > core.log.applied) return `the one at ${core.pendingConfIndex} may not be applied yet`;
  const change = decodeConfChange(draft.data);
  if (change === null) return "its bytes are not a membership change";
  const joint = isJoint(core.tracker.membership);
  // It would open a transition from a membership to the same one: nothing but the danger of getting stuck in it.
  if (change.changes.length === 0 && !isLeaveJoint(change)) return "it changes nothing, and asks for a transition";
  if (joint && !isLeaveJoint(change)) return "the joint configuration has to be left first";
  if (!joint && isLeaveJoint(change)) return "there is no joint configuration to leave";
  // Nothing unapplied can come between, so what is possible now will be possible when it is applied.
  const next = applyChange(core.tracker.membership, change);
  return "error" in next ? next.error : null;
}

/**
 * The leader leaves a joint configuration by itself when the entry that entered it is applied. If the proposal is refused, as it
 * is during a transfer, this is tried again with the next applied entry.
 */
export function maybeAutoLeave(core: RaftCore): void {
  const { membership } = core.tracker;
  if (core.state !== "leader" || !membership.autoLeave || core.log.applied < core.pendingConfIndex) return;
  if (core.leadTransferee !== noNode || core.tracker.get(core.id) === undefined) return;
  const index = core.log.lastIndex() + 1;
  if (!appendAsLeader(core, [{ type: EntryType.confChangeV2, data: noBytes }])) return;
  core.pendingConfIndex = index;
  core.options.trace?.(`${core.id} leaves the joint configuration`);
  broadcastAppend(core);
}
