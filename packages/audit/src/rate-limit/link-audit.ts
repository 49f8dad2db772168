import type { NaiveLog } from "./naive-log.ts";
import { type CallerRecord, counterIdentity } from "./records.ts";

/**
 * Ties the two ends together: what a client's callers were told was allowed must have been charged by that client's
 * sessions in the log. Nothing is allowed twice over one charge, and no allowance is made up on the way.
 *
 * @param clientOf Whose session it is.
 */
export function auditLink(
  records: readonly CallerRecord[],
  log: NaiveLog,
  clientOf: (session: string) => string | undefined,
): string[] {
  const charged = new Map<string, number>();
  const add = (counts: Map<string, number>, key: string, amount: number) =>
    counts.set(key, (counts.get(key) ?? 0) + amount);
  for (const { session, decision } of log.admitted()) {
    const client = clientOf(session);
    for (const { rule, key, cost, verb = 0 } of decision.items)
      add(charged, `${client} on ${counterIdentity("", rule, key)} by verb ${verb}`, cost);
  }
  const told = new Map<string, number>();
  for (const record of records) {
    // What leases allowed was charged when they were granted: the audit of leases holds them against that.
    if (record.allowed !== true || record.degraded || record.requestId !== null || record.source === "lease") continue;
    for (const { rule, key, cost, verb = 0 } of record.items)
      add(told, `${record.client} on ${counterIdentity("", rule, key)} by verb ${verb}`, cost);
  }
  const violations = records.flatMap((record) => checkRequest(record, log));
  for (const [key, count] of told) {
    const paid = charged.get(key) ?? 0;
    if (count > paid) violations.push(`${key}: callers were allowed ${count}, the log charged ${paid}`);
  }
  return violations;
}

/** SEMANTICS S7: every answer to a request id is what its one execution came to. */
function checkRequest({ requestId, allowed, source, degraded, client }: CallerRecord, log: NaiveLog): string[] {
  if (requestId === null || allowed === null || degraded) return [];
  const decision = log.requestDecision("", requestId);
  // A denial from applied state leaves no trace in the log; another attempt may find room later.
  if (source === "leader" && !allowed) return [];
  if (decision === undefined)
    return [`${client} was answered for request ${requestId}, which no committed entry decides`];
  if (decision.allowed === allowed) return [];
  return [`${client} was told ${allowed} for request ${requestId}, entry ${decision.index} says ${decision.allowed}`];
}
