import type { NodeId } from "@quorumguard/raft";
import type { Identity, Storage } from "../storage/storage.ts";
import { Admission } from "./admission.ts";
import { Formation } from "./formation.ts";
import type { FoundingPhase, Hello } from "./hello-codec.ts";
import { Joining } from "./joining.ts";
import type { Members } from "./members.ts";
import type { ResolvedNodeOptions } from "./node-options.ts";
import type { PeerLinks } from "./peer-links.ts";

/** What a node comes into its cluster with, and what it does once it is there. */
export interface EntranceParts {
  readonly options: ResolvedNodeOptions;
  readonly storage: Storage;
  /** The nonce on this node's disk. */
  readonly nonce: string;
  /** The log holds a term: this node has been in a cluster that had formed. */
  readonly hasHistory: boolean;
  readonly members: Members;
  readonly links: PeerLinks;
  /** This node may take part. Called once. */
  readonly formed: (clusterId: string) => void;
  /** What this node would say of itself has changed: tell everyone. */
  readonly announce: () => void;
  readonly failed: (error: unknown) => void;
}

/** The way into the cluster, founding it, joining it or having been there already; and the door, for whoever says hello. */
export class Entrance {
  readonly #parts: EntranceParts;
  readonly #way: Formation | Joining;
  /** Who is let in, once the cluster has formed. */
  admission: Admission | null = null;

  constructor(parts: EntranceParts) {
    this.#parts = parts;
    const { options, storage, nonce, hasHistory, announce, failed } = parts;
    const { nodeId, founderIds, join, log } = options;
    const { identity } = storage;
    const host = {
      saveIdentity: (value: Identity, done: () => void) => {
        storage.saveIdentity(value).then(done, failed);
      },
      formed: (clusterId: string) => {
        this.admission = new Admission(nodeId, clusterId, parts.members);
        parts.formed(clusterId);
      },
      refused: (reason: string) => failed(new Error(reason)),
      warn: (reason: string) => log("error", "peer-refused", { reason }),
      announce,
    };
    if (identity === null && join) {
      this.#way = new Joining({ nodeId, nonce, host });
      return;
    }
    const founders = identity?.founders.map((founder) => founder.nodeId) ?? founderIds;
    // Whoever is not a founder was given its identity by a cluster that had formed.
    const hasFormed = hasHistory || !founders.includes(nodeId);
    this.#way = new Formation({ nodeId, founders, nonce, identity, hasHistory: hasFormed, host });
  }

  get phase(): FoundingPhase {
    return this.#way.phase;
  }

  get clusterId(): string {
    return this.#way.clusterId;
  }

  /** Goes as far as is known now. */
  begin(): void {
    if (this.#way instanceof Formation) this.#way.begin();
  }

  /** Why a node is not welcome, by whatever this one is itself; or null. Who is welcome becomes a peer. */
  judge(hello: Hello): string | null {
    const { members, links } = this.#parts;
    const reason = this.admission === null ? this.#way.heard(hello) : this.admission.judge(hello);
    if (reason !== null) return reason;
    members.heard(hello.nodeId, hello.address);
    for (const { nodeId, address } of hello.members) if (nodeId !== hello.nodeId) this.#hearOf(nodeId, address);
    const isOpen = this.admission !== null || this.#way instanceof Joining;
    if (isOpen || members.includes(hello.nodeId)) links.meet(hello.nodeId);
    return null;
  }

  /** A member told of another one. What is known of that already may be newer. */
  #hearOf(nodeId: NodeId, address: string): void {
    const { options, members, links } = this.#parts;
    if (nodeId === options.nodeId || members.wasRemoved(nodeId)) return;
    if (members.addressOf(nodeId) === "") members.heard(nodeId, address);
    links.meet(nodeId);
  }
}
