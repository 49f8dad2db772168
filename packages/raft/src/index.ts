/** The Raft core, pure and synchronous. Internal to QuorumGuard: no semver promise. */

export { decodeConfChange, encodeConfChange } from "./confchange/codec.ts";
export { createMemoryStorage, type MemoryStorage } from "./log/memory-storage.ts";
export { createRaft } from "./raft-node.ts";
export * from "./types.ts";
