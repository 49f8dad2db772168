/** The vocabulary of the core: what goes in, what comes out. Terms are the Raft thesis's. */

/** A member, 1 to 2^53-1, never reused. */
export type NodeId = number;
/** Nobody: no vote, no leader, no addressee. */
export const noNode: NodeId = 0;
/** Addressees of the messages that carry storage writes: the log on disk and the state machine. */
export const appendThread: NodeId = -1;
/** Addressee of the messages that carry committed entries to the state machine. */
export const applyThread: NodeId = -2;

/** What an entry holds: the state machine's data, or a change of membership (`confChange`: of at most one voter). */
export const EntryType = { normal: 0, confChange: 1, confChangeV2: 2 } as const;
/** A value of the table. */
export type EntryType = (typeof EntryType)[keyof typeof EntryType];

/** One place in the log; `term` and `index` together name it in the whole group. */
export interface Entry {
  readonly term: number;
  readonly index: number;
  readonly type: EntryType;
  /** Opaque to Raft. Empty for the entry with which a leader opens its term. */
  readonly data: Uint8Array;
}

/** What must be durable before a node speaks for it. */
export interface HardState {
  readonly term: number;
  readonly vote: NodeId;
  readonly commit: number;
}

/** A membership, joint while `votersOutgoing` is not empty. */
export interface ConfState {
  readonly voters: readonly NodeId[];
  readonly votersOutgoing: readonly NodeId[];
  readonly learners: readonly NodeId[];
  readonly learnersNext: readonly NodeId[];
  readonly autoLeave: boolean;
}

/** A state machine's image at `index`. `data` is opaque: a node keeps the image itself on disk and sends it apart. */
export interface Snapshot {
  readonly index: number;
  readonly term: number;
  readonly confState: ConfState;
  readonly data: Uint8Array;
}

/** Inputs of a core, messages between cores, and those that carry storage writes and their reports. */
export const MessageType = {
  hup: 0,
  beat: 1,
  prop: 2,
  app: 3,
  appResp: 4,
  vote: 5,
  voteResp: 6,
  snap: 7,
  heartbeat: 8,
  heartbeatResp: 9,
  unreachable: 10,
  snapStatus: 11,
  checkQuorum: 12,
  transferLeader: 13,
  timeoutNow: 14,
  readIndex: 15,
  readIndexResp: 16,
  preVote: 17,
  preVoteResp: 18,
  storageAppend: 19,
  storageAppendResp: 20,
  storageApply: 21,
  storageApplyResp: 22,
  forgetLeader: 23,
} as const;
/** A value of the table. */
export type MessageType = (typeof MessageType)[keyof typeof MessageType];

/**
 * Everything that moves between cores, and between a core and its storage. Fields that a type does not use are 0,
 * empty, false or absent.
 */
export interface Message {
  readonly type: MessageType;
  readonly to: NodeId;
  readonly from: NodeId;
  readonly term: number;
  /** Term of the entry at `index`. */
  readonly logTerm: number;
  readonly index: number;
  readonly entries: readonly Entry[];
  readonly commit: number;
  /** storageAppend: the vote to persist. */
  readonly vote: NodeId;
  readonly reject: boolean;
  /** Rejections: where the logs may still agree. */
  readonly rejectHint: number;
  /** readIndex and the heartbeats that confirm it; leadership-transfer votes. */
  readonly context: Uint8Array | null;
  readonly snapshot: Snapshot | null;
  /** storageAppend, storageApply: what to deliver once the write is durable (or applied), in order. */
  readonly responses: readonly Message[];
}

/** A node's role in its term. */
export type StateType = "follower" | "preCandidate" | "candidate" | "leader";

/** What is worth knowing about a node but not worth persisting. */
export interface SoftState {
  readonly leader: NodeId;
  readonly state: StateType;
}

/** A read may be served once the state machine has applied `index`. */
export interface ReadState {
  readonly index: number;
  readonly context: Uint8Array;
}

