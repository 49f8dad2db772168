/** How histories are judged: linearizability, and naive models of the limiter. Private to QuorumGuard. */
export { casRegister, type RegisterInput, type RegisterOutput } from "./linearizability/cas-register.ts";
export { type CheckOptions, type CheckResult, checkLinearizability } from "./linearizability/check-linearizability.ts";
export { createKeyValueModel, type KeyValueInput, type KeyValueOutput } from "./linearizability/key-value.ts";
export type { Model, Operation } from "./linearizability/model.ts";
export { type EntryDataStore, memoryDataStore } from "./raft/entry-data.ts";
export { createRaftWitness, type RaftWitness } from "./raft/raft-witness.ts";
export { requestCallId, sessionCallId, sessionName } from "./rate-limit/call-ids.ts";
export type { CallDecision, CallOperation, CommittedCall } from "./rate-limit/call-operation.ts";
export { auditCallers, type TimeBreak } from "./rate-limit/caller-audit.ts";
export { callsOfRecords, requestCallsOnLog } from "./rate-limit/calls-of-records.ts";
export { type Judgement, judgeCallHistory } from "./rate-limit/judge-call-history.ts";
export { isPlainTake, type JudgeOptions } from "./rate-limit/judge-options.ts";
export { auditLeases } from "./rate-limit/lease-audit.ts";
export { auditLink } from "./rate-limit/link-audit.ts";
export { auditLog } from "./rate-limit/log-audit.ts";
export { createNaiveCounter, type NaiveCounter, type NaiveVerdict } from "./rate-limit/naive-counter.ts";
export type { NaiveEvents, NaiveLog } from "./rate-limit/naive-log.ts";
export { auditOnce } from "./rate-limit/once-audit.ts";
export { mostInAlignedWindow, mostInAnyWindow } from "./rate-limit/published-bound.ts";
export type { Acknowledgement, AskedItem, CallerRecord, CommittedEntry } from "./rate-limit/records.ts";
export { auditReports, type ReportsOfGuard, type ReportsTold } from "./rate-limit/report-audit.ts";
export { auditWaits } from "./rate-limit/wait-audit.ts";
export {
  type AskedCall,
  type AskedCalls,
  type AskedCallsOptions,
  createAskedCalls,
  type FrameNews,
  type ReplyNews,
} from "./wire/asked-calls.ts";
export { boundSession } from "./wire/bound-session.ts";
