/** The rate-limit state machine, pure and deterministic. Internal to QuorumGuard: no semver promise. */
export { checkBounds, defaultBounds } from "./bounds.ts";
export { type CallBatch, NEVER, Outcome, type ResultColumns, singleCall } from "./call-batch.ts";
export { createLimiter, restoreLimiter } from "./create-limiter.ts";
export { EntryError } from "./entry/entry-error.ts";
export { createEntryWriter, encodeOperation, writeOperation } from "./entry/entry-writer.ts";
export { decodeOperation, readEntry } from "./entry/read-entry.ts";
export type { CallOrigin, EntryWriter, Operation } from "./entry.ts";
export { isKnownAlgorithm } from "./known-algorithms.ts";
export type {
  Applied,
  Bounds,
  CallRun,
  Limiter,
  LimiterRestore,
  LimiterStats,
  OperationResult,
  SessionId,
  SnapshotCut,
  StateHash,
} from "./limiter.ts";
export { type AdminChange, type AdminRequest, readAdminRequest, readDocument } from "./policies/admin-change.ts";
export type { NamespaceDocument, PolicyDocument } from "./policies/documents.ts";
export { PolicyError, type PolicyErrorCode } from "./policies/policy-error.ts";
export { createResultColumns, type GrowingResultColumns } from "./result-columns.ts";
export { Algorithm, type Rule } from "./rule.ts";
export { SnapshotError } from "./snapshot/snapshot-error.ts";
export { endsHold, LAST_VERB, opensHold, Verb } from "./verb.ts";
