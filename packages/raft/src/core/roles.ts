import { assert } from "../assert.ts";
import { noBytes } from "../message.ts";
import { EntryType, type NodeId, noNode } from "../types.ts";
import type { RaftCore } from "./raft-core.ts";
import { appendAsLeader } from "./replication.ts";

/** Follows `leader` (or nobody yet) in `term`. */
export function becomeFollower(core: RaftCore, term: number, leader: NodeId): void {
  core.reset(term);
  core.state = "follower";
  core.leader = leader;
  core.options.trace?.(`${core.id} became follower at term ${core.term}`);
}

/** Asks whether it could win, without touching its term or vote (thesis §9.6). */
export function becomePreCandidate(core: RaftCore): void {
  assert(core.state !== "leader", "a leader cannot become pre-candidate");
  core.tracker.resetVotes();
  core.state = "preCandidate";
  core.leader = noNode;
  core.options.trace?.(`${core.id} became pre-candidate at term ${core.term}`);
}

/** Opens a new term and votes for itself in it. */
export function becomeCandidate(core: RaftCore): void {
  assert(core.state !== "leader", "a leader cannot become candidate");
  core.reset(core.term + 1);
  core.state = "candidate";
  core.vote = core.id;
  core.options.trace?.(`${core.id} became candidate at term ${core.term}`);
}

/** Leads its term, and opens it with an empty entry: earlier entries commit only along with one of the own term. */
export function becomeLeader(core: RaftCore): void {
  assert(core.state === "candidate" || core.state === "preCandidate", `a ${core.state} cannot become leader`);
  core.reset(core.term);
  core.state = "leader";
  core.leader = core.id;
  const own = core.tracker.get(core.id);
  assert(own !== undefined, "a leader must be a member");
  own.becomeReplicate();
  own.recentActive = true;
  // The log may hold a membership change that this node has not seen: none may follow before all of it is applied.
  core.pendingConfIndex = core.log.lastIndex();
  const appended = appendAsLeader(core, [{ type: EntryType.normal, data: noBytes }]);
  assert(appended, "the empty entry of a new term was refused");
  core.options.trace?.(`${core.id} became leader at term ${core.term}`);
}
