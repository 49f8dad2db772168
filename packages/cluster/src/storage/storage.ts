import type { ConfState, Entry, HardState, NodeId, RaftStorage } from "@quorumguard/raft";
import type { DurationHistogram } from "./duration-counts.ts";
import type { MemberList } from "./member-record.ts";

/** Who a data folder belongs to. Written and flushed once, before the node sends anything in its name. */
export interface Identity {
  /** 32 hexadecimal digits, the same on every member. */
  readonly clusterId: string;
  readonly nodeId: NodeId;
  /** The founders' ids and founding nonces, so that a replaced disk is noticed (SEMANTICS N3). */
  readonly founders: readonly { readonly nodeId: NodeId; readonly nonce: string }[];
  readonly formatVersion: number;
}

/** Damage to data that this node had acknowledged. */
export interface Damage {
  /** Path of the file, relative to the data folder. */
  readonly file: string;
  /** Byte offset in it, or null if the file as a whole is meant. */
  readonly offset: number | null;
  readonly problem: string;
}

/** What a start found in the folder: nothing, a whole log, or one that lacks what this node may have promised. */
export interface Recovery {
  /**
   * The last frame was bad and nothing durable proved it acknowledged, or {@link damaged} is set: the node must abstain
   * (SEMANTICS N2). Stays true over restarts until {@link Storage.settleDroppedFrame}.
   */
  readonly droppedLastFrame: boolean;
  /**
   * Acknowledged data was damaged and the folder was opened for repair: the log is the longest prefix that is provably
   * sound, possibly nothing, and the term and vote are the newest that some intact frame proves. The node must abstain
   * until the cluster made up for it. Stays over restarts until {@link Storage.settleDroppedFrame}.
   */
  readonly damaged: Damage | null;
  /** Where the bad frame stood, for the operator, if it was this start that dropped it. */
  readonly droppedAt: { readonly file: string; readonly offset: number; readonly bytes: number } | null;
  /**
   * No vote and no acknowledgement of this node, lost ones included, was of a later term: an abstaining node enters one above it
   * before it speaks (SEMANTICS N2).
   */
  readonly latestTerm: number;
  /** True if the folder was empty: a founder, or a node that must join as a learner. */
  readonly empty: boolean;
}

/** One step of the log. All of it becomes durable together, or none of it. */
export interface StorageWrite {
  readonly hardState: HardState | null;
  /** Replaces everything from the first one's index on. */
  readonly entries: readonly Entry[];
  /** A received snapshot to switch to, already written by {@link Storage.receiveSnapshot}; the log before it goes. */
  readonly snapshot: SnapshotMeta | null;
}

/** The log position that a snapshot stands for, and who was a member there. */
export interface SnapshotMeta {
  readonly index: number;
  readonly term: number;
  readonly confState: ConfState;
  /** Addresses and ids of the members there; absent where none were told. */
  readonly members?: MemberList;
}

/** Writes a snapshot aside; it counts only after `commit`: flushed, renamed, its folder flushed. */
export interface SnapshotWriter {
  write(piece: Uint8Array): Promise<void>;
  commit(): Promise<void>;
  /** Removes what was written. Safe at any time before `commit`. */
  abort(): Promise<void>;
}

/** A snapshot on disk, for restoring and for sending; open until closed, even if a newer one replaces it. */
export interface SnapshotReader {
  readonly meta: SnapshotMeta;
  /** Length of the file as it is sent to a peer. */
  readonly bytes: number;
  /** The state machine's pieces, checked, in order. */
  pieces(): AsyncIterable<Uint8Array>;
  /** Raw bytes of the file, for sending. */
  read(position: number, length: number): Promise<Uint8Array>;
  close(): Promise<void>;
}

/**
 * A node's durable state: log, term and vote, snapshots, identity. Reads (RaftStorage) come from memory and see a write
 * as soon as it was handed in; `done` is called when it is durable. One flush is in flight at a time; what arrives
 * meanwhile goes out together with the next.
 */
