import type { CallDecision, CallOperation, CommittedCall } from "./call-operation.ts";
import { sameItems } from "./records.ts";
import { describeCall } from "./timed-model.ts";

/** A call that the log decided, with its place there. */
export interface PlacedCall {
  readonly call: CallOperation;
  readonly index: number;
  /** Null: somewhere in its entry. */
  readonly position: number | null;
  readonly stampUs: number;
  readonly allowed: boolean | null;
  readonly remaining: number | null;
  /** Infinity: nobody learned the outcome. */
  readonly endUs: number;
}

/** A history, sorted by what is known about its calls. */
export interface Evidence {
  /** Their place in the log is known, by the final log or by the answer. */
  readonly placed: readonly PlacedCall[];
  /** Decided by the log at an unknown place. */
  readonly decided: readonly CallOperation[];
  /** Denials that needed no entry. */
  readonly fastDenials: readonly CallOperation[];
  /** They may have been charged at any time from their start on, or never. */
  readonly unknown: readonly CallOperation[];
  /** Nothing can be said about them, for want of a model. */
  readonly unjudged: readonly string[];
  readonly violations: readonly string[];
}

const fastSources: ReadonlySet<string> = new Set(["leader", "denial-cache"]);

/** Sorts calls by what is known about them; with the final log, every call is found there or was never charged. */
export function sortEvidence(calls: readonly CallOperation[], log: readonly CommittedCall[] | null): Evidence {
  const violations: string[] = [];
  const known = new Map<string, CallOperation>();
  for (const call of calls) {
    if (!(call.startUs <= call.endUs))
      throw new RangeError(`${describeCall(call)}: endUs ${call.endUs} must not be before startUs ${call.startUs}`);
    if (call.items.length === 0) throw new RangeError(`call ${call.callId}: items must hold at least one item`);
    if (known.has(call.callId)) violations.push(`${describeCall(call)}: the history has it twice`);
    known.set(call.callId, call);
  }
  const committed = log === null ? null : readLog(log, known, violations);
  const placed: PlacedCall[] = [];
  const decided: CallOperation[] = [];
  const fastDenials: CallOperation[] = [];
  const unknown: CallOperation[] = [];
  const unjudged: string[] = [];

  for (const call of known.values()) {
    const { decision } = call;
    const entry = committed?.get(call.callId);
    if (entry !== undefined) {
      const place = placeByLog(call, entry, violations);
      if (place !== null) placed.push(place);
    }
    if (decision === null) {
      if (call.applied !== "no" && committed === null) unknown.push(call);
    } else if (decision.degraded) continue;
    else if (!decision.allowed && fastSources.has(decision.source)) fastDenials.push(call);
    else if (decision.source === "lease")
      unjudged.push(`${describeCall(call)}: allowed by a lease, which has no model here`);
    else if (decision.source !== "quorum")
      violations.push(
        `${describeCall(call)}: ${decision.allowed ? "allowed" : "denied"} by ${decision.source}, undegraded: only the log may decide so`,
      );
    else if (entry !== undefined) continue;
    else if (committed !== null)
      violations.push(
        `${describeCall(call)}: acknowledged as ${decision.allowed ? "allowed" : "denied"}, but the log does not have it`,
      );
    else if (decision.index !== null && decision.stampUs !== null) placed.push(placeByAnswer(call, decision));
    else decided.push(call);
  }
  return { placed, decided, fastDenials, unknown, unjudged, violations };
}

/** The log by call: places ascend, and no call is executed twice. */
function readLog(
  log: readonly CommittedCall[],
  known: ReadonlyMap<string, CallOperation>,
  violations: string[],
): ReadonlyMap<string, CommittedCall> {
  const committed = new Map<string, CommittedCall>();
  let last: CommittedCall | null = null;
  for (const entry of log) {
    const at = `entry ${entry.index}, position ${entry.position}`;
    if (last !== null && (entry.index < last.index || (entry.index === last.index && entry.position <= last.position)))
      violations.push(
        `the log has ${describeCall(entry)} at ${at}, after index ${last.index}, position ${last.position}`,
      );
    last = entry;
    const twin = committed.get(entry.callId);
    if (twin !== undefined)
      violations.push(`${describeCall(entry)}: executed twice, at index ${twin.index} and at ${at}: a double charge`);
    else committed.set(entry.callId, entry);
    if (!known.has(entry.callId)) violations.push(`${describeCall(entry)}: ${at} has it, but nobody asked it`);
  }
  return committed;
}

function placeByLog(call: CallOperation, entry: CommittedCall, violations: string[]): PlacedCall | null {
  const at = `entry ${entry.index}, position ${entry.position}`;
  const { decision } = call;
  if (!sameItems(call.items, entry.items)) {
    violations.push(`${describeCall(call)}: ${at} has other content: ${describeCall(entry)}`);
    return null;
  }
  if (decision === null && call.applied === "no")
    violations.push(`${describeCall(call)}: the caller was told that it was not applied, but ${at} has it`);
  const byLog = decision !== null && decision.source === "quorum" && !decision.degraded;
  // The answer to a repeated call bears the index of the repetition, which is never before that of the execution.
  if (byLog && decision.index !== null && decision.index < entry.index)
    violations.push(`${describeCall(call)}: acknowledged at index ${decision.index}, but ${at} has it`);
  return {
    call,
    index: entry.index,
    position: entry.position,
    stampUs: entry.stampUs,
    allowed: byLog ? decision.allowed : null,
    remaining: byLog ? decision.remaining : null,
    endUs: byLog ? call.endUs : Number.POSITIVE_INFINITY,
  };
}

function placeByAnswer(
  call: CallOperation,
  { index, position, stampUs, allowed, remaining }: CallDecision,
): PlacedCall {
  return { call, index: index!, position, stampUs: stampUs!, allowed, remaining, endUs: call.endUs };
}
