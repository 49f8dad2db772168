import { createMessage, noBytes } from "../message.ts";
import { type Message, MessageType, type NodeId, noNode, type Refusal } from "../types.ts";
import type { RaftCore } from "./raft-core.ts";
import { decodeRound, type ReadRequest } from "./read-queue.ts";
import { broadcastHeartbeat, hasCommittedInTerm } from "./replication.ts";

/** A leader takes a read; it is answered when a round of heartbeats proves that nobody deposed this leader meanwhile. */
export function handleReadIndex(core: RaftCore, message: Message): Refusal | null {
  const request: ReadRequest = { from: message.from, context: message.context ?? noBytes };
  // A target of a transfer is elected in spite of the lease, which therefore ends with the request (thesis §6.4.1).
  if (core.options.readOnly === "lease" && core.leadTransferee === noNode && hasCommittedInTerm(core)) {
    answer(core, request, core.log.committed);
    return null;
  }
  return core.reads.add(request) ? null : "dropped";
}

/** Whether a round of heartbeats can begin: reads wait, and the commit index is known to be current. */
export function canBeginReadRound(core: RaftCore): boolean {
  return core.reads.hasWaiting && core.state === "leader" && hasCommittedInTerm(core);
}

/** Begins one round for all reads that arrived since the last: called once per `ready`. */
export function beginReadRound(core: RaftCore): void {
  if (!canBeginReadRound(core)) return;
  core.reads.beginRound(core.log.committed);
  const own = core.tracker.get(core.id);
  if (own !== undefined) own.readRound = core.reads.lastRound;
  broadcastHeartbeat(core);
  // A group of one needs nobody else.
  releaseConfirmedReads(core);
}

/** A member answered a heartbeat, which confirms the round that it carried and all before. */
export function confirmReadRound(core: RaftCore, message: Message): void {
  const progress = core.tracker.get(message.from);
  const round = decodeRound(message.context);
  if (progress === undefined || round <= progress.readRound || round > core.reads.lastRound) return;
  progress.readRound = round;
  releaseConfirmedReads(core);
}

/** Answers what the current membership's quorum has confirmed. */
export function releaseConfirmedReads(core: RaftCore): void {
  if (!core.reads.hasOpenRound) return;
  for (const round of core.reads.takeConfirmed(core.tracker.confirmedReadRound())) {
    for (const request of round.requests) answer(core, request, round.index);
  }
}

function answer(core: RaftCore, request: ReadRequest, index: number): void {
  if (isOwn(core, request.from)) {
    core.readStates.push({ index, context: request.context });
    return;
  }
  const response = createMessage(MessageType.readIndexResp, request.from);
  response.index = index;
  response.context = request.context;
  core.send(response);
}

function isOwn(core: RaftCore, from: NodeId): boolean {
  return from === core.id || from === noNode;
}
