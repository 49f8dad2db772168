/** The Raft core, pure and synchronous. Internal to QuorumGuard: no semver promise. */

export { decodeConfChange, encodeConfChange } from "./confchange/codec.ts";
export { createMemoryStorage, type MemoryStorage } from "./log/memory-storage.ts";
export { createMessage } from "./message.ts";
export { createRaft } from "./raft-node.ts";
export {
  appendThread,
  applyThread,
  type ConfChange,
  type ConfChangeKind,
  type ConfState,
  type Entry,
  EntryType,
  type HardState,
  type Message,
  MessageType,
  type NodeId,
  noNode,
  type ProgressState,
  type ProgressStatus,
  type Raft,
  type RaftOptions,
  type RaftStorage,
  type ReadState,
  type Ready,
  type Refusal,
  type Snapshot,
  type SoftState,
  type StateType,
  type Status,
  type VoteFloor,
} from "./types.ts";
