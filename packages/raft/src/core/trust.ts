import { type NodeId, noNode, type VoteFloor } from "../types.ts";
import type { RaftCore } from "./raft-core.ts";
import {
  broadcastAppend,
  broadcastHeartbeat,
  hasCommittedInTerm,
  maybeCommit,
  maybeSendAppend,
} from "./replication.ts";
import { becomeFollower } from "./roles.ts";

/** `id` may have acknowledged what it no longer holds, or voted without knowing it any more (SEMANTICS N2). */
export function distrust(core: RaftCore, id: NodeId): void {
  if (id === core.id) return;
  core.distrusted.add(id);
  if (core.state !== "leader") return;
  applyDistrust(core);
  broadcastHeartbeat(core);
  const progress = core.tracker.get(id);
  if (progress !== undefined) maybeSendAppend(core, progress, true);
}

/** A leader stops counting the members it was told about, until a round of heartbeats shows that a quorum follows without them. */
export function applyDistrust(core: RaftCore): void {
  if (core.distrusted.size === 0) return;
  const round = core.reads.beginProof(core.log.committed);
  const own = core.tracker.get(core.id);
  if (own !== undefined) own.readRound = round;
  for (const id of core.distrusted) core.tracker.get(id)?.distrust(core.log.lastIndex(), round);
}

/**
 * Counts members again that hold everything committed. That this leader commits in its term without them shows that no vote they
 * may have lost has elected another.
 */
export function restoreTrust(core: RaftCore): void {
  if (core.distrusted.size === 0 || !hasCommittedInTerm(core)) return;
  const confirmed = core.tracker.confirmedReadRound();
  for (const progress of core.tracker.members) {
    if (progress.trusted || progress.trustRound > confirmed || progress.match < core.log.committed) continue;
    progress.trusted = true;
    core.distrusted.delete(progress.id);
    core.options.trace?.(`${core.id} trusts ${progress.id} again at ${progress.match}`);
    if (maybeCommit(core)) broadcastAppend(core);
  }
}

/** Ends abstention: the node votes again, but for no log below `floor`; see `Raft.endAbstention`. */
export function endAbstention(core: RaftCore, floor: VoteFloor | null): void {
  core.abstaining = false;
  core.voteFloor = floor;
  if (floor === null) return;
  if (floor.term > core.term) becomeFollower(core, floor.term, noNode);
  // Any vote of that term may be among what was lost. One's own name gives it to nobody.
  if (floor.term === core.term && core.vote === noNode) core.vote = core.id;
}
