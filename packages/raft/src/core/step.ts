import { createMessage } from "../message.ts";
import { type Message, MessageType, noNode, type Refusal } from "../types.ts";
import { handleVoteRequest, hup, isLeaderAlive, rejectStalePreVote } from "./election.ts";
import { stepCandidate, stepFollower } from "./follower.ts";
import { stepLeader } from "./leader.ts";
import type { RaftCore } from "./raft-core.ts";
import { becomeFollower } from "./roles.ts";
import { finishAppend, finishApply, finishSnapshot } from "./storage.ts";

/** Every input passes here: first the terms are compared (thesis §3.3), then the role decides. Term 0 marks local messages. */
export function step(core: RaftCore, message: Message): Refusal | null {
  if (message.term > core.term) {
    if (!enterHigherTerm(core, message)) return null;
  } else if (message.term > 0 && message.term < core.term) {
    handleLowerTerm(core, message);
    return null;
  }
  switch (message.type) {
    case MessageType.hup:
      hup(core, core.options.preVote ? "preElection" : "election");
      return null;
    case MessageType.storageAppendResp:
      finishAppend(core, message);
      return null;
    case MessageType.storageApplyResp:
      finishApply(core, message.entries);
      return null;
    case MessageType.vote:
    case MessageType.preVote:
      handleVoteRequest(core, message);
      return null;
    default:
      break;
  }
  if (core.state === "leader") return stepLeader(core, message);
  return core.state === "follower" ? stepFollower(core, message) : stepCandidate(core, message);
}

/** @returns false if the message is to be ignored. */
function enterHigherTerm(core: RaftCore, message: Message): boolean {
  const { type, term, from } = message;
  switch (type) {
    case MessageType.vote:
      if (isLeaderAlive(core, message)) return false;
      becomeFollower(core, term, noNode);
      return true;
    case MessageType.preVote:
      // It only asks about that term.
      if (!isLeaderAlive(core, message)) return true;
      core.options.trace?.(`${core.id} ignores the pre-vote of ${from}: it hears leader ${core.leader}`);
      return false;
    case MessageType.preVoteResp:
      // A grant names the term asked about; a rejection names one that really began.
      if (message.reject) becomeFollower(core, term, noNode);
      return true;
    case MessageType.app:
    case MessageType.heartbeat:
    case MessageType.snap:
      becomeFollower(core, term, from);
      return true;
    default:
      becomeFollower(core, term, noNode);
      return true;
  }
}

function handleLowerTerm(core: RaftCore, message: Message): void {
  const { checkQuorum, preVote } = core.options;
  switch (message.type) {
    case MessageType.app:
    case MessageType.heartbeat:
      // This node was cut off and raised its term. Voters that hear their leader ignore its votes, and it cannot follow a leader
      // of a lower term: telling that leader our term makes it step down, and one election frees both.
      if (checkQuorum || preVote) core.send(createMessage(MessageType.appResp, message.from));
      break;
    case MessageType.preVote:
      rejectStalePreVote(core, message);
      break;
    case MessageType.storageAppendResp:
      // Entries may have been replaced and written again since (the ABA problem): only a report of this term speaks for
      // them. A snapshot holds committed state, which no term takes back.
      if (message.snapshot !== null) finishSnapshot(core, message.snapshot.index);
      break;
    default:
      break;
  }
}
