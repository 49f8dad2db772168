import type { HardState, NodeId, VoteFloor } from "@quorumguard/raft";
import type { Recovery } from "../storage/storage.ts";
import type { Hello } from "./hello-codec.ts";

/**
 * What a node that lost the end of its log knows of the others (SEMANTICS N2). The core does the rest: it runs, votes for nobody, and
 * is repaired by a leader that the others elected, which is condition (a). When all of them have told the end of their logs,
 * condition (b), it may vote at once, for logs as good as the best of them.
 *
 * A log that was damaged lacks more than its last frame, membership changes perhaps included, so that nobody knows whether
 * those who told are all: such a node returns by (a) only, and what it tells counts for nobody's (b).
 */
export class Abstention {
  readonly #nodeId: NodeId;
  readonly #isDamaged: boolean;
  readonly #told = new Map<NodeId, Hello>();

  constructor(nodeId: NodeId, recovery: Pick<Recovery, "damaged">) {
    this.#nodeId = nodeId;
    this.#isDamaged = recovery.damaged !== null;
  }

  /** A voter spoke to this process. */
  heard(hello: Hello): void {
    this.#told.set(hello.nodeId, hello);
  }

  /** Voters that have not spoken yet. */
  waitsFor(voters: readonly NodeId[]): readonly NodeId[] {
    return this.#others(voters).filter((voter) => !this.#told.has(voter));
  }

  /** The best log that all others told of; null while it is not known, or tells nothing. */
  floor(voters: readonly NodeId[]): VoteFloor | null {
    if (this.#isDamaged || this.waitsFor(voters).length > 0) return null;
    let floor: VoteFloor = { lastTerm: 0, lastIndex: 0 };
    for (const voter of this.#others(voters)) {
      const { damaged, lastTerm, lastIndex } = this.#told.get(voter)!;
      if (damaged) return null;
      if (lastTerm > floor.lastTerm || (lastTerm === floor.lastTerm && lastIndex > floor.lastIndex)) {
        floor = { lastTerm, lastIndex };
      }
    }
    return floor;
  }

  /**
   * The voters whose logs are damaged, if so many that the others are no majority: nobody can be elected, and which entries were
   * acknowledged may be known to nobody. Null: a majority is sound, as far as is known.
   */
  lostMajority(voters: readonly NodeId[]): readonly NodeId[] | null {
    const damaged = this.damagedAmong(voters);
    const quorum = Math.floor(voters.length / 2) + 1;
    return voters.length - damaged.length < quorum ? [...damaged].sort((a, b) => a - b) : null;
  }

  /** Those whose word is not enough to return by, since their logs are damaged: this node, too, if its own is. */
  damagedAmong(voters: readonly NodeId[]): readonly NodeId[] {
    return voters.filter((voter) =>
      voter === this.#nodeId ? this.#isDamaged : this.#told.get(voter)?.damaged === true,
    );
  }

  /** Voters that may vote, as far as is known: neither this node, nor one that said that it abstains as well. */
  mayVote(voters: readonly NodeId[]): readonly NodeId[] {
    return this.#others(voters).filter((voter) => this.#told.get(voter)?.droppedLastFrame !== true);
  }

  #others(voters: readonly NodeId[]): NodeId[] {
    return voters.filter((voter) => voter !== this.#nodeId);
  }
}

/** Above every term that the node can have spoken in; its vote there is its own, so that nobody can be given it. */
export function returnState(nodeId: NodeId, hardState: HardState, { latestTerm }: Recovery): HardState {
  return { term: Math.max(latestTerm, hardState.term) + 1, vote: nodeId, commit: hardState.commit };
}
