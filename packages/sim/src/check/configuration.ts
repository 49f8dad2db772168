import { type ConfChange, decodeConfChange, type NodeId } from "@quorumguard/raft";

/** Who votes, from an entry of the log on until the next change. */
export interface Configuration {
  /** The entry that made it; 0: the founders. */
  readonly index: number;
  readonly voters: readonly NodeId[];
  /** Not empty: both halves must agree. */
  readonly outgoing: readonly NodeId[];
  readonly learners: readonly NodeId[];
}

/** The configurations of a run, derived from the committed log alone. */
export interface Configurations {
  /** A committed entry that changes the membership. */
  committed(index: number, data: Uint8Array): void;
  /** Valid once everything up to `appliedIndex` is applied. */
  at(appliedIndex: number): Configuration;
  /** Those that were valid at some moment between two applied indexes. */
  between(fromAppliedIndex: number, toAppliedIndex: number): readonly Configuration[];
  readonly latest: Configuration;
}

/** Whether those for whom `holds` is true are a quorum: in a joint configuration, of both halves. */
export function hasQuorum({ voters, outgoing }: Configuration, holds: (nodeId: NodeId) => boolean): boolean {
  const majority = (ids: readonly NodeId[]) => ids.length === 0 || 2 * ids.filter(holds).length > ids.length;
  return majority(voters) && majority(outgoing);
}

/** Everyone who is a member, in whatever role. */
export function membersOf({ voters, outgoing, learners }: Configuration): ReadonlySet<NodeId> {
  return new Set([...voters, ...outgoing, ...learners]);
}

/** Starts with the founders. */
export function createConfigurations(founders: readonly NodeId[]): Configurations {
  const all: Configuration[] = [{ index: 0, voters: founders, outgoing: [], learners: [] }];
  const latest = () => all.at(-1)!;
  return {
    get latest() {
      return latest();
    },
    at: (appliedIndex) => all.findLast(({ index }) => index <= appliedIndex)!,
    between: (from, to) =>
      all.filter(({ index }, at) => index <= to && (all[at + 1]?.index ?? Number.POSITIVE_INFINITY) > from),
    committed(index, data) {
      const change = decodeConfChange(data);
      if (change !== null && index > latest().index) all.push(after(latest(), index, change));
    },
  };
}

/** Thesis §4.3: more than one change at once goes through a joint configuration, which an empty change leaves. */
function after(before: Configuration, index: number, { changes, transition }: ConfChange): Configuration {
  if (changes.length === 0) return { ...before, index, outgoing: [] };
  const voters = new Set(before.voters);
  const learners = new Set(before.learners);
  for (const { kind, nodeId } of changes) {
    if (kind === "update") continue;
    voters.delete(nodeId);
    learners.delete(nodeId);
    if (kind === "addVoter") voters.add(nodeId);
    else if (kind === "addLearner") learners.add(nodeId);
  }
  const isJoint = changes.length > 1 || transition !== "auto";
  const ascending = (ids: ReadonlySet<NodeId>) => [...ids].sort((a, b) => a - b);
  return { index, voters: ascending(voters), outgoing: isJoint ? before.voters : [], learners: ascending(learners) };
}
