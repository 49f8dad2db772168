import type { NodeId } from "@quorumguard/raft";
import type { Members } from "./members.ts";
import type { Member, NodeTopology } from "./node.ts";

/** Where clients reach a member, as well as this node knows. */
export type ClientAddressOf = (nodeId: NodeId) => Pick<Member, "grpcEndpoint" | "httpUrl">;

/**
 * Who is a member and who leads, for clients. Hints are ordered by `(term, version)` (DESIGN §8): the version is twice the
 * number of the membership, plus one if a leader is known, so that within a term "known" follows "unknown" on every node alike. The number
 * of the membership is the index of the entry that made it, which is the same on every node and grows with every change.
 */
export class TopologyBoard {
  readonly #nodeId: NodeId;
  readonly #members: Members;
  readonly #addressOf: ClientAddressOf;
  readonly #listeners = new Set<(topology: NodeTopology) => void>();
  #topology: NodeTopology;
  /** Who leads as far as consensus goes, whether or not it is a member that this node knows. */
  #leader: NodeId = 0;

  constructor(nodeId: NodeId, members: Members, addressOf: ClientAddressOf) {
    this.#nodeId = nodeId;
    this.#members = members;
    this.#addressOf = addressOf;
    this.#topology = this.#make("", 0);
  }

  get topology(): NodeTopology {
    return this.#topology;
  }

  /** Tells listeners if anything changed. */
  set(clusterId: string, leaderId: NodeId, term: number): void {
    const now = this.#topology;
    if (now.clusterId === clusterId && this.#leader === leaderId && now.term === term) return;
    this.#leader = leaderId;
    this.#topology = this.#make(clusterId, term);
    for (const listener of [...this.#listeners]) listener(this.#topology);
  }

  /** The members changed. */
  membersChanged(): void {
    const { clusterId, term } = this.#topology;
    this.#topology = this.#make(clusterId, term);
    this.refresh();
  }

  /** A member's addresses became known: tell listeners, although nothing that orders hints has changed. */
  refresh(): void {
    for (const listener of [...this.#listeners]) listener(this.#topology);
  }

  listen(listener: (topology: NodeTopology) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  #make(clusterId: string, term: number): NodeTopology {
    // One that leads until it has applied its own removal is no place to send a client to (checklist D5).
    const leaderId = this.#members.includes(this.#leader) ? this.#leader : 0;
    const version = 2 * (1 + this.#members.changeIndex) + (leaderId === 0 ? 0 : 1);
    const members = this.#members.ids.map((id) => this.#member(id));
    return { clusterId, version, members, leaderId, term, nodeId: this.#nodeId };
  }

  /** Addresses are read whenever somebody looks: a member tells its own with its hello. */
  #member(nodeId: NodeId): Member {
    const addressOf = this.#addressOf;
    return {
      nodeId,
      get grpcEndpoint() {
        return addressOf(nodeId).grpcEndpoint;
      },
      get httpUrl() {
        return addressOf(nodeId).httpUrl;
      },
      voter: this.#members.isVoter(nodeId),
    };
  }
}
