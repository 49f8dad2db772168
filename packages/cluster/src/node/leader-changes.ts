import type { NodeId } from "@quorumguard/raft";

/** Counts leaders that a node has heard of. A term has one leader, so each leader counts once, however often it is forgotten and heard of again. */
export class LeaderChanges {
  #count = 0;
  #term = -1;

  get count(): number {
    return this.#count;
  }

  /** Takes note of who leads, 0 for nobody; true if that is a new leader. */
  heard(leader: NodeId, term: number): boolean {
    if (leader === 0 || term === this.#term) return false;
    this.#term = term;
    this.#count++;
    return true;
  }
}
