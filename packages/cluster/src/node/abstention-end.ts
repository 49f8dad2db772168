import type { NodeId, Raft } from "@quorumguard/raft";
import type { Storage } from "../storage/storage.ts";
import { Abstention, returnState } from "./abstention.ts";
import type { Members } from "./members.ts";
import type { NodeLog } from "./node-log.ts";
import type { PeerBoard } from "./peer-board.ts";

const droppedMeaning = "its write was cut short; the node does not vote before it has what it may lack from the others";
const damagedMeaning =
  "the damaged files are set aside, what is sound is kept; the node does not vote before the others have repaired it";
const majorityAdvice =
  "a majority of the logs is damaged: entries that were acknowledged may be lost, so nobody is elected; bring back nodes whose " +
  "data is sound, or, if there are none, found a new cluster on empty folders";

const waitAdvice =
  "start every voter that is down: once all have said where their logs end, this node votes again; a leader that the others elect " +
  "before that brings it what it may lack";
const leaderAdvice =
  "a damaged log is no measure of what this node may lack, so it waits for a leader that the others elect; keep a majority of the " +
  "voters running beside it";
const tooFewAdvice =
  "a log is damaged, and the nodes that may vote are no majority, so nobody is elected, however long you wait; start voters that are " +
  "down and whose data is sound, or, if there are none, found a new cluster on empty folders";

/** SEMANTICS N2: nothing is said in a term that lost votes and acknowledgements may belong to. */
export async function leaveTerms(nodeId: NodeId, storage: Storage, log: NodeLog): Promise<Abstention> {
  const { recovery } = storage;
  const { droppedAt, damaged } = recovery;
  if (droppedAt !== null) log("warn", "dropped-last-frame", { ...droppedAt, meaning: droppedMeaning });
  if (damaged !== null) log("error", "damaged-log", { ...damaged, meaning: damagedMeaning });
  const hardState = returnState(nodeId, storage.initialState().hardState, recovery);
  await new Promise<void>((resolve) => storage.append({ hardState, entries: [], snapshot: null }, resolve));
  return new Abstention(nodeId, recovery);
}

/** Ends the abstention as soon as everybody whose vote may count by now has told the end of its log (SEMANTICS N2 b). */
export function returnIfTold(
  abstention: Abstention,
  raft: Raft,
  members: Members,
  peers: PeerBoard,
  log: NodeLog,
): void {
  const { confState, abstaining } = raft.status();
  if (!abstaining) return;
  const damaged = abstention.lostMajority(members.voters);
  if (damaged !== null) log("error", "majority-damaged", { damaged, advice: majorityAdvice });
  // The lost end may have held a change of the members, or the news that one is committed: whoever the others take for a
  // member has to tell as well.
  const known = peers.peers.flatMap(({ hello }) => hello?.members.map(({ nodeId }) => nodeId) ?? []);
  const { voters, votersOutgoing } = confState;
  const everyone = [...new Set([...voters, ...votersOutgoing, ...members.voters, ...known])].sort((a, b) => a - b);
  const tellers = everyone.filter((nodeId) => !members.wasRemoved(nodeId));
  const floor = abstention.floor(tellers);
  if (floor === null) {
    sayWhy(abstention, members.voters, tellers, log);
    return;
  }
  raft.endAbstention(floor);
  log("info", "abstention-ended", { ...floor });
}

/** Says whom an abstaining node waits for, and what its operator can do; as an error when nothing can end its wait as things stand. */
export function sayWhy(
  abstention: Abstention,
  voters: readonly NodeId[],
  tellers: readonly NodeId[],
  log: NodeLog,
): void {
  const waitsFor = abstention.waitsFor(tellers);
  if (waitsFor.length > 0) {
    log("warn", "abstaining", { waitsFor, advice: waitAdvice });
    return;
  }
  const damaged = abstention.damagedAmong(tellers);
  const mayVote = abstention.mayVote(voters);
  if (mayVote.length > voters.length / 2)
    log("warn", "abstaining", { waitsFor, damaged, mayVote, advice: leaderAdvice });
  else log("error", "too-few-may-vote", { waitsFor, damaged, mayVote, advice: tooFewAdvice });
}
