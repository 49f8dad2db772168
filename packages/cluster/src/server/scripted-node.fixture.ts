import {
  type CallBatch,
  type CallOrigin,
  type OperationResult,
  type ResultColumns,
  singleCall,
} from "@quorumguard/limiter";
import type { NamespaceListener } from "../node/namespace-watch.ts";
import type {
  AppliedState,
  CallSink,
  ClusterNode,
  DecisionFacts,
  MemberChange,
  MemberView,
  NodeFailure,
  NodeStatus,
  NodeTopology,
  SubmitOptions,
} from "../node/node.ts";

type Operate = ClusterNode["operate"];
type Done = (outcome: OperationResult | NodeFailure) => void;

/** One batch that a handler submitted, waiting for the test to answer it. */
export interface Submission {
  readonly origin: CallOrigin;
  readonly batch: CallBatch;
  readonly options: SubmitOptions;
  readonly sink: CallSink;
}

/** A node that answers only what a test tells it to, so that a test can hold any answer back. What is tested is the handler, never this. */
export interface ScriptedNode extends ClusterNode {
  leads: boolean;
  readonly submissions: Submission[];
  readonly peeks: Submission[];
  readonly operations: {
    readonly operation: Parameters<Operate>[0];
    readonly options: SubmitOptions;
    readonly done: Done;
  }[];
  readonly knownSessions: Set<number>;
  currentTopology: NodeTopology;
  listeners: Set<(topology: NodeTopology) => void>;
  /** Who listens for what happens in each namespace. */
  readonly namespaceListeners: Map<string, NamespaceListener>;
  currentStatus: NodeStatus;
  currentMembers: readonly MemberView[];
  readonly changes: MemberChange[];
  readonly questions: Uint8Array[];
  /** What is set, as far as this node knows; by default nothing is applied. */
  appliedState: AppliedState | null;
  /** What whoever leads answers to a question; by default nobody is known to. */
  answer: (question: Uint8Array) => Uint8Array | NodeFailure;
  /** Called for each submission as it comes; by default nothing answers. */
  onSubmit: (submission: Submission) => void;
}

/** Results with the same outcome for all of `items`. */
export function resultsOf(items: number, outcome: number, remaining = 4): ResultColumns {
  const denied = outcome === 2;
  return {
    items,
    outcomes: new Uint8Array(items).fill(outcome),
    remaining: new Float64Array(items).fill(denied ? 0 : remaining),
    resetAfterMs: new Float64Array(items).fill(1_000),
    retryAfterMs: new Float64Array(items).fill(denied ? 250 : 0),
    firmForMs: new Float64Array(items).fill(denied ? 200 : 0),
    handles: new Float64Array(items),
    limits: new Float64Array(items).fill(5),
    shadows: new Uint8Array(items),
  };
}

export const quorumFacts: DecisionFacts = {
  index: 42,
  asOfIndex: 42,
  stampUs: 7_000_000,
  source: "quorum",
  repeated: false,
};

/** A denial from applied state. */
export const leaderFacts: DecisionFacts = { ...quorumFacts, index: 0, asOfIndex: 40, source: "leader" };

/** Applied state without anything in it but policies, of which a test says what it needs. */
export function stateOf(policies: object, over: Partial<AppliedState> = {}): AppliedState {
  const none = { appliedIndex: 0, countBans: () => 0, countSessions: () => 0 };
  return { ...none, policies: policies as AppliedState["policies"], ...over };
}

export const notLeader: NodeFailure = {
  reason: "not-leader",
  applied: "no",
  message: "node 1 does not lead",
  retryAfterMs: 0,
  leaderId: 2,
  term: 5,
};

const topology: NodeTopology = {
  clusterId: "00112233445566778899aabbccddeeff",
  version: 3,
  members: [1, 2, 3].map((nodeId) => ({
    nodeId,
    grpcEndpoint: `node${nodeId}.example:7400`,
    httpUrl: `http://node${nodeId}.example:7402`,
    voter: true,
  })),
  leaderId: 2,
  term: 5,
  nodeId: 1,
};

const status: NodeStatus = {
  role: "follower",
  term: 5,
  commitIndex: 40,
  appliedIndex: 39,
  lastIndex: 41,
  snapshotIndex: 0,
  stampUs: 7_000_000,
  stateHash: "0123456789abcdef",
  limiter: {
    ...{ maxKeys: 14, maxHolds: 18 },
    ...{ keys: 11, sessions: 2, requestIds: 3, keysFull: 1, holdsFull: 10, bansBegun: 12, denialsUncounted: 13 },
    ...{ reservations: 4, slots: 5, leases: 6, reservationsEnded: 7, slotsEnded: 8, leasesEnded: 9 },
  },
  abstaining: false,
  flushes: 17,
  flushMs: 0.25,
  flushDurations: { boundsMs: [0.1, 0.5], counts: Float64Array.of(10, 6, 1), totalMs: 4.25 },
  leaderChanges: 2,
  ready: true,
};

export function createScriptedNode(): ScriptedNode {
  const node: ScriptedNode = {
    nodeId: 1,
    leads: false,
    submissions: [],
    peeks: [],
    operations: [],
    knownSessions: new Set(),
    currentTopology: topology,
    currentStatus: status,
    currentMembers: [1, 2, 3].map((nodeId) => ({
      nodeId,
      role: nodeId === 3 ? "learner" : "voter",
      peerAddress: `node${nodeId}.example:7401`,
      matchIndex: nodeId === 3 ? null : 40,
      lag: nodeId === 3 ? null : 0,
      heardMsAgo: nodeId === 1 ? 0 : 12,
    })),
    changes: [],
    questions: [],
    appliedState: null,
    answer: () => notLeader,
    listeners: new Set(),
    namespaceListeners: new Map(),
    namespaces: {
      listen(namespace, listener) {
        node.namespaceListeners.set(namespace, listener);
        return () => node.namespaceListeners.delete(namespace);
      },
    },
    onSubmit: () => {},
    start: async () => {},
    submit(origin, batch, options, sink) {
      const submission = { origin, batch: structuredClone(batch), options, sink };
      node.submissions.push(submission);
      node.onSubmit(submission);
    },
    operate: (operation, options, done) => void node.operations.push({ operation, options, done }),
    peek(namespace, rule, key, cost, options, sink) {
      const batch = singleCall(rule, key, cost);
      const submission: Submission = { origin: { kind: "anonymous", namespace }, batch, options, sink };
      node.peeks.push(submission);
      node.onSubmit(submission);
    },
    ask(question, _options, answered) {
      node.questions.push(question);
      answered(node.answer(question));
    },
    applied: () => node.appliedState,
    knowsSession: (session) => node.knownSessions.has(session.index),
    stampUs: () => 7_000_000.5,
    topology: () => node.currentTopology,
    onTopology(listener) {
      node.listeners.add(listener);
      return () => node.listeners.delete(listener);
    },
    status: () => node.currentStatus,
    transferLeadership: async (to) => ({ leaderId: to === 0 ? 3 : to, term: 6 }),
    members: () => node.currentMembers,
    async changeMembers(change) {
      node.changes.push(change);
      return node.currentMembers;
    },
    takeSnapshot: async () => ({ index: 40, bytes: 1_234 }),
    drain: async () => {},
    stop: async () => {},
  };
  return node;
}

/** Answers every submission at once, all of its calls alike. */
export function answerAll(node: ScriptedNode, outcome: number, facts: DecisionFacts = quorumFacts): void {
  node.onSubmit = ({ batch, sink }) => sink.decided(0, batch.calls, resultsOf(batch.items, outcome), 0, facts);
}
