import { Algorithm, Verb } from "@quorumguard/limiter";
import { mostInAnyWindow } from "./published-bound.ts";
import { type CallerRecord, counterIdentity } from "./records.ts";

/** A span in which stamps may have jumped, by a restart of the whole cluster: no window reaches across it. */
export interface TimeBreak {
  readonly fromUs: number;
  readonly toUs: number;
}

interface Taken {
  readonly startUs: number;
  readonly endUs: number;
  readonly cost: number;
  readonly limit: number;
  readonly windowUs: number;
  readonly burst: number;
  readonly bucket: boolean;
  /** In any window, by the algorithm's published bound. */
  readonly most: number;
}

/** Stamps run at 0.99 to 1.01 of real time (SEMANTICS T3). */
const fastest = 1.01;

/**
 * The audit by callers (SEMANTICS A1): needs nothing but what callers saw. Calls that began and ended within
 * window ÷ 1.01 fell into one window of the cluster's time, so what they were allowed may not exceed what the algorithm
 * publishes as its bound for any window, the limit itself for the sliding-window log; for buckets it may not exceed what
 * the bucket held plus what it gained meanwhile.
 */
export function auditCallers(records: readonly CallerRecord[], breaks: readonly TimeBreak[]): string[] {
  const byCounter = new Map<string, Taken[]>();
  const requests = new Set<string>();
  const firstAsked = new Map<string, number>();
  for (const { requestId, startUs } of records)
    if (requestId !== null) firstAsked.set(requestId, Math.min(startUs, firstAsked.get(requestId) ?? startUs));
  const others = countersBeyond(records);
  for (const record of records) {
    if (record.allowed !== true || record.degraded) continue;
    if (record.requestId !== null) {
      // However often it was asked and answered, it is one call and one charge.
      if (requests.has(record.requestId)) continue;
      requests.add(record.requestId);
    }
    // The answer to a repeated request may be that of the first time, however that seemed to end.
    const startUs = record.requestId === null ? record.startUs : firstAsked.get(record.requestId)!;
    for (const { key, rule, cost } of record.items) {
      // Slots are given back: how many were taken in a window says nothing.
      if (rule.algorithm === Algorithm.concurrency) continue;
      const identity = counterIdentity("", rule, key);
      if (others.has(identity) || rule.policy !== "") continue;
      const bucket = rule.algorithm === Algorithm.tokenBucket;
      const taken = { startUs, endUs: record.endUs, cost, bucket, most: mostInAnyWindow(rule), ...rule };
      const list = byCounter.get(identity);
      if (list === undefined) byCounter.set(identity, [taken]);
      else list.push(taken);
    }
  }
  const violations: string[] = [];
  for (const [identity, taken] of byCounter) {
    taken.sort((one, other) => one.startUs - other.startUs);
    const found = taken[0]!.bucket ? overdrawn(taken, breaks) : overfull(taken, breaks);
    if (found !== null) violations.push(`counter ${identity}: ${found}`);
  }
  return violations;
}

/** Counters that were emptied, or from which something was given back: callers cannot tell how much was counted when. */
function countersBeyond(records: readonly CallerRecord[]): ReadonlySet<string> {
  const others = new Set<string>();
  for (const { items } of records)
    for (const { rule, key, verb = Verb.take } of items)
      if (verb !== Verb.take) others.add(counterIdentity("", rule, key));
  return others;
}

/** Where a stretch that begins here must end at the latest, so that it crosses no break; the start itself if it lies in one. */
function endOfCalm(fromUs: number, breaks: readonly TimeBreak[]): number {
  let end = Number.POSITIVE_INFINITY;
  for (const { fromUs: begins, toUs } of breaks) if (toUs >= fromUs) end = Math.min(end, Math.max(fromUs, begins));
  return end;
}

function overfull(taken: readonly Taken[], breaks: readonly TimeBreak[]): string | null {
  for (const [at, first] of taken.entries()) {
    const endUs = Math.min(first.startUs + first.windowUs / fastest, endOfCalm(first.startUs, breaks));
    let admitted = 0;
    // Callers may use one counter with several limits: at the last of these calls, the largest of them held.
    let most = 0;
    for (let next = at; next < taken.length; next++) {
      const one = taken[next]!;
      if (one.startUs >= endUs) break;
      if (one.endUs >= endUs) continue;
      admitted += one.cost;
      most = Math.max(most, one.most);
    }
    if (admitted > most)
      return `${admitted} admitted within ${Math.round((endUs - first.startUs) / 1000)} ms from ${first.startUs} us, at most ${most} may be`;
  }
  return null;
}

function overdrawn(taken: readonly Taken[], breaks: readonly TimeBreak[]): string | null {
  const byEnd = [...taken].sort((one, other) => one.endUs - other.endUs);
  const total = taken.reduce((sum, one) => sum + one.cost, 0);
  let from = 0;
  for (const first of taken) {
    const calmUs = endOfCalm(first.startUs, breaks);
    while (byEnd[from]!.endUs < first.startUs) from++;
    let admitted = 0;
    for (let next = from; next < byEnd.length; next++) {
      const one = byEnd[next]!;
      const gained = ((one.endUs - first.startUs) * fastest * one.limit) / one.windowUs;
      if (one.endUs >= calmUs || one.burst + gained >= total) break;
      if (one.startUs < first.startUs) continue;
      admitted += one.cost;
      if (admitted > one.burst + gained + 1e-6)
        return `${admitted} admitted within ${Math.round((one.endUs - first.startUs) / 1000)} ms from ${first.startUs} us, burst ${one.burst} and gain ${gained.toFixed(2)} allow less`;
    }
  }
  return null;
}
