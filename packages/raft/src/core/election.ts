import { createMessage, isTransferContext, transferContext } from "../message.ts";
import { allVoters } from "../quorum/joint.ts";
import { type Message, MessageType, noNode } from "../types.ts";
import { isAbstaining, reaches, voteFloorOf } from "./abstention.ts";
import type { RaftCore } from "./raft-core.ts";
import { broadcastAppend } from "./replication.ts";
import { becomeCandidate, becomeFollower, becomeLeader, becomePreCandidate } from "./roles.ts";

/** "transfer" skips the pre-vote: the leader itself asked for this election. */
export type CampaignKind = "preElection" | "election" | "transfer";

/** Campaigns, unless this node leads already, may not vote, or does not know the current voters yet. */
export function hup(core: RaftCore, kind: CampaignKind): void {
  if (core.state === "leader") return;
  if (!core.isPromotable()) {
    core.options.trace?.(`${core.id} cannot campaign: it is no voter, or waits for a snapshot`);
    return;
  }
  if (core.log.hasUnappliedConfChange()) {
    core.options.trace?.(`${core.id} cannot campaign: a membership change is committed and not applied`);
    return;
  }
  campaign(core, kind);
}

function campaign(core: RaftCore, kind: CampaignKind): void {
  const pre = kind === "preElection";
  if (pre) becomePreCandidate(core);
  else becomeCandidate(core);
  // A pre-vote asks about the next term without entering it.
  const term = pre ? core.term + 1 : core.term;
  const lastTerm = core.log.lastTerm();
  for (const id of allVoters(core.tracker.membership)) {
    if (id === core.id) {
      // Its own vote, too, counts only once it is durable.
      const ownVote = createMessage(pre ? MessageType.preVoteResp : MessageType.voteResp, id);
      ownVote.term = term;
      core.send(ownVote);
      continue;
    }
    const request = createMessage(pre ? MessageType.preVote : MessageType.vote, id);
    request.term = term;
    request.index = core.log.lastIndex();
    request.logTerm = lastTerm;
    if (kind === "transfer") request.context = transferContext;
    core.send(request);
  }
}

/**
 * Whether a vote request is to be ignored because the leader was heard from within an election timeout (thesis §4.2.3): a
 * node that was cut off must not depose a leader that the others follow. A transfer is the leader's own wish.
 */
export function isLeaderAlive(core: RaftCore, request: Message): boolean {
  if (!core.options.checkQuorum || isTransferContext(request.context)) return false;
  return core.leader !== noNode && core.electionElapsed < core.options.electionTimeoutTicks;
}

/** Answers a vote or pre-vote request whose term is not behind. A learner answers too: it may be a voter and not know it yet. */
export function handleVoteRequest(core: RaftCore, request: Message): void {
  const pre = request.type === MessageType.preVote;
  const canVote =
    core.vote === request.from || (core.vote === noNode && core.leader === noNode) || (pre && request.term > core.term);
  const floor = voteFloorOf(core);
  const isGoodLog =
    core.log.isUpToDate(request.logTerm, request.index) &&
    (floor === null || reaches(floor, request.logTerm, request.index));
  const granted = canVote && isGoodLog && !isAbstaining(core);
  const response = createMessage(pre ? MessageType.preVoteResp : MessageType.voteResp, request.from);
  // A grant carries the term asked about, or a candidate of a future term could not match it; a rejection tells ours.
  response.term = granted ? request.term : core.term;
  response.reject = !granted;
  core.send(response);
  if (granted && !pre) {
    core.electionElapsed = 0;
    core.vote = request.from;
  }
  core.options.trace?.(`${core.id} ${granted ? "granted" : "rejected"} vote ${request.type} of ${request.from}`);
}

/** Tells a pre-candidate of an earlier term ours. Silence could deadlock: it might hold the only log that can win. */
export function rejectStalePreVote(core: RaftCore, request: Message): void {
  const response = createMessage(MessageType.preVoteResp, request.from);
  response.term = core.term;
  response.reject = true;
  core.send(response);
}

/** Counts an answer to the election under way. */
export function handleVoteResponse(core: RaftCore, response: Message): void {
  const expected = core.state === "preCandidate" ? MessageType.preVoteResp : MessageType.voteResp;
  if (response.type !== expected) return;
  core.tracker.recordVote(response.from, !response.reject);
  switch (core.tracker.voteResult()) {
    case "won":
      if (core.state === "preCandidate") {
        campaign(core, "election");
      } else {
        becomeLeader(core);
        broadcastAppend(core);
      }
      break;
    case "lost":
      // A lost pre-vote answer has a term of its own: that of this node did not move.
      becomeFollower(core, core.term, noNode);
      break;
    case "pending":
      break;
  }
}