/**
 * What the core wants done. In asynchronous mode (production) only `softState`, `readStates` and `messages` carry work:
 * `messages` holds at most one `storageAppend` and one `storageApply`, whose responses say what to deliver afterwards; the other
 * fields repeat their content for information. In synchronous mode (scripts): persist `hardState`, `entries` and `snapshot`, then
 * send `messages`, apply `committedEntries`, call `advance`.
 */
export interface Ready {
  readonly softState: SoftState | null;
  readonly hardState: HardState | null;
  readonly readStates: readonly ReadState[];
  readonly entries: readonly Entry[];
  readonly snapshot: Snapshot | null;
  readonly committedEntries: readonly Entry[];
  readonly messages: readonly Message[];
  /** Whether `entries` and `hardState` must be flushed, not only written. */
  readonly mustSync: boolean;
}

/**
 * The durable log as the core reads it: synchronous, from memory. A node keeps the entries since its last snapshot in
 * memory; writes reach this view when they are handed to storage, not when they are flushed.
 */
export interface RaftStorage {
  initialState(): { readonly hardState: HardState; readonly confState: ConfState };
  /**
   * Entries `[lo, hi)`, at least one if there is one, then as many as fit in `maxBytes` of data.
   * @returns "compacted" if `lo` is before `firstIndex`, "unavailable" if the range ends after `lastIndex`.
   */
  entries(lo: number, hi: number, maxBytes: number): readonly Entry[] | "compacted" | "unavailable";
  /** Term of the entry at `index`, from `firstIndex - 1` on. */
  term(index: number): number | "compacted" | "unavailable";
  firstIndex(): number;
  lastIndex(): number;
  /** The newest snapshot, or "unavailable" while one is being made: the core asks again later. */
  snapshot(): Snapshot | "unavailable";
}

/** A core's surroundings and limits. Membership and hard state come from `storage`. */
export interface RaftOptions {
  readonly id: NodeId;
  readonly storage: RaftStorage;
  /** Index up to which the state machine has applied: nothing at or below is handed out again. */
  readonly applied: number;
  /** Ticks without a leader after which a follower campaigns; the actual number is drawn from [n, 2n). */
  readonly electionTimeoutTicks: number;
  readonly heartbeatTicks: number;
  readonly asyncStorageWrites: boolean;
  readonly preVote: boolean;
  readonly checkQuorum: boolean;
  /** Bytes of entry data per append message. Default 1 MiB. */
  readonly maxBytesPerMessage?: number;
  /** Bytes of committed entries handed out at once; default: as maxBytesPerMessage. */
  readonly maxCommittedBytesPerReady?: number;
  /** Bytes proposed and not yet applied, beyond which proposals are dropped. Default 64 MiB. */
  readonly maxUncommittedBytes?: number;
  /** Append messages in flight per follower. Default 256. */
  readonly maxInflightMessages?: number;
  /** Bytes of entries in flight per follower. Default 16 MiB. */
  readonly maxInflightBytes?: number;
  /** Leases exist for the conformance scripts alone; a node never sets "lease". Default "safe". */
  readonly readOnly?: "safe" | "lease";
  readonly disableConfChangeValidation?: boolean;
  readonly stepDownOnRemoval?: boolean;
  /** Refuse proposals on followers instead of forwarding them: a node stamps entries, so only a leader may propose. */
  readonly disableProposalForwarding?: boolean;
  /** An integer in [0, bound): the only randomness. */
  readonly random: (bound: number) => number;
  /** What a core that logged would log; scripts compare nothing of it. */
  readonly trace?: (line: string) => void;
}

