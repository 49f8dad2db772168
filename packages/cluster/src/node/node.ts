import type {
  CallBatch,
  CallOrigin,
  LimiterStats,
  Operation,
  OperationResult,
  ResultColumns,
  Rule,
  SessionId,
} from "@quorumguard/limiter";
import type { NodeId, StateType } from "@quorumguard/raft";
import type { DurationHistogram } from "../storage/duration-counts.ts";

/** A member and the addresses that clients reach it at. */
export interface Member {
  readonly nodeId: NodeId;
  readonly grpcEndpoint: string;
  readonly httpUrl: string;
  readonly voter: boolean;
}

/** Members and leader as this node knows them; hints are ordered by `(term, version)`. */
export interface NodeTopology {
  readonly clusterId: string;
  readonly version: number;
  readonly members: readonly Member[];
  readonly leaderId: NodeId;
  readonly term: number;
  readonly nodeId: NodeId;
}

/** Why calls were not decided, and what happened to them: the wire's ErrorDetail in the node's terms. */
export interface NodeFailure {
  readonly reason:
    | "not-leader"
    | "overloaded"
    | "session-expired"
    | "unavailable"
    | "invalid-argument"
    | "wrong-cluster";
  readonly applied: "no" | "unknown";
  readonly message: string;
  readonly retryAfterMs: number;
  /** not-leader: who leads as far as this node knows; 0 if it does not. */
  readonly leaderId: NodeId;
  readonly term: number;
}

/**
 * Where the answers to one submitted batch go. Parts may be answered apart: denials from applied state at once, the
 * rest after commit. Every call of the batch is answered exactly once, by either method.
 */
export interface CallSink {
  /** Calls `[fromCall, toCall)` are decided; their items start at `fromItem` of `results`, which is valid only during this call. */
  decided(fromCall: number, toCall: number, results: ResultColumns, fromItem: number, facts: DecisionFacts): void;
  failed(fromCall: number, toCall: number, failure: NodeFailure): void;
}

/** How a decision was made, for callers and audits. */
export interface DecisionFacts {
  /** Log index of the deciding entry; 0: answered by the leader from applied state. */
  readonly index: number;
  readonly stampUs: number;
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
  readonly role: "forming" | StateType;
  readonly term: number;
  readonly commitIndex: number;
  readonly appliedIndex: number;
  readonly lastIndex: number;
  readonly snapshotIndex: number;
  readonly stampUs: number;
  readonly stateHash: string;
  readonly limiter: LimiterStats;
  readonly abstaining: boolean;
  readonly flushes: number;
  /** Moving average of flush durations. */
  readonly flushMs: number;
  readonly flushDurations: DurationHistogram;
  /** Leadership changes seen since start. */
  readonly leaderChanges: number;
  /** True once the node has formed or rejoined, applied what was committed when it started, and knows a leader. */
  readonly ready: boolean;
}

/**
 * A running node without its listeners: Raft, storage and limiter behind one interface. Production and simulation run
 * the same code behind it; only the constructor's arguments differ.
 */
export interface ClusterNode {
  readonly nodeId: NodeId;
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
  /** Whether the session lives in this node's applied state. Only a leader's "false" proves that it is gone. */
  knowsSession(session: SessionId, nonce: Uint8Array): boolean;
  /** True once this node leads and has applied an entry of its own term. */
  readonly leads: boolean;
  /** The replicated time now, as well as this node knows it. */
  stampUs(): number;
  topology(): NodeTopology;
  /** Called after every change of leader, term or members. Returns what ends it. */
  onTopology(listener: (topology: NodeTopology) => void): () => void;
  status(): NodeStatus;
  /** Hands leadership over; resolves with who leads then. 0: the most up-to-date voter. */
  transferLeadership(to: NodeId): Promise<{ readonly leaderId: NodeId; readonly term: number }>;
  takeSnapshot(): Promise<{ readonly index: number; readonly bytes: number }>;
  /** Refuses new work with not-leader or unavailable, hands over if it leads, and waits until nothing is in flight. */
  drain(timeoutMs: number): Promise<void>;
  stop(): Promise<void>;
}

// The factory, in create-node.ts:
//   createNode(options: NodeOptions): ClusterNode
//   NodeOptions: nodeId, founders: [{nodeId, peerAddress…, member addresses}], files: FileSystem, transport: PeerTransport, clock: Clock,
//     random(): number in [0,1), randomBytes(n), bounds?, heartbeatMs 30, electionMs 150, limits (queue bytes, entry items/bytes), log: NodeLog, onFatal(error)
