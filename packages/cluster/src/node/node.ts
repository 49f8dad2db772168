import type {
  CallBatch,
  CallOrigin,
  Limiter,
  LimiterStats,
  Operation,
  OperationResult,
  ResultColumns,
  Rule,
  SessionId,
} from "@quorumguard/limiter";
import type { NodeId, StateType } from "@quorumguard/raft";
import type { DurationHistogram } from "../storage/duration-counts.ts";
import type { NamespaceWatch } from "./namespace-watch.ts";

/** A member and the addresses that clients reach it at. */
export interface Member {
  /** The node's id. */
  readonly nodeId: NodeId;
  /** host:port of its gRPC listener; empty while this node has not heard it. */
  readonly grpcEndpoint: string;
  /** http(s)://host:port of its HTTP listener; empty while this node has not heard it. */
  readonly httpUrl: string;
  /** Whether it votes and counts towards a quorum; a learner only gets the log. */
  readonly voter: boolean;
}

/** A change of the members, for a leader to make. */
export type MemberChange =
  /**
   * A newcomer becomes a learner. Its id must be larger than any that was ever a member's, and it must be running, waiting to join.
   * `address`: where it listens for its peers; not needed if it has asked this node to join.
   */
  | { readonly kind: "add"; readonly nodeId: NodeId; readonly address?: string }
  /** A learner that has caught up becomes a voter. */
  | { readonly kind: "promote"; readonly nodeId: NodeId }
  /** A voter or a learner is a member no more, and its id never will be again. */
  | { readonly kind: "remove"; readonly nodeId: NodeId }
  /** The voter `nodeId` goes and the learner `by`, which has caught up, votes in its place, in one step. */
  | { readonly kind: "replace"; readonly nodeId: NodeId; readonly by: NodeId };

/** A member as one node sees it. */
export interface MemberView {
  readonly nodeId: NodeId;
  /** What it may do: vote, or only get the log. */
  readonly role: "voter" | "learner";
  /** Where it listens for its peers; empty if the node does not know. */
  readonly peerAddress: string;
  /** The last log index that it is known to have on disk; null unless the node that is asked leads. */
  readonly matchIndex: number | null;
  /** Committed entries that it is known not to have yet; null unless the node that is asked leads. */
  readonly lag: number | null;
  /** Milliseconds since it was heard of; 0 for the node that is asked, null: never since that started. */
  readonly heardMsAgo: number | null;
}

/** Members and leader as this node knows them. Of two, that with the larger `(term, version)` is newer. */
export interface NodeTopology {
  /** The cluster's id, which its founders agree on when it forms; empty until then. */
  readonly clusterId: string;
  /** Orders two topologies of one term. */
  readonly version: number;
  /** All members, this node included. */
  readonly members: readonly Member[];
  /** The node that leads; 0: none is known. */
  readonly leaderId: NodeId;
  /** The Raft term in which it leads, or the latest that this node has seen. */
  readonly term: number;
  /** The node that says so. */
  readonly nodeId: NodeId;
}

/** Every reason that a {@link NodeFailure} may have. Nodes tell each other a reason by its place here: only append. */
export const nodeFailureReasons = [
  "not-leader",
  "overloaded",
  "session-expired",
  "unavailable",
  "invalid-argument",
  "wrong-cluster",
] as const;

/** Why calls were not decided, and what happened to them: the wire's ErrorDetail in the node's terms. */
export interface NodeFailure {
  /** Why there is no decision. */
  readonly reason: (typeof nodeFailureReasons)[number];
  /** Whether the calls were applied: "no", and they will not be; or they may have been, or may yet be. */
  readonly applied: "no" | "unknown";
  /** The reason in words, and what to do about it. */
  readonly message: string;
  /** When to try again, in milliseconds from now; 0: not told. */
  readonly retryAfterMs: number;
  /** not-leader: who leads as far as this node knows; 0 if it does not. */
  readonly leaderId: NodeId;
  /** The Raft term that `leaderId` leads in, or the latest that this node has seen. */
  readonly term: number;
}

/**
 * Where the answers to one submitted batch go. Parts may be answered apart: denials from applied state at once, the
 * rest after commit. Every call of the batch is answered exactly once, by either method.
 */
export interface CallSink {
  /**
   * Calls `[fromCall, toCall)` are decided; their items start at `fromItem` of `results`, which is valid only during
   * this call.
   *
   * @param more Later calls of the batch were decided in the same way and are told at once, their items next in the same `results`,
   * which stays as it is until the last of them was told.
   */
  decided(
    fromCall: number,
    toCall: number,
    results: ResultColumns,
    fromItem: number,
    facts: DecisionFacts,
    more?: boolean,
  ): void;
  failed(fromCall: number, toCall: number, failure: NodeFailure): void;
}

/** How a decision was made, for callers and audits. */
export interface DecisionFacts {
  /** Log index of the deciding entry; 0: answered by the leader from applied state. */
  readonly index: number;
  readonly stampUs: number;
  /**
   * The first log index whose entry the decision may not know to its end: the deciding entry's own, or one more than the
   * last in the leader's applied state.
   */
  readonly asOfIndex: number;
  readonly source: "quorum" | "leader";
  /** The call is a retry, and this is what was decided the first time: nothing was charged now. */
  readonly repeated: boolean;
}

/** What a caller says about a batch, beyond the calls. */
export interface SubmitOptions {
  /** No call of this batch was ever sent before (SEMANTICS D1). */
  readonly firstAttempt: boolean;
  /** Fail with not-leader rather than forward. */
  readonly noForward: boolean;
  /** Milliseconds that the caller still waits; work past it is dropped before it is proposed. 0: no bound. */
  readonly deadlineMs: number;
}

