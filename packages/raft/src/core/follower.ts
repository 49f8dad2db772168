import { createMessage } from "../message.ts";
import { confStateOf, membershipOf } from "../tracker/membership.ts";
import { type Message, MessageType, noNode, type Refusal, type Snapshot } from "../types.ts";
import { handleVoteResponse, hup } from "./election.ts";
import { switchMembership } from "./membership.ts";
import type { RaftCore } from "./raft-core.ts";
import { becomeFollower } from "./roles.ts";

/** A message of the current term, or a local one, on a follower. */
export function stepFollower(core: RaftCore, message: Message): Refusal | null {
  switch (message.type) {
    case MessageType.app:
    case MessageType.heartbeat:
    case MessageType.snap:
      core.electionElapsed = 0;
      core.leader = message.from;
      handleFromLeader(core, message);
      return null;
    case MessageType.prop:
      return core.options.disableProposalForwarding ? "dropped" : forwardToLeader(core, message);
    case MessageType.readIndex:
    case MessageType.transferLeader:
      return forwardToLeader(core, message);
    case MessageType.forgetLeader:
      forgetLeader(core);
      return null;
    case MessageType.timeoutNow:
      // The leader has made sure that this log is up to date and waits for the election.
      hup(core, "transfer");
      return null;
    case MessageType.readIndexResp:
      if (message.context !== null) core.readStates.push({ index: message.index, context: message.context });
      return null;
    default:
      return null;
  }
}

/** A message of the current term, or a local one, on a candidate or pre-candidate. */
export function stepCandidate(core: RaftCore, message: Message): Refusal | null {
  switch (message.type) {
    case MessageType.prop:
    case MessageType.readIndex:
      return "dropped";
    case MessageType.app:
    case MessageType.heartbeat:
    case MessageType.snap:
      // Somebody else leads this term. The vote stays: it was given in this term.
      becomeFollower(core, message.term, message.from);
      handleFromLeader(core, message);
      return null;
    case MessageType.voteResp:
    case MessageType.preVoteResp:
      handleVoteResponse(core, message);
      return null;
    default:
      return null;
  }
}

function handleFromLeader(core: RaftCore, message: Message): void {
  if (message.type === MessageType.app) handleAppend(core, message);
  else if (message.type === MessageType.heartbeat) handleHeartbeat(core, message);
  else handleSnapshot(core, message);
}

function handleAppend(core: RaftCore, message: Message): void {
  const { log } = core;
  const { index, entries } = message;
  // A frame that skips or repeats an index is damaged: answering nothing lets the leader try again.
  if (entries.some((entry, position) => entry.index !== index + 1 + position)) return;
  const response = createMessage(MessageType.appResp, message.from);
  if (index < log.committed) {
    // An old message: everything committed here is part of the leader's log.
    response.index = log.committed;
    core.send(response);
    return;
  }
  const verified = log.maybeAppend(index, message.logTerm, entries, message.commit);
  if (verified >= 0) {
    response.index = verified;
  } else {
    const conflict = log.findConflictByTerm(Math.min(index, log.lastIndex()), message.logTerm);
    response.index = index;
    response.reject = true;
    response.rejectHint = conflict.index;
    response.logTerm = conflict.term;
  }
  core.send(response);
}

function handleHeartbeat(core: RaftCore, message: Message): void {
  core.log.commitTo(message.commit);
  const response = createMessage(MessageType.heartbeatResp, message.from);
  response.context = message.context;
  core.send(response);
}

function handleSnapshot(core: RaftCore, message: Message): void {
  const { snapshot } = message;
  if (snapshot === null || snapshot.index === 0) return;
  const response = createMessage(MessageType.appResp, message.from);
  response.index = restore(core, snapshot) ? core.log.lastIndex() : core.log.committed;
  core.send(response);
}

/** Installs a snapshot unless it brings nothing new. @returns whether the log was replaced by it. */
function restore(core: RaftCore, snapshot: Snapshot): boolean {
  const { log } = core;
  if (snapshot.index <= log.committed) return false;
  if (log.matches(snapshot.index, snapshot.term)) {
    // All of it is in the log already: only its being committed is news.
    log.commitTo(snapshot.index);
    return false;
  }
  log.restore(snapshot);
  // It need not include this node: it may be older than its admission, which then follows in the log.
  const membership = membershipOf(snapshot.confState);
  switchMembership(core, membership);
  core.options.trace?.(`${core.id} restores the snapshot at ${snapshot.index} ${confStateOf(membership).voters}`);
  return true;
}

/** The leader is proven dead. Leases rest on followers that keep faith with a silent leader, so they forbid it. */
function forgetLeader(core: RaftCore): void {
  if (core.options.readOnly === "lease") {
    core.options.trace?.(`${core.id} does not forget its leader: reads are served under its lease`);
    return;
  }
  core.leader = noNode;
}

function forwardToLeader(core: RaftCore, message: Message): Refusal | null {
  if (core.leader === noNode) return "dropped";
  core.send({ ...message, to: core.leader });
  return null;
}
