import { createHash } from "node:crypto";
import type { NodeId } from "@quorumguard/raft";
import type { Identity } from "../storage/storage.ts";
import { FoundingPhase, type Hello } from "./hello-codec.ts";

/** What a formation asks of its node. */
export interface FormationHost {
  /** Makes the identity durable; `done` afterwards. */
  saveIdentity(identity: Identity, done: () => void): void;
  /** Every founder's identity is on disk: elections may begin. Called once. */
  formed(clusterId: string): void;
  /** This node has no place beside its peers and must stop. Called at most once. */
  refused(reason: string): void;
  /** Something an operator must mend, but not a reason to stop. */
  warn(reason: string): void;
  /** What this node would say of itself has changed: tell everyone. */
  announce(): void;
}

/**
 * Founding a cluster (SEMANTICS N3): founders exchange the nonces on their disks; who knows all of them derives the cluster's id and
 * flushes it; and only who has heard from every founder that it has flushed takes part in an election. So an empty disk can
 * never belong to a voter whose word counted before.
 */
export class Formation {
  readonly #nodeId: NodeId;
  readonly #founders: readonly NodeId[];
  readonly #nonce: string;
  readonly #host: FormationHost;
  readonly #heard = new Map<NodeId, Hello>();
  #identity: Identity | null;
  #phase: FoundingPhase;
  #saving = false;
  #over = false;

  constructor(options: {
    readonly nodeId: NodeId;
    readonly founders: readonly NodeId[];
    readonly nonce: string;
    readonly identity: Identity | null;
    /** The log holds a term: elections have been held, so all founders had flushed. */
    readonly hasHistory: boolean;
    readonly host: FormationHost;
  }) {
    this.#nodeId = options.nodeId;
    this.#founders = options.founders;
    this.#nonce = options.nonce;
    this.#identity = options.identity;
    this.#host = options.host;
    this.#phase = FoundingPhase.collecting;
    if (options.identity !== null) this.#phase = options.hasHistory ? FoundingPhase.formed : FoundingPhase.flushed;
  }

  get phase(): FoundingPhase {
    return this.#phase;
  }

  get clusterId(): string {
    return this.#identity?.clusterId ?? "";
  }

  /** Goes as far as is known now; a single founder needs nobody. */
  begin(): void {
    if (this.#phase === FoundingPhase.formed) this.#finish();
    else this.#evaluate();
  }

  /** A founder said where it stands, by hello or founding frame. Returns why it is not welcome, or null. */
  heard(hello: Hello): string | null {
    const unwelcome = this.#judge(hello);
    if (unwelcome !== null) return unwelcome;
    this.#heard.set(hello.nodeId, hello);
    if (!this.#over) this.#evaluate();
    return null;
  }

  #judge(hello: Hello): string | null {
    if (!this.#founders.includes(hello.nodeId)) {
      return `node ${hello.nodeId} is not a founder of this cluster (${this.#founders.join(", ")})`;
    }
    const theirs = hello.founders.join(", ");
    const ours = this.#founders.join(", ");
    if (theirs !== ours)
      return `node ${hello.nodeId} was started with founders ${theirs}, node ${this.#nodeId} with ${ours}`;
    const identity = this.#identity;
    if (identity === null) return this.#judgeAsEmpty(hello);
    if (hello.clusterId !== "" && hello.clusterId !== identity.clusterId) {
      return `node ${hello.nodeId} belongs to cluster ${hello.clusterId}, node ${this.#nodeId} to ${identity.clusterId}`;
    }
    const known = identity.founders.find((founder) => founder.nodeId === hello.nodeId);
    if (known !== undefined && known.nonce !== hello.nonce) {
      const reason = `node ${hello.nodeId} came with another disk than it founded cluster ${identity.clusterId} with; give it back its own, or ${replaceAdvice(hello.nodeId)}`;
      this.#host.warn(reason);
      return reason;
    }
    return null;
  }

  #judgeAsEmpty(hello: Hello): string | null {
    if (this.#over || hello.phase !== FoundingPhase.formed) return null;
    // They formed, so this node had flushed its identity once: this is not the disk that it was on.
    const reason = `the data folder of node ${this.#nodeId} is empty, but cluster ${hello.clusterId} has formed with it; give it back its own folder, or ${replaceAdvice(this.#nodeId)}`;
    this.#over = true;
    this.#host.refused(reason);
    return reason;
  }

  #evaluate(): void {
    if (this.#saving || this.#over) return;
    if (this.#phase === FoundingPhase.collecting) this.#collect();
    else if (this.#phase === FoundingPhase.flushed) this.#confirm();
  }

  #collect(): void {
    const founders = this.#founders.map((nodeId) => ({
      nodeId,
      nonce: nodeId === this.#nodeId ? this.#nonce : (this.#heard.get(nodeId)?.nonce ?? ""),
    }));
    if (founders.some((founder) => founder.nonce === "")) return;
    const clusterId = clusterIdOf(founders);
    for (const hello of this.#heard.values()) {
      if (hello.clusterId === "" || hello.clusterId === clusterId) continue;
      this.#over = true;
      this.#host.refused(
        `node ${hello.nodeId} belongs to cluster ${hello.clusterId}, which the empty data folder of node ${this.#nodeId} was no founder of; empty all folders to found anew, or restore this one`,
      );
      return;
    }
    const identity: Identity = { clusterId, nodeId: this.#nodeId, founders, formatVersion: 1 };
    this.#saving = true;
    this.#host.saveIdentity(identity, () => {
      this.#saving = false;
      this.#identity = identity;
      this.#phase = FoundingPhase.flushed;
      this.#host.announce();
      this.#evaluate();
    });
  }

  #confirm(): void {
    let flushed = 1;
    for (const hello of this.#heard.values()) {
      if (hello.clusterId !== this.clusterId) continue;
      // Whoever has formed had heard of all of us.
      if (hello.phase === FoundingPhase.formed) flushed = this.#founders.length;
      else if (hello.phase === FoundingPhase.flushed) flushed++;
    }
    if (flushed < this.#founders.length) return;
    this.#phase = FoundingPhase.formed;
    this.#host.announce();
    this.#finish();
  }

  #finish(): void {
    this.#over = true;
    this.#host.formed(this.clusterId);
  }
}

/** What to do about a member whose disk is lost. Its id is not used again: that would be a voter that forgot its votes. */
export function replaceAdvice(nodeId: NodeId): string {
  return `replace it: run quorumguard member remove ${nodeId}, and start a node with --join and a new --id on an empty folder`;
}

/** 32 hexadecimal digits from the founders' sorted nonces, so that all derive the same. */
export function clusterIdOf(founders: readonly { readonly nonce: string }[]): string {
  const nonces = founders.map((founder) => founder.nonce).sort();
  return createHash("sha256").update(nonces.join("\n")).digest("hex").slice(0, 32);
}
