import type { NodeId } from "@quorumguard/raft";
import type { Identity } from "../storage/storage.ts";
import { replaceAdvice } from "./formation.ts";
import { FoundingPhase, type Hello } from "./hello-codec.ts";

/** What a newcomer's joining asks of its node. */
export interface JoiningHost {
  /** Makes the identity durable; `done` afterwards. */
  saveIdentity(identity: Identity, done: () => void): void;
  /** This node is a member and may take part. Called once. */
  formed(clusterId: string): void;
  /** This node has no place in the cluster and must stop. Called at most once. */
  refused(reason: string): void;
}

/**
 * Joining a cluster that has formed (SEMANTICS N3). A newcomer's folder is empty and its id was never a member's. It says hello to
 * members and waits until one of them names it, with the nonce of this disk: only a committed entry can have made it a member. Then it
 * flushes its identity, which holds the founders that its log begins with, and only then takes part. Had the id been a member with
 * another disk, the nonce tells: nobody forgets a vote by coming back empty.
 */
export class Joining {
  readonly #nodeId: NodeId;
  readonly #nonce: string;
  readonly #host: JoiningHost;
  #clusterId = "";
  #phase: FoundingPhase = FoundingPhase.joining;
  #isSaving = false;

  constructor(options: { readonly nodeId: NodeId; readonly nonce: string; readonly host: JoiningHost }) {
    this.#nodeId = options.nodeId;
    this.#nonce = options.nonce;
    this.#host = options.host;
  }

  get phase(): FoundingPhase {
    return this.#phase;
  }

  get clusterId(): string {
    return this.#clusterId;
  }

  /** A peer said hello, or said it again. Returns why it is not welcome, or null. */
  heard(hello: Hello): string | null {
    if (this.#isSaving || this.#phase === FoundingPhase.formed) return null;
    if (hello.phase !== FoundingPhase.formed) {
      return `node ${this.#nodeId} waits to join a cluster that has formed, and node ${hello.nodeId} is of none`;
    }
    const self = hello.members.find(({ nodeId }) => nodeId === this.#nodeId);
    // A member that looks for this node before it proposes to add it.
    if (self === undefined || hello.origin.length === 0) return null;
    if (self.nonce !== this.#nonce) {
      const reason = `node ${this.#nodeId} is a member of cluster ${hello.clusterId} with another disk than this empty folder; give it back its own, or ${replaceAdvice(this.#nodeId)}`;
      this.#isSaving = true;
      this.#host.refused(reason);
      return reason;
    }
    const founders = hello.origin.map(({ nodeId, nonce }) => ({ nodeId, nonce }));
    const { clusterId } = hello;
    this.#isSaving = true;
    this.#host.saveIdentity({ clusterId, nodeId: this.#nodeId, founders, formatVersion: 1 }, () => {
      this.#isSaving = false;
      this.#clusterId = clusterId;
      this.#phase = FoundingPhase.formed;
      this.#host.formed(clusterId);
    });
    return null;
  }
}
