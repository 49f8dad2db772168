import type { Progress } from "../tracker/progress.ts";
import { type Message, MessageType, noNode, type Refusal } from "../types.ts";
import { screenConfChanges } from "./membership.ts";
import type { RaftCore } from "./raft-core.ts";
import { confirmReadRound, handleReadIndex } from "./read-only.ts";
import { appendAsLeader, broadcastAppend, broadcastHeartbeat, maybeCommit, maybeSendAppend } from "./replication.ts";
import { becomeFollower } from "./roles.ts";
import { continueTransfer, startTransfer } from "./transfer.ts";

/** A message of the current term, or a local one, on a leader. */
export function stepLeader(core: RaftCore, message: Message): Refusal | null {
  switch (message.type) {
    case MessageType.beat:
      broadcastHeartbeat(core);
      return null;
    case MessageType.checkQuorum:
      checkQuorum(core);
      return null;
    case MessageType.prop:
      return handleProposal(core, message);
    case MessageType.readIndex:
      return handleReadIndex(core, message);
    case MessageType.transferLeader:
      startTransfer(core, message);
      return null;
    default: {
      const progress = core.tracker.get(message.from);
      if (progress !== undefined) handleMember(core, progress, message);
      return null;
    }
  }
}

function handleMember(core: RaftCore, progress: Progress, message: Message): void {
  switch (message.type) {
    case MessageType.appResp:
      progress.recentActive = true;
      if (message.reject) handleRejection(core, progress, message);
      else handleAcknowledgement(core, progress, message.index);
      break;
    case MessageType.heartbeatResp:
      handleHeartbeatResponse(core, progress, message);
      break;
    case MessageType.snapStatus:
      if (progress.state !== "snapshot") break;
      if (message.reject) progress.pendingSnapshot = 0;
      progress.becomeProbe();
      // Delivered, it is still being installed; failed, the member needs time: either way its next sign of life resumes.
      progress.flowPaused = true;
      break;
    case MessageType.unreachable:
      // What is in flight is probably lost.
      if (progress.state === "replicate") progress.becomeProbe();
      break;
    default:
      break;
  }
}

function handleProposal(core: RaftCore, message: Message): Refusal | null {
  if (message.entries.length === 0) return null;
  // A leader that was removed leads on until its successor is elected, but takes nothing new.
  if (core.tracker.get(core.id) === undefined || core.leadTransferee !== noNode) return "dropped";
  const { pendingConfIndex } = core;
  if (!appendAsLeader(core, screenConfChanges(core, message.entries))) {
    core.pendingConfIndex = pendingConfIndex;
    return "dropped";
  }
  broadcastAppend(core);
  return null;
}

/** A leader that a quorum has not answered for an election timeout steps down, so that its clients look elsewhere (thesis §6.2). */
function checkQuorum(core: RaftCore): void {
  if (!core.tracker.isQuorumActive()) {
    core.options.trace?.(`${core.id} steps down: its quorum is not active`);
    becomeFollower(core, core.term, noNode);
    return;
  }
  for (const progress of core.tracker.members) {
    if (progress.id !== core.id) progress.recentActive = false;
  }
}

/** The logs differ before the append: go back to where the two may agree, a whole term at a time. */
function handleRejection(core: RaftCore, progress: Progress, message: Message): void {
  const { rejectHint, logTerm } = message;
  const hint = logTerm > 0 ? core.log.findConflictByTerm(rejectHint, logTerm).index : rejectHint;
  if (!progress.reject(message.index, hint)) return;
  if (progress.state === "replicate") progress.becomeProbe();
  maybeSendAppend(core, progress, true);
}

function handleAcknowledgement(core: RaftCore, progress: Progress, index: number): void {
  const { log } = core;
  // Within its term a leader's log only grows: nobody can hold more of it than there is.
  if (index > log.lastIndex()) return;
  // A probe that confirms what is known already still shows that the stream may start.
  const isNews = progress.acknowledge(index) || (progress.state === "probe" && progress.match === index);
  if (!isNews) return;
  if (progress.state === "probe") {
    progress.becomeReplicate();
  } else if (progress.state === "snapshot") {
    // Whichever snapshot it installed, and from wherever, it is enough if our log goes on from there.
    if (progress.match + 1 >= log.firstIndex()) {
      progress.becomeProbe();
      progress.becomeReplicate();
    } else if (progress.match >= progress.pendingSnapshot) {
      // It is installed, but the log was compacted beyond it meanwhile: a newer one has to follow.
      progress.becomeProbe();
    }
  } else {
    progress.inflights.freeTo(index);
  }
  const isOther = progress.id !== core.id;
  if (maybeCommit(core)) broadcastAppend(core);
  else if (isOther && progress.wouldLearnCommit(log.committed)) maybeSendAppend(core, progress, true);
  if (!isOther) return;
  // The window may have room for several messages now.
  while (maybeSendAppend(core, progress, false));
  continueTransfer(core, progress.id);
}

/** A sign of life: if the member lags, or was paused because messages were lost, the stream goes on. */
function handleHeartbeatResponse(core: RaftCore, progress: Progress, message: Message): void {
  progress.recentActive = true;
  progress.flowPaused = false;
  if (progress.match < core.log.lastIndex() || progress.state === "probe") maybeSendAppend(core, progress, true);
  confirmReadRound(core, message);
}
