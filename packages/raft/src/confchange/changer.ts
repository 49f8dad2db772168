import { isJoint, type Membership, membersOf } from "../tracker/membership.ts";
import { type ConfChange, type ConfChangeKind, type NodeId, noNode } from "../types.ts";

/** A new membership, or why a change is not possible from the current one. */
export type ChangeResult = Membership | { readonly error: string };

type Changes = ConfChange["changes"];

/** Changes of at most one voter, for which old and new majorities always overlap (thesis §4.1). */
export function changeSimple(current: Membership, changes: Changes): ChangeResult {
  if (isJoint(current)) return { error: "can't apply simple config change in joint config" };
  const next = applyChanges(current, changes);
  if ("error" in next) return next;
  const added = next.incoming.filter((id) => !current.incoming.includes(id)).length;
  const removed = current.incoming.filter((id) => !next.incoming.includes(id)).length;
  if (added + removed > 1) return { error: "more than one voter changed without entering joint config" };
  return next;
}

/** Any changes at once: from here until `leaveJoint` both the old and the new majority decide (thesis §4.3). */
export function enterJoint(current: Membership, autoLeave: boolean, changes: Changes): ChangeResult {
  if (isJoint(current)) return { error: "config is already joint" };
  if (current.incoming.length === 0) return { error: "can't make a zero-voter config joint" };
  return applyChanges({ ...current, outgoing: current.incoming, autoLeave }, changes);
}

/** Ends a transition: the new configuration decides alone from here on. */
export function leaveJoint(current: Membership): ChangeResult {
  if (!isJoint(current)) return { error: "can't leave a non-joint config" };
  let { learners } = current;
  for (const id of current.learnersNext) learners = withId(learners, id);
  return { incoming: current.incoming, outgoing: [], learners, learnersNext: [], autoLeave: false };
}

/** Applies `change` in the way that its transition and size ask for. */
export function applyChange(current: Membership, change: ConfChange): ChangeResult {
  if (isLeaveJoint(change)) return leaveJoint(current);
  if (change.transition !== "auto" || change.changes.length > 1) {
    return enterJoint(current, change.transition !== "explicit", change.changes);
  }
  return changeSimple(current, change.changes);
}

/** Whether `change` asks to leave a joint configuration. */
export function isLeaveJoint(change: ConfChange): boolean {
  return change.transition === "auto" && change.changes.length === 0;
}

/** Members that `changes` removes and takes back: newcomers, of whose logs nothing is known. */
export function rejoinedMembers(current: Membership, changes: Changes): readonly NodeId[] {
  let next = current;
  const removed = new Set<NodeId>();
  for (const { kind, nodeId } of changes) {
    next = applyOne(next, kind, nodeId);
    if (!membersOf(next).includes(nodeId)) removed.add(nodeId);
  }
  return membersOf(next).filter((id) => removed.has(id));
}

function applyChanges(current: Membership, changes: Changes): ChangeResult {
  let next = current;
  for (const { kind, nodeId } of changes) {
    // Zero stands for a change that its proposer withdrew.
    if (nodeId !== noNode) next = applyOne(next, kind, nodeId);
  }
  return next.incoming.length === 0 ? { error: "removed all voters" } : next;
}

function applyOne(current: Membership, kind: ConfChangeKind, id: NodeId): Membership {
  switch (kind) {
    case "addVoter":
      return { ...without(current, id), incoming: withId(current.incoming, id) };
    case "addLearner":
      return addLearner(current, id);
    case "remove":
      return without(current, id);
    case "update":
      return current;
  }
}

/** A voter of the outgoing half keeps its vote until that half is gone; it becomes a learner then. */
function addLearner(current: Membership, id: NodeId): Membership {
  if (current.learners.includes(id)) return current;
  const next = without(current, id);
  return current.outgoing.includes(id)
    ? { ...next, learnersNext: withId(next.learnersNext, id) }
    : { ...next, learners: withId(next.learners, id) };
}

function without(current: Membership, id: NodeId): Membership {
  const others = (ids: readonly NodeId[]) => ids.filter((other) => other !== id);
  return {
    ...current,
    incoming: others(current.incoming),
    learners: others(current.learners),
    learnersNext: others(current.learnersNext),
  };
}

function withId(ids: readonly NodeId[], id: NodeId): readonly NodeId[] {
  return ids.includes(id) ? ids : [...ids, id].sort((a, b) => a - b);
}
