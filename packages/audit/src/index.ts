/** How histories are judged: linearizability, and naive models of the limiter. Private to QuorumGuard. */
export { casRegister, type RegisterInput, type RegisterOutput } from "./linearizability/cas-register.ts";
export { type CheckOptions, type CheckResult, checkLinearizability } from "./linearizability/check-linearizability.ts";
export { createKeyValueModel, type KeyValueInput, type KeyValueOutput } from "./linearizability/key-value.ts";
export type { Model, Operation } from "./linearizability/model.ts";
export type { CallDecision, CallOperation, CommittedCall } from "./rate-limit/call-operation.ts";
export { auditCallers, type TimeBreak } from "./rate-limit/caller-audit.ts";
export { callsOfRecords, requestCallsOnLog } from "./rate-limit/calls-of-records.ts";
export { type Judgement, judgeCallHistory } from "./rate-limit/judge-call-history.ts";
export type { JudgeOptions } from "./rate-limit/judge-options.ts";
export { auditLink } from "./rate-limit/link-audit.ts";
export { auditLog } from "./rate-limit/log-audit.ts";
export { requestCallId, sessionCallId } from "./rate-limit/naive-log.ts";
export type { Acknowledgement, AskedItem, CallerRecord, CommittedEntry } from "./rate-limit/records.ts";
