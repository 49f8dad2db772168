/** The rate-limit state machine, pure and deterministic. Internal to QuorumGuard: no semver promise. */
export { type CallBatch, NEVER, Outcome, type ResultColumns } from "./call-batch.ts";
export type { CallOrigin, EntryWriter, Operation } from "./entry.ts";
export type {
  Applied,
  Bounds,
  Limiter,
  LimiterRestore,
  LimiterStats,
  OperationResult,
  SessionId,
  SnapshotCut,
  StateHash,
} from "./limiter.ts";
export { Algorithm, type Rule } from "./rule.ts";