/** How a leader sends to a follower: one message at a time, as many as the limits allow, or a snapshot first. */
export type ProgressState = "probe" | "replicate" | "snapshot";
export interface ProgressStatus {
  readonly match: number;
  readonly next: number;
  readonly state: ProgressState;
  readonly learner: boolean;
  /** Heard from since the last CheckQuorum. */
  readonly recentActive: boolean;
  readonly paused: boolean;
  readonly pendingSnapshot: number;
  readonly inflight: number;
}

/** Everything about a node, for people and tests: not for every turn. */
export interface Status {
  readonly id: NodeId;
  readonly term: number;
  readonly vote: NodeId;
  readonly leader: NodeId;
  readonly state: StateType;
  readonly commitIndex: number;
  readonly appliedIndex: number;
  readonly lastIndex: number;
  /** The target of a transfer under way, else `noNode`. */
  readonly leadTransferee: NodeId;
  /** This node lost votes and entries, and nothing has made up for it yet (SEMANTICS N2). */
  readonly abstaining: boolean;
  /** While the own log is below what the others told of after such a loss: votes go to logs as good as this only. */
  readonly voteFloor: VoteFloor | null;
  readonly confState: ConfState;
  /** Leader only. */
  readonly progress: ReadonlyMap<NodeId, ProgressStatus>;
}

/** Why the core would not take an input; nothing changed. */
export type Refusal = "dropped" | "stopped" | "peer-not-found" | "local-message" | "too-large";

/** What happens to one member; `update` only carries its new addresses. */
export type ConfChangeKind = "addVoter" | "addLearner" | "remove" | "update";
/** A membership change: simple, or through a joint configuration when it has several parts or asks for it. */
export interface ConfChange {
  readonly transition: "auto" | "implicit" | "explicit";
  /** Empty: leave the joint configuration. */
  readonly changes: readonly { readonly kind: ConfChangeKind; readonly nodeId: NodeId }[];
  /** Opaque to Raft: a member's addresses. */
  readonly context: Uint8Array;
}

/** The best of the other voters' logs, as each of them told: what a node that lost the end of its own may not fall behind. */
export interface VoteFloor {
  readonly lastTerm: number;
  readonly lastIndex: number;
}

/**
 * One node's consensus core: a pure, synchronous state machine. Inputs change state; `ready` says what to do about it.
 * Nothing here reads a clock, draws an unseeded number or waits.
 */
export interface Raft {
  /** One unit of time. */
  tick(): void;
  /** A message from a peer or a response from storage. Returns why it was refused, or null. */
  step(message: Message): Refusal | null;
  /** Leader: appends entries with these data, in order, or none of them. */
  propose(data: readonly Uint8Array[]): Refusal | null;
  proposeConfChange(change: ConfChange): Refusal | null;
  /** The state machine reached a membership entry: switch to it (or ignore a change that `null` cancels). */
  applyConfChange(change: ConfChange | null): ConfState;
  campaign(): void;
  /** Asks for a read index; the answer arrives in `readStates` under the same context. */
  readIndex(context: Uint8Array): Refusal | null;
  transferLeader(to: NodeId): void;
  /** A follower with proof that its leader is dead forgets it, so that it may vote and campaign at once. */
  forgetLeader(): void;
  /**
   * This node lost the end of its log, and maybe votes with it (SEMANTICS N2): it neither votes nor campaigns until an entry of the
   * current or a later term is committed in its log. The current term must be above every one that it may have spoken in.
   */
  abstain(): void;
  /** Ends abstention earlier, when every other voter has told the end of its log: votes only for logs as up to date as the best. */
  endAbstention(floor: VoteFloor): void;
  reportUnreachable(id: NodeId): void;
  reportSnapshot(id: NodeId, ok: boolean): void;

  hasReady(): boolean;
  ready(): Ready;
  /** Synchronous mode only. */
  advance(): void;
  status(): Status;
  /** The cheap part of `status`, for every turn. */
  readonly softState: SoftState;
  readonly term: number;
  readonly commitIndex: number;
  /** Of the log, entries that are not yet on disk included. */
  readonly lastIndex: number;
}
