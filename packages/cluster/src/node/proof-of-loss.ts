import { type Entry, type Message, MessageType, type Raft, type RaftStorage } from "@quorumguard/raft";

/**
 * A message shows that some disk lost what was acknowledged:
 *
 * - `end`: a leader counts on `index`, which this node acknowledged and has no more;
 * - `conflict`: the leader's log differs at `index` from what this node has applied;
 * - `surpassed`: a follower says that entries are committed up to `index`, beyond the end of this leader's log.
 */
export interface ProofOfLoss {
  readonly kind: "end" | "conflict" | "surpassed";
  readonly index: number;
}

/** What a node compares a message with. */
export interface LogInUse {
  readonly raft: Pick<Raft, "term" | "lastIndex" | "softState">;
  readonly storage: RaftStorage;
  readonly appliedIndex: number;
}

/** What a message of the current or a later term proves, before it is stepped; null: nothing, as in every sound cluster. */
export function proofOfLoss(message: Message, { raft, storage, appliedIndex }: LogInUse): ProofOfLoss | null {
  const { type, term, index, commit, reject } = message;
  if (term < raft.term) return null;
  // A heartbeat tells no more than what this node acknowledged in its term: a disk can lose a whole frame, and leave no trace.
  if (type === MessageType.heartbeat && commit > raft.lastIndex) return { kind: "end", index: commit };
  const conflict = committedConflict(message, storage, appliedIndex);
  if (conflict !== null) return { kind: "conflict", index: conflict };
  // Within its term a leader's log only grows, and what is committed was in it from the start.
  const isAnswer = type === MessageType.appResp && !reject && term === raft.term && raft.softState.state === "leader";
  return isAnswer && index > raft.lastIndex ? { kind: "surpassed", index } : null;
}

/**
 * The first index at which a leader's append differs from what this node has applied, or null. Nothing that was committed is ever
 * replaced, so the core does not look there. Only a cluster that lost acknowledged entries contradicts it: members with old copies of
 * their folders elect each other, perhaps in terms that were used before, so that terms alone do not tell.
 */
function committedConflict(message: Message, storage: RaftStorage, appliedIndex: number): number | null {
  const { type, index, logTerm, entries } = message;
  if (type !== MessageType.app) return null;
  if (index <= appliedIndex && differs(storage.term(index), logTerm)) return index;
  const [first] = entries;
  if (first === undefined || first.index > appliedIndex) return null;
  const end = Math.min(appliedIndex, entries.at(-1)!.index) + 1;
  const own = storage.entries(first.index, end, Number.POSITIVE_INFINITY);
  // Compacted: the snapshot that took its place says nothing about single entries.
  if (typeof own === "string") return null;
  const other = own.find((entry, at) => entry.term !== entries[at]!.term);
  if (other !== undefined) return other.index;
  // One of them alone is an error of a machine, which is mended when the states are compared (SEMANTICS N5).
  const [odd, ...more] = own.filter((entry, at) => !isSame(entry, entries[at]!));
  return odd === undefined || more.length === 0 ? null : odd.index;
}

function differs(term: number | "compacted" | "unavailable", expected: number): boolean {
  return typeof term === "number" && term !== expected;
}

function isSame(a: Entry, b: Entry): boolean {
  return a.type === b.type && a.data.length === b.data.length && a.data.every((byte, at) => byte === b.data[at]);
}
