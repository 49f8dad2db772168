import { jointIndex, jointVote } from "../quorum/joint.ts";
import type { VoteResult } from "../quorum/majority.ts";
import type { NodeId } from "../types.ts";
import { type Membership, membersOf } from "./membership.ts";
import { Progress } from "./progress.ts";

/** Limits on what is in flight to each member, in messages and in bytes. */
export interface TrackerLimits {
  readonly maxInflightMessages: number;
  readonly maxInflightBytes: number;
}

/** The membership in force, what is known of each member, and the votes of the election under way. */
export class Tracker {
  membership: Membership = { incoming: [], outgoing: [], learners: [], learnersNext: [], autoLeave: false };
  /** Sorted by id, so that every replica acts in the same order. */
  members: readonly Progress[] = [];
  readonly #byId = new Map<NodeId, Progress>();
  readonly #votes = new Map<NodeId, boolean>();
  readonly #limits: TrackerLimits;

  constructor(limits: TrackerLimits) {
    this.#limits = limits;
  }

  get(id: NodeId): Progress | undefined {
    return this.#byId.get(id);
  }

  isVoter(id: NodeId): boolean {
    return this.membership.incoming.includes(id) || this.membership.outgoing.includes(id);
  }

  /** One voter and no transition: the leader is its own majority. */
  isSingleton(): boolean {
    return this.membership.incoming.length === 1 && this.membership.outgoing.length === 0;
  }

  /**
   * Switches to `membership`. Members that stay keep their progress; a new one is probed at our last entry, and counts as
   * active, or CheckQuorum could depose a leader before the newcomer had a chance to answer. One that left and came back is new.
   */
  adopt(membership: Membership, lastIndex: number, rejoined: readonly NodeId[] = []): void {
    const members: Progress[] = [];
    for (const id of membersOf(membership)) {
      const learner = membership.learners.includes(id);
      const known = rejoined.includes(id) ? undefined : this.#byId.get(id);
      const progress = known ?? this.#fresh(id, Math.max(lastIndex, 1), learner, true);
      progress.learner = learner;
      members.push(progress);
    }
    this.membership = membership;
    this.#replace(members);
  }

  /** A new term, or a new role in it: nothing is known of anyone, except that our own log matches itself. */
  resetProgress(self: NodeId, lastIndex: number): void {
    const fresh = this.members.map((old) => {
      const progress = this.#fresh(old.id, lastIndex + 1, old.learner, false);
      if (old.id === self) progress.match = lastIndex;
      return progress;
    });
    this.#replace(fresh);
  }

  /** The greatest index that a quorum holds durably. */
  committedIndex(): number {
    return jointIndex(this.membership, this.#matchOf);
  }

  /** The newest read round that a quorum of the current membership has confirmed. */
  confirmedReadRound(): number {
    return jointIndex(this.membership, this.#readRoundOf);
  }

  /** Whether a quorum was heard from since the last check. */
  isQuorumActive(): boolean {
    return jointVote(this.membership, this.#isActive) === "won";
  }

  resetVotes(): void {
    this.#votes.clear();
  }

  /** The first answer counts: a duplicate or a change of mind does not. */
  recordVote(id: NodeId, granted: boolean): void {
    if (!this.#votes.has(id)) this.#votes.set(id, granted);
  }

  voteResult(): VoteResult {
    return jointVote(this.membership, this.#voteOf);
  }

  readonly #matchOf = (id: NodeId): number => this.#byId.get(id)?.match ?? 0;
  readonly #readRoundOf = (id: NodeId): number => this.#byId.get(id)?.readRound ?? 0;
  readonly #isActive = (id: NodeId): boolean => this.#byId.get(id)?.recentActive ?? false;
  readonly #voteOf = (id: NodeId): boolean | undefined => this.#votes.get(id);

  #fresh(id: NodeId, next: number, learner: boolean, recentActive: boolean): Progress {
    return new Progress(id, { next, learner, recentActive, ...this.#limits });
  }

  #replace(members: readonly Progress[]): void {
    this.members = members;
    this.#byId.clear();
    for (const progress of members) this.#byId.set(progress.id, progress);
  }
}
