import type { NodeId } from "@quorumguard/raft";
import type { Member, NodeTopology } from "./node.ts";

/**
 * Who is a member and who leads, for clients. Hints are ordered by `(term, version)` (DESIGN §8): the version is twice the
 * number of the membership, plus one if a leader is known, so that within a term "known" follows "unknown" on every node alike.
 */
export class TopologyBoard {
  readonly #nodeId: NodeId;
  readonly #members: readonly Member[];
  readonly #listeners = new Set<(topology: NodeTopology) => void>();
  #topology: NodeTopology;

  constructor(nodeId: NodeId, members: readonly Member[]) {
    this.#nodeId = nodeId;
    this.#members = members;
    this.#topology = this.#make("", 0, 0);
  }

  get topology(): NodeTopology {
    return this.#topology;
  }

  /** Tells listeners if anything changed. */
  set(clusterId: string, leaderId: NodeId, term: number): void {
    const now = this.#topology;
    if (now.clusterId === clusterId && now.leaderId === leaderId && now.term === term) return;
    this.#topology = this.#make(clusterId, leaderId, term);
    for (const listener of [...this.#listeners]) listener(this.#topology);
  }

  /** A member's addresses became known: tell listeners, although nothing that orders hints has changed. */
  refresh(): void {
    for (const listener of [...this.#listeners]) listener(this.#topology);
  }

  listen(listener: (topology: NodeTopology) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  #make(clusterId: string, leaderId: NodeId, term: number): NodeTopology {
    const membership = 1;
    const version = 2 * membership + (leaderId === 0 ? 0 : 1);
    return { clusterId, version, members: this.#members, leaderId, term, nodeId: this.#nodeId };
  }
}
