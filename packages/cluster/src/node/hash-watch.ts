import type { NodeId } from "@quorumguard/raft";
import type { Electorate } from "./members.ts";

/**
 * What the state hashes at one index prove: that all agree, that some node differs from the majority, or nothing yet.
 */
export type HashVerdict =
  | { readonly kind: "agreed" }
  /** Too few have spoken, or no hash has a majority. */
  | { readonly kind: "open" }
  | { readonly kind: "odd"; readonly index: number; readonly nodes: readonly NodeId[] };

/** A checkpoint is taken at every index that is a multiple of this. */
const interval = 256;
/** Checkpoints remembered: a peer may be this many behind and still be compared. */
const remembered = 256;

/**
 * Compares state hashes at equal indexes (SEMANTICS N5). Every node takes them at the same indexes, since those are of
 * the log and not of its own making, and says its newest with every envelope.
 */
export class HashWatch {
  readonly #nodeId: NodeId;
  readonly #electorate: Electorate;
  readonly #own = new Map<number, string>();
  readonly #reported = new Map<NodeId, Map<number, string>>();
  #newestIndex = 0;
  #newestHash = "";

  constructor(nodeId: NodeId, electorate: Electorate) {
    this.#nodeId = nodeId;
    this.#electorate = electorate;
  }

  get newestIndex(): number {
    return this.#newestIndex;
  }

  get newestHash(): string {
    return this.#newestHash;
  }

  /** Whether the state after the entry at `index` is to be recorded. */
  wants(index: number): boolean {
    return index % interval === 0;
  }

  record(index: number, hash: string): void {
    this.#newestIndex = index;
    this.#newestHash = hash;
    this.#own.set(index, hash);
    forgetOldest(this.#own);
  }

  /** A peer's checkpoint; what all known hashes at its index now say. */
  heard(from: NodeId, index: number, hash: string): HashVerdict {
    if (index === 0) return { kind: "open" };
    let reports = this.#reported.get(from);
    if (reports === undefined) {
      reports = new Map();
      this.#reported.set(from, reports);
    }
    if (reports.get(index) === hash) return { kind: "open" };
    reports.set(index, hash);
    forgetOldest(reports);
    return this.#judge(index);
  }

  /** A node that is no member any more has no say, and is not worth repairing. */
  dismiss(nodeId: NodeId): void {
    this.#reported.delete(nodeId);
  }

  /** After this node's state was replaced its own earlier checkpoints prove nothing. */
  forget(): void {
    this.#own.clear();
  }

  #judge(index: number): HashVerdict {
    const byHash = new Map<string, NodeId[]>();
    const note = (node: NodeId, hash: string | undefined): void => {
      if (hash === undefined) return;
      const nodes = byHash.get(hash);
      if (nodes === undefined) byHash.set(hash, [node]);
      else nodes.push(node);
    };
    note(this.#nodeId, this.#own.get(index));
    for (const [node, reports] of this.#reported) note(node, reports.get(index));
    if (byHash.size === 1) return { kind: "agreed" };
    // A learner may be odd, but only voters say what is right.
    const winner = [...byHash].find(([, nodes]) => this.#electorate.hasQuorum((nodeId) => nodes.includes(nodeId)));
    if (winner === undefined) return { kind: "open" };
    const nodes = [...byHash].flatMap(([hash, members]) => (hash === winner[0] ? [] : members));
    return { kind: "odd", index, nodes: nodes.sort((a, b) => a - b) };
  }
}

function forgetOldest(checkpoints: Map<number, string>): void {
  if (checkpoints.size <= remembered) return;
  const oldest = checkpoints.keys().next();
  if (oldest.done !== true) checkpoints.delete(oldest.value);
}
