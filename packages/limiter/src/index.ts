/** The rate-limit state machine, pure and deterministic. Internal to QuorumGuard: no semver promise. */
export { type Ban, banDurationMs } from "./abuse/bans.ts";
export { boundRanges, checkBounds, defaultBounds } from "./bounds.ts";
export { type CallBatch, isDecided, NEVER, Outcome, type ResultColumns, singleCall } from "./call-batch.ts";
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
  ResetKey,
  SessionId,
  SnapshotCut,
  StateHash,
} from "./limiter.ts";
export { createLocalCounts, type LocalBounds, type LocalCounts, type LocalItem } from "./local-counts.ts";
export {
  type AdminChange,
  type AdminRequest,
  MAX_CHANGE_BYTES,
  readAdminRequest,
  readDocument,
} from "./policies/admin-change.ts";
export { canonicalJson, type Json } from "./policies/canonical.ts";
export type { PolicyCounters } from "./policies/counters.ts";
export { describeEdits } from "./policies/describe.ts";
export {
  type AlgorithmName,
  algorithmNames,
  algorithmNumber,
  type BanDocument,
  countingAlgorithmNames,
  type ListEntryDocument,
  type NamespaceDocument,
  type OverrideDocument,
  type PolicyDocument,
  type TierDocument,
  type TierKeyDocument,
} from "./policies/documents.ts";
export type { Explanation } from "./policies/explain.ts";
export type { HistoryEntry } from "./policies/history.ts";
export { type AdminResult, type PolicyDiff, type PolicyReader, policyBounds } from "./policies/policy-book.ts";
export { PolicyError, type PolicyErrorCode } from "./policies/policy-error.ts";
export type { PolicyRecord, RecordEdit } from "./policies/records.ts";
export { createResultColumns, type GrowingResultColumns } from "./result-columns.ts";
export { Algorithm, type Rule } from "./rule.ts";
export { SnapshotError } from "./snapshot/snapshot-error.ts";
export { endsHold, LAST_VERB, opensHold, Verb } from "./verb.ts";
