import { requestCallId } from "./call-ids.ts";
import type { CallOperation } from "./call-operation.ts";
import type { NaiveLog } from "./naive-log.ts";
import type { CallerRecord } from "./records.ts";

/**
 * What callers saw, as calls to be judged; without indexes, since a caller sees none. Repetitions of a request id become
 * one call: from the first asking to the first answer by the log. What the leader answered to single repetitions without
 * an entry stays apart, since another repetition may find room later.
 */
export function callsOfRecords(records: readonly CallerRecord[]): CallOperation[] {
  const calls: CallOperation[] = [];
  const requests = new Map<string, CallerRecord[]>();
  for (const [at, record] of records.entries()) {
    if (record.requestId === null) calls.push(callOf(record, `${record.client}/${at}`, record.startUs));
    else {
      const repeated = requests.get(record.requestId);
      if (repeated === undefined) requests.set(record.requestId, [record]);
      else repeated.push(record);
    }
  }
  for (const [requestId, repeated] of requests) calls.push(...callsOfRequest(requestId, repeated));
  return calls;
}

/**
 * The calls with a request id, to be judged against the final log. Ids that the log executed more than once, since its
 * memory for them had run out in between, are left out: nobody can say which execution an answer was for.
 */
export function requestCallsOnLog(records: readonly CallerRecord[], log: NaiveLog): CallOperation[] {
  const again = new Set<string>();
  for (const { callId } of log.executed) {
    const cut = callId.indexOf(" again at ");
    if (cut >= 0) again.add(callId.slice(0, cut));
  }
  const once = ({ requestId }: CallerRecord) => requestId !== null && !again.has(requestCallId("", requestId));
  return callsOfRecords(records.filter(once));
}

function callsOfRequest(requestId: string, repeated: readonly CallerRecord[]): CallOperation[] {
  const callId = requestCallId("", requestId);
  const startUs = Math.min(...repeated.map((record) => record.startUs));
  const isFast = ({ allowed, source }: CallerRecord) => allowed === false && source !== "quorum";
  const fast = repeated.filter(isFast).map((record, at) => callOf(record, `${callId}, denial ${at}`, record.startUs));
  const others = repeated.filter((record) => !isFast(record) && !record.degraded);
  const answered = others.filter(({ allowed }) => allowed !== null).sort((one, other) => one.endUs - other.endUs)[0];
  if (answered !== undefined) return [...fast, callOf(answered, callId, startUs)];
  // One repetition that may have been charged is enough.
  const open = others.find(({ applied }) => applied !== "no") ?? others[0];
  return open === undefined ? fast : [...fast, callOf(open, callId, startUs)];
}

function callOf(record: CallerRecord, callId: string, startUs: number): CallOperation {
  const { client, endUs, items, allowed, source, degraded, applied } = record;
  const base = { clientId: client, callId, items, startUs, endUs };
  if (allowed === null) return { ...base, decision: null, applied: applied ?? "unknown" };
  const remaining = items.length === 1 ? (record.remaining ?? null) : null;
  const decision = { allowed, remaining, source, degraded, index: null, position: null, stampUs: null };
  return { ...base, decision, applied: null };
}
