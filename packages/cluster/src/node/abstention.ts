import type { HardState, NodeId } from "@quorumguard/raft";
import type { Hello } from "./hello-codec.ts";
import { isUpToDate } from "./vote-floor.ts";

/** How a node that dropped its last frame returns: what it must have voted in, and the log that it may vote for. */
export interface Return {
  readonly hardState: HardState;
  readonly floorTerm: number;
  readonly floorIndex: number;
}

/**
 * SEMANTICS N2, condition (b). A bad last frame was dropped: it may have held a vote, or entries that were acknowledged. Until every
 * other voter has told this process its term and the end of its log, the node does not speak at all. Then it counts as
 * having voted in the highest of those terms (the lost vote cannot have been for a later one: its candidate is among the
 * tellers), and votes only for logs as good as the best of them (the lost entries' leader is among them too).
 *
 * Condition (a), a leader that a quorum without this node follows, can only come first in clusters of five or more, where
 * some other voter is down; until it is built such a node waits for that voter.
 */
export class Abstention {
  readonly #nodeId: NodeId;
  readonly #others: readonly NodeId[];
  readonly #hardState: HardState;
  readonly #told = new Map<NodeId, Hello>();

  constructor(nodeId: NodeId, voters: readonly NodeId[], hardState: HardState) {
    this.#nodeId = nodeId;
    this.#others = voters.filter((voter) => voter !== nodeId);
    this.#hardState = hardState;
  }

  /** Voters that have not spoken yet. */
  get waitsFor(): readonly NodeId[] {
    return this.#others.filter((voter) => !this.#told.has(voter));
  }

  /** A voter spoke to this process. */
  heard(hello: Hello): void {
    if (this.#others.includes(hello.nodeId)) this.#told.set(hello.nodeId, hello);
  }

  /** Null while somebody has not spoken. */
  resolve(): Return | null {
    if (this.waitsFor.length > 0) return null;
    let { term } = this.#hardState;
    let floorTerm = 0;
    let floorIndex = 0;
    for (const hello of this.#told.values()) {
      term = Math.max(term, hello.term);
      if (!isUpToDate(floorTerm, floorIndex, hello.lastTerm, hello.lastIndex)) {
        floorTerm = hello.lastTerm;
        floorIndex = hello.lastIndex;
      }
    }
    // Without others the lost frame was nobody's promise; with them, a vote for oneself is one that nobody else can use.
    const vote = this.#others.length === 0 ? this.#hardState.vote : this.#nodeId;
    return { hardState: { term, vote, commit: this.#hardState.commit }, floorTerm, floorIndex };
  }
}
