import type { VoteFloor } from "../types.ts";
import type { RaftCore } from "./raft-core.ts";

/**
 * Begins abstention (SEMANTICS N2). The current term must be above every one that this node may have spoken in: whatever it voted
 * and acknowledged, and no longer knows of, then belongs to terms that it has left, and whose leaders it deposes by saying so.
 */
export function abstain(core: RaftCore): void {
  core.abstainsFrom = Math.max(1, core.term);
  core.voteFloor = null;
}

/**
 * Whether this node still abstains. It is repaired when an entry of a term that it entered after the loss is committed in its log:
 * the leader of that term was elected without its vote, by a quorum that shares a member with every other one that this node was
 * ever part of. So that leader's log had all that was committed before, and now the own log has it too.
 */
export function isAbstaining(core: RaftCore): boolean {
  if (core.abstainsFrom === 0) return false;
  const { log } = core;
  const term = log.term(log.committed);
  if (typeof term === "number" && term >= core.abstainsFrom) {
    core.abstainsFrom = 0;
    core.options.trace?.(`${core.id} is repaired up to ${log.committed} and votes again`);
  }
  return core.abstainsFrom !== 0;
}

/** Ends abstention by what all other voters told: the node votes again, but for no log below `floor`, its own included. */
export function endAbstention(core: RaftCore, floor: VoteFloor): void {
  if (!isAbstaining(core)) return;
  core.abstainsFrom = 0;
  core.voteFloor = floor;
}

/** What a vote asks of a log beyond being as good as the own one; null once that has got as far. */
export function voteFloorOf(core: RaftCore): VoteFloor | null {
  const floor = core.voteFloor;
  if (floor !== null && reaches(floor, core.log.lastTerm(), core.log.lastIndex())) core.voteFloor = null;
  return core.voteFloor;
}

/** Whether a log that ends with (`lastTerm`, `lastIndex`) is as up to date as `floor` (thesis §3.6.1). */
export function reaches(floor: VoteFloor, lastTerm: number, lastIndex: number): boolean {
  return lastTerm > floor.lastTerm || (lastTerm === floor.lastTerm && lastIndex >= floor.lastIndex);
}
