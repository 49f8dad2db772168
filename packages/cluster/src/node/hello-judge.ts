import type { NodeId } from "@quorumguard/raft";
import type { Clock } from "./clock.ts";
import type { Entrance } from "./entrance.ts";
import { replaceAdvice } from "./formation.ts";
import type { Hello } from "./hello-codec.ts";
import type { Members } from "./members.ts";
import type { NodeLog } from "./node-log.ts";
import type { PeerBoard } from "./peer-board.ts";

/** A refusal that does not change is told again after so long. Milliseconds. */
const repeatMs = 60_000;
/** Refusals remembered at once: anybody may knock. */
const maxRemembered = 64;
/** How refusals begin that concern the disk of who is refused. Nodes of one cluster believe each other. */
const lostPrefix = /^lost in term (\d+): /;
const conflictPrefix = "conflict: ";

/** What hellos are judged with. */
export interface HelloJudgeParts {
  readonly nodeId: NodeId;
  readonly members: Members;
  readonly peers: PeerBoard;
  readonly clock: Clock;
  readonly log: NodeLog;
  /** This node has no place beside its peers and must stop. */
  readonly refused: (reason: string) => void;
}

/** Who is turned away, why, and what that says about this node itself. */
export class HelloJudge {
  readonly #parts: HelloJudgeParts;
  readonly #told = new Map<NodeId, { readonly reason: string; readonly atMs: number }>();
  readonly #foreign = new Map<NodeId, string>();
  /** Why a process of a peer is not to be talked to, although its hello is in order. */
  readonly #conflicts = new Map<NodeId, { readonly bootId: string; readonly reason: string }>();

  constructor(parts: HelloJudgeParts) {
    this.#parts = parts;
  }

  /** Why a hello is not welcome, or null. */
  judge(hello: Hello, entrance: Entrance): string | null {
    const { nodeId: from } = hello;
    this.#noteCluster(hello, entrance.clusterId);
    const reason = entrance.judge(hello) ?? this.#lostBy(hello) ?? this.#conflictOf(hello);
    if (reason === null) this.#told.delete(from);
    else if (this.#isNews(from, reason)) this.#parts.log(levelOf(reason), "hello-refused", { from, reason });
    return reason;
  }

  /** What a peer holds contradicts the log of this leader: its process is turned away from now on. @returns the reason. */
  contradicted(from: NodeId, problem: string): string {
    const bootId = this.#parts.peers.get(from)?.hello?.bootId ?? "";
    const reason = `${conflictPrefix}${problem}`;
    this.#conflicts.set(from, { bootId, reason });
    return reason;
  }

  /** SEMANTICS N2: a node that does not know what it lost must not go on as if it had lost nothing. */
  #lostBy(hello: Hello): string | null {
    const facts = this.#parts.peers.get(hello.nodeId);
    // Who says that it lost something takes the care that is due by itself.
    if (facts?.hello == null || facts.hello.bootId === hello.bootId || hello.droppedLastFrame) return null;
    const lack = facts.proven.lackOf(hello);
    return lack === null ? null : lostReason(facts.proven.term, this.#parts.nodeId, hello.nodeId, lack);
  }

  #conflictOf({ nodeId, bootId }: Hello): string | null {
    const conflict = this.#conflicts.get(nodeId);
    if (conflict?.bootId === bootId) return conflict.reason;
    this.#conflicts.delete(nodeId);
    return null;
  }

  /** Where a majority of the voters are another cluster's, this node's folder is, and it would wait for ever. */
  #noteCluster({ nodeId: from, clusterId }: Hello, ownCluster: string): void {
    const { nodeId, members, refused } = this.#parts;
    if (ownCluster === "" || clusterId === "" || clusterId === ownCluster) {
      this.#foreign.delete(from);
      return;
    }
    this.#foreign.set(from, clusterId);
    if (!members.hasQuorum((voter) => voter !== nodeId && this.#foreign.get(voter) === clusterId)) return;
    refused(
      `the data folder of node ${nodeId} belongs to cluster ${ownCluster}, and the nodes at the addresses of its peers to cluster ${clusterId}; ` +
        `give it back its own folder or its own addresses, or ${replaceAdvice(nodeId)}`,
    );
  }

  #isNews(from: NodeId, reason: string): boolean {
    const nowMs = this.#parts.clock.monotonicMs();
    const last = this.#told.get(from);
    if (last?.reason === reason && nowMs - last.atMs < repeatMs) return false;
    const [oldest] = this.#told.keys();
    if (oldest !== undefined && this.#told.size >= maxRemembered) this.#told.delete(oldest);
    this.#told.set(from, { reason, atMs: nowMs });
    return true;
  }
}

/** The latest term in which this node, whom a peer refuses for it, may have said what it has lost; null: it is refused for something else. */
export function lostTerm(reason: string): number | null {
  const term = lostPrefix.exec(reason)?.[1];
  return term === undefined ? null : Number(term);
}

/** Whether a peer's refusal says that this node's committed entries are not the cluster's. */
export function saysConflict(reason: string): boolean {
  return reason.startsWith(conflictPrefix);
}

function levelOf(reason: string): "warn" | "error" {
  return lostTerm(reason) !== null || saysConflict(reason) ? "error" : "warn";
}

function lostReason(term: number, nodeId: NodeId, from: NodeId, lack: string): string {
  return (
    `lost in term ${term}: node ${from} came back with less than node ${nodeId} knows it to have flushed: ${lack}; its folder is an old ` +
    "copy, or its disk lost data without a trace; start it again: it does not vote before the others have told what it may lack"
  );
}

/** What to say of a node whose committed entries are not those of its leader. */
export function conflictProblem(nodeId: NodeId, leader: NodeId, index: number, what: string): string {
  return (
    `node ${nodeId} holds entries that were committed up to index ${index}, and ${what} in the log of node ${leader}, which leads: the ` +
    "cluster lost entries that it had acknowledged, as it does when members come back with old copies of their folders; " +
    `the folder of node ${nodeId} still tells what they were (quorumguard log dump); to go on without them, ${replaceAdvice(nodeId)}`
  );
}