/** Everything a node tells about itself. */
export interface NodeStatus {
  /**
   * What this node is in its Raft group; "forming" while it waits for the other founders, "joining" while it waits to be added, "learner"
   * while it only gets the log, "removed" once it is a member no more.
   */
  readonly role: "forming" | "joining" | "learner" | "removed" | StateType;
  /** The latest Raft term that this node has seen. */
  readonly term: number;
  /** The last log index that this node knows to be committed: a quorum has it on disk. */
  readonly commitIndex: number;
  /** The last log index that this node's state machine has applied. */
  readonly appliedIndex: number;
  /** The last index of this node's log, committed or not. */
  readonly lastIndex: number;
  /** The last log index that this node's newest snapshot covers; 0: it has none. */
  readonly snapshotIndex: number;
  /** The replicated time as this node knows it: microseconds since 1970 by the cluster's own clock. */
  readonly stampUs: number;
  /**
   * The rolling hash of the state machine at `appliedIndex`: 16 hexadecimal digits, equal on all nodes at one index.
   */
  readonly stateHash: string;
  /** How full the state machine is. */
  readonly limiter: LimiterStats;
  /**
   * True while the node, whose last log record was cut short, waits for what the others tell it; it does not vote then.
   */
  readonly abstaining: boolean;
  /** Flushes of the log to disk since the node started. */
  readonly flushes: number;
  /** Moving average of their durations, in milliseconds. */
  readonly flushMs: number;
  /** Their durations, by bucket. */
  readonly flushDurations: DurationHistogram;
  /** Leaders that this node has heard of since it started, one for each term that had one. */
  readonly leaderChanges: number;
  /** True once the node has formed or rejoined, applied what was committed when it started, and knows a leader. */
  readonly ready: boolean;
}

/** What a node's applied state tells about what operators set, and what came of it. */
export type AppliedState = Pick<Limiter, "appliedIndex" | "policies" | "countBans" | "countSessions">;

/** What a program may ask and tell a node that it runs with `startServer`. */
export interface NodeHandle {
  /** The node's id. */
  readonly nodeId: NodeId;
  /** True once this node leads and has applied an entry of its own term. */
  readonly leads: boolean;
  /** The replicated time now, as well as this node knows it: microseconds since 1970 by the cluster's own clock. */
  stampUs(): number;
  /** Members and leader as this node knows them now. */
  topology(): NodeTopology;
  /** Calls `listener` after every change of leader, term or members' addresses. Returns what ends it. */
  onTopology(listener: (topology: NodeTopology) => void): () => void;
  /** Role, progress and occupancy of this node now. */
  status(): NodeStatus;
  /**
   * Hands leadership over; resolves with who leads then. 0: the most up-to-date voter.
   * @throws {Error} when this node does not lead, no such voter is up, or it has not taken over within four times
   * `electionMs`.
   */
  transferLeadership(to: NodeId): Promise<{ readonly leaderId: NodeId; readonly term: number }>;
  /** The members as this node knows them now. */
  members(): readonly MemberView[];
  /**
   * Changes the members; resolves with them once that is done.
   * @throws {MemberChangeError} when this node does not lead, the change is not possible now, or this node lost leadership meanwhile.
   */
  changeMembers(change: MemberChange): Promise<readonly MemberView[]>;
  /**
   * Cuts a snapshot and waits until it is on disk. Resolves with the last log index that it covers and its length in
   * bytes; the length is 0 for one that was cut before the last restart.
   * @throws {Error} when nothing has been applied yet, or a snapshot is being received.
   */
  takeSnapshot(): Promise<{ readonly index: number; readonly bytes: number }>;
}

/**
 * A running node without its listeners: Raft, storage and limiter behind one interface. Production and simulation run
 * the same code behind it; only the constructor's arguments differ.
 */
export interface ClusterNode extends NodeHandle {
  /** Resolves once storage is recovered and peers are being contacted; not once there is a leader. */
  start(): Promise<void>;
  /** Judges, proposes or forwards calls. Columns of `batch` are copied before it returns. */
  submit(origin: CallOrigin, batch: CallBatch, options: SubmitOptions, sink: CallSink): void;
  /** Register, renew, goodbye: through the log, forwarded if need be. */
  operate(
    operation: Exclude<Operation, { kind: "calls" }>,
    options: SubmitOptions,
    done: (outcome: OperationResult | NodeFailure) => void,
  ): void;
  /** What a take would come to now, from the leader's applied state; forwarded if need be. */
  peek(namespace: string, rule: Rule, key: Uint8Array, cost: number, options: SubmitOptions, sink: CallSink): void;
  /**
   * Has the leader answer from its applied state, as its {@link NodeOptions.answer} does; forwarded if need be. The leader has
   * heard from a quorum, so that no newer one can have changed what it tells.
   */
  ask(question: Uint8Array, options: SubmitOptions, answered: (answer: Uint8Array | NodeFailure) => void): void;
  /** Tells clients of a namespace what they do not ask for. */
  readonly namespaces: Pick<NamespaceWatch, "listen">;
  /** What this node has applied, for metrics and hints: a follower's is a little behind. Null: it has not started. */
  applied(): AppliedState | null;
  /** Whether the session lives in this node's applied state. Only a leader's "false" proves that it is gone. */
  knowsSession(session: SessionId, nonce: Uint8Array): boolean;
  /** Refuses new work with not-leader or unavailable, hands over if it leads, and waits until nothing is in flight. */
  drain(timeoutMs: number): Promise<void>;
  /** Ends every conversation and closes the log. Any number of times. */
  stop(): Promise<void>;
}
