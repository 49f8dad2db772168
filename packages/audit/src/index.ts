export { auditCallers, type TimeBreak } from "./rate-limit/caller-audit.ts";
export { auditLink } from "./rate-limit/link-audit.ts";
export { auditLog } from "./rate-limit/log-audit.ts";
export type { Acknowledgement, AskedItem, CallerRecord, CommittedEntry } from "./rate-limit/records.ts";
