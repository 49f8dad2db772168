import type { NodeId } from "@quorumguard/raft";
import { replaceAdvice } from "./formation.ts";
import { FoundingPhase, type Hello } from "./hello-codec.ts";
import type { Members } from "./members.ts";

/** A node that would like to be a member, as it told this one. */
export interface Candidate {
  readonly nodeId: NodeId;
  /** Where it listens for its peers; empty if it does not know. */
  readonly address: string;
  /** The nonce on its empty disk. */
  readonly nonce: string;
}

/** Strangers remembered at once: anybody may knock. */
const maxCandidates = 16;
/** How a refusal begins that is for ever. Nodes of one cluster believe each other: the removal was committed. */
const removedPrefix = "removed: ";

/** Whether a peer's refusal says that this node is a member no more, and never will be again. */
export function saysRemoved(reason: string): boolean {
  return reason.startsWith(removedPrefix);
}

/** Decides, for a node of a cluster that has formed, whose hello is welcome. */
export class Admission {
  readonly #nodeId: NodeId;
  readonly #clusterId: string;
  readonly #members: Members;
  readonly #candidates = new Map<NodeId, Candidate>();
  readonly #listeners = new Set<(candidate: Candidate) => void>();

  constructor(nodeId: NodeId, clusterId: string, members: Members) {
    this.#nodeId = nodeId;
    this.#clusterId = clusterId;
    this.#members = members;
  }

  /** What `nodeId` said of itself when it asked to join; undefined if it did not, or has joined. */
  candidate(nodeId: NodeId): Candidate | undefined {
    return this.#candidates.get(nodeId);
  }

  /** Calls `listener` whenever somebody asks to join. Returns what ends it. */
  onCandidate(listener: (candidate: Candidate) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Why this hello is not welcome and what to do about it, or null. */
  judge(hello: Hello): string | null {
    const { nodeId, clusterId } = hello;
    if (clusterId !== "" && clusterId !== this.#clusterId) {
      return `node ${nodeId} belongs to cluster ${clusterId}, node ${this.#nodeId} to ${this.#clusterId}`;
    }
    if (this.#members.wasRemoved(nodeId)) return this.#judgeRemoved(hello);
    if (this.#members.includes(nodeId)) return this.#judgeMember(hello);
    if (hello.phase === FoundingPhase.joining) return this.#judgeNewcomer(hello);
    if (clusterId === "") {
      return `node ${nodeId} was started as a founder (${hello.founders.join(", ")}), but this cluster has formed without it; start it with --join in place of --cluster, on an empty folder`;
    }
    // It was added by an entry that this node has yet to apply: without its voice this node might never get to it.
    return null;
  }

  #judgeRemoved({ nodeId, phase }: Hello): string {
    const next = this.#members.highestId + 1;
    const why =
      phase === FoundingPhase.joining
        ? `id ${nodeId} was a member's or is too small for a new one, and ids are not reused`
        : `node ${nodeId} was removed from cluster ${this.#clusterId}`;
    return `${removedPrefix}${why}; to have this machine join, start it with --join and --id ${next} or larger, on an empty folder`;
  }

  #judgeMember(hello: Hello): string | null {
    const { nodeId, nonce } = hello;
    const known = this.#members.nonceOf(nodeId);
    if (known === "" || nonce === known) {
      this.#candidates.delete(nodeId);
      return null;
    }
    return `node ${nodeId} came with another disk than it is a member of cluster ${this.#clusterId} with; give it back its own, or ${replaceAdvice(nodeId)}`;
  }

  #judgeNewcomer({ nodeId, address, nonce }: Hello): string {
    this.#candidates.delete(nodeId);
    const [oldest] = this.#candidates.keys();
    if (oldest !== undefined && this.#candidates.size >= maxCandidates) this.#candidates.delete(oldest);
    const candidate = { nodeId, address, nonce };
    this.#candidates.set(nodeId, candidate);
    for (const listener of [...this.#listeners]) listener(candidate);
    return `node ${nodeId} is not a member of cluster ${this.#clusterId} yet; run: quorumguard member add ${nodeId}${address === "" ? "" : ` --peer ${address}`}`;
  }
}