export interface Storage extends RaftStorage {
  readonly identity: Identity | null;
  readonly recovery: Recovery;
  saveIdentity(identity: Identity): Promise<void>;
  /**
   * The cluster made up for the dropped last frame or the damaged data (SEMANTICS N2 a or b): durably, this node no longer
   * abstains.
   */
  settleDroppedFrame(): Promise<void>;
  /**
   * The end of the log turned out to be gone without a trace: durably, this node abstains from its next start on. It may have spoken
   * in any term up to `term`.
   */
  noteLostEnd(term: number): Promise<void>;
  /**
   * Calls `done`, never before it returns, once the write and every one before it is durable. Never fails: see
   * {@link StorageOptions.onFatal}. A write that only advances `commit` waits for no flush of its own: it rides with the
   * next one, since a commit index that is lost is learned anew.
   * @throws if there is no identity yet, or the entries would leave a gap.
   */
  append(write: StorageWrite, done: () => void): void;
  /** An image of our own state machine. After `commit`, `snapshot()` names it. */
  writeSnapshot(meta: SnapshotMeta): Promise<SnapshotWriter>;
  /** A peer's image, in the bytes of its {@link SnapshotReader.read}. `commit` only makes it ready for `append`. */
  receiveSnapshot(meta: SnapshotMeta): Promise<SnapshotWriter>;
  openSnapshot(): Promise<SnapshotReader | null>;
  /** Bytes of the newest snapshot, as it is sent to a peer; 0 if there is none. */
  readonly snapshotBytes: number;
  /** Drops entries up to `index`, which a snapshot must cover. */
  compact(index: number): Promise<void>;
  /** How far to {@link compact} so that of the entries up to `index` the last `maxEntries` stay, as long as `maxBytes` of memory hold them. */
  indexBehind(index: number, maxEntries: number, maxBytes: number): number;
  /** Bytes of memory that the log since the last snapshot takes, which is a little more than it takes on disk. */
  readonly logBytes: number;
  readonly stats: StorageStats;
  close(): Promise<void>;
}

/** How much was written and how long flushes take, for metrics, benchmarks and the watch for a stalled disk. */
export interface StorageStats {
  readonly flushes: number;
  readonly bytesWritten: number;
  /** How long the flush in flight has taken so far, in milliseconds; 0 if none is. */
  readonly flushingForMs: number;
  /** Moving average of flush durations in milliseconds. */
  readonly flushMs: number;
  /** Every flush of the log since start: writing a frame and making it durable. */
  readonly flushDurations: DurationHistogram;
}

/** What a storage takes from outside: sizes, time and chance. */
export interface StorageOptions {
  /**
   * Opens a folder whose acknowledged data is damaged: keeps the longest provably sound prefix, sets the damaged files aside
   * under names that end in `.damaged`, and says so in {@link Recovery.damaged}. Without it, and by default, such a folder
   * is refused. Damage to the file `identity`, and files of another node, cluster or version, are refused either way.
   */
  readonly repair?: boolean;
  /** Size of a log segment in bytes, 64 KiB to 1 GiB. Default 16 MiB. */
  readonly segmentBytes?: number;
  /** Milliseconds, monotonic, for the flush statistics. */
  readonly monotonicMs: () => number;
  /** Random bytes for segment identities. */
  readonly randomBytes: (length: number) => Uint8Array;
  /**
   * Calls once after a delay and returns what cancels it. With it, an idle log notes that its last frame is durable, so
   * that damage to that frame is told from a torn write; without, only a clean close does.
   */
  readonly setTimer?: (callback: () => void, delayMs: number) => () => void;
  /** A write or flush failed: the node must stop at once; nothing after this is acknowledged (house rule: storage failure is fatal). */
  readonly onFatal: (error: Error) => void;
}

// The factory, in open-storage.ts:
//   openStorage(files: FileSystem, options: StorageOptions): Promise<Storage>
//     recovers, flushes what it read (SEMANTICS N1), throws StorageError {file, offset, message} on damage to acknowledged data.
