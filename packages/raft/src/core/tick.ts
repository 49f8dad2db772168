import { createMessage } from "../message.ts";
import { MessageType } from "../types.ts";
import type { RaftCore } from "./raft-core.ts";
import { step } from "./step.ts";
import { abortTransfer } from "./transfer.ts";

/** Shared, since ticks are frequent and nothing keeps these messages. */
const hupMessage = Object.freeze(createMessage(MessageType.hup, 0));
const beatMessage = Object.freeze(createMessage(MessageType.beat, 0));
const checkQuorumMessage = Object.freeze(createMessage(MessageType.checkQuorum, 0));

/** Lets one unit of time pass: heartbeats of a leader, the election timeout of everyone else. */
export function tick(core: RaftCore): void {
  if (core.state === "leader") tickLeader(core);
  else tickElection(core);
}

function tickElection(core: RaftCore): void {
  core.electionElapsed++;
  if (!core.pastElectionTimeout() || !core.isPromotable()) return;
  core.electionElapsed = 0;
  step(core, hupMessage);
}

function tickLeader(core: RaftCore): void {
  core.heartbeatElapsed++;
  core.electionElapsed++;
  if (core.electionElapsed >= core.options.electionTimeoutTicks) {
    core.electionElapsed = 0;
    if (core.options.checkQuorum) step(core, checkQuorumMessage);
    // A transfer that took an election timeout has failed: this leader serves again.
    abortTransfer(core);
  }
  if (core.state === "leader" && core.heartbeatElapsed >= core.options.heartbeatTicks) {
    core.heartbeatElapsed = 0;
    step(core, beatMessage);
  }
}
