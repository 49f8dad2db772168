/** The Raft core, pure and synchronous. Internal to QuorumGuard: no semver promise. */
export * from "./types.ts";
