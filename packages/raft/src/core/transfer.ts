import { createMessage } from "../message.ts";
import { type Message, MessageType, type NodeId, noNode } from "../types.ts";
import type { RaftCore } from "./raft-core.ts";
import { maybeSendAppend } from "./replication.ts";

/**
 * Starts to hand leadership to `request.from` (thesis §3.10). Until the target leads, the transfer times out, or this node steps
 * down, proposals are refused: the target's log must not fall behind again.
 */
export function startTransfer(core: RaftCore, request: Message): void {
  const target = request.from;
  const progress = core.tracker.get(target);
  if (progress === undefined || progress.learner || core.leadTransferee === target) return;
  abortTransfer(core);
  if (target === core.id) return;
  core.options.trace?.(`${core.id} starts to transfer leadership to ${target}`);
  // The transfer has one election timeout from now.
  core.electionElapsed = 0;
  core.leadTransferee = target;
  if (progress.match === core.log.lastIndex()) sendTimeoutNow(core, target);
  else maybeSendAppend(core, progress, true);
}

/** The target has caught up with everything that will be proposed in this term: it may campaign. */
export function continueTransfer(core: RaftCore, acknowledgedBy: NodeId): void {
  if (core.leadTransferee !== acknowledgedBy) return;
  if (core.tracker.get(acknowledgedBy)?.match === core.log.lastIndex()) sendTimeoutNow(core, acknowledgedBy);
}

/** Gives a leadership transfer up, so that proposals are taken again. */
export function abortTransfer(core: RaftCore): void {
  core.leadTransferee = noNode;
}

function sendTimeoutNow(core: RaftCore, to: NodeId): void {
  core.send(createMessage(MessageType.timeoutNow, to));
}
