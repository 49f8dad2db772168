import { Algorithm, type Rule } from "@quorumguard/limiter";
import type { CallOperation } from "./call-operation.ts";
import type { TimeBreak } from "./caller-audit.ts";
import { counterIdentity } from "./records.ts";
import { slowestStamp } from "./time-scale.ts";
import { describeCall } from "./timed-model.ts";

/** A charge as callers know it: at some moment between start and end, if it was made at all. */
export interface PossibleCharge {
  readonly call: CallOperation;
  /** Infinity: nobody learned the outcome. */
  readonly endUs: number;
}

/** What bounds the judgement. */
export interface DenialBounds {
  readonly stalenessUs: number;
  readonly stampLagUs: number;
  readonly breaks: readonly TimeBreak[];
}

interface Moment {
  readonly atUs: number;
  readonly kind: "start" | "end" | "gone" | "ask";
  readonly cost: number;
}

/**
 * Denials without an entry, by nothing but what callers saw: at some moment between its call, less the staleness allowed,
 * and its return, the charges that were possible then must have left less room than it asked. A charge is possible from
 * its start on, and until it has surely been given back; one of unknown outcome for ever. So no right denial is refused,
 * while one out of the blue, or from a window that has frozen, is found.
 */
export function checkDenialSpans(
  denials: readonly CallOperation[],
  charges: readonly PossibleCharge[],
  bounds: DenialBounds,
): string[] {
  const counterOf = (call: CallOperation, at: number) =>
    counterIdentity(call.namespace ?? "", call.items[at]!.rule, call.items[at]!.key);
  const denied = new Map<string, CallOperation[]>();
  for (const call of denials) {
    // A group may have been denied for any of its items; the leader answers no group without the log.
    if (call.items.length > 1) continue;
    const list = denied.get(counterOf(call, 0));
    if (list === undefined) denied.set(counterOf(call, 0), [call]);
    else list.push(call);
  }
  const charged = new Map<string, Charge[]>();
  for (const { call, endUs } of charges)
    for (const [at, { cost }] of call.items.entries()) {
      const identity = counterOf(call, at);
      if (!denied.has(identity)) continue;
      const charge = { call, startUs: call.startUs, endUs, cost };
      const list = charged.get(identity);
      if (list === undefined) charged.set(identity, [charge]);
      else list.push(charge);
    }
  const violations: string[] = [];
  for (const [identity, calls] of denied) violations.push(...checkCounter(calls, charged.get(identity) ?? [], bounds));
  return violations;
}

interface Charge {
  readonly call: CallOperation;
  readonly startUs: number;
  readonly endUs: number;
  readonly cost: number;
}

function checkCounter(calls: readonly CallOperation[], charges: readonly Charge[], bounds: DenialBounds): string[] {
  const rule = calls[0]!.items[0]!.rule;
  const bucket = rule.algorithm === Algorithm.tokenBucket;
  const moments: Moment[] = [];
  for (const { startUs, endUs, cost } of charges) {
    moments.push({ atUs: startUs, kind: "start", cost });
    if (endUs === Number.POSITIVE_INFINITY) continue;
    moments.push({ atUs: endUs, kind: "end", cost });
    if (!bucket) moments.push({ atUs: goneAt(endUs, rule, bounds), kind: "gone", cost });
  }
  for (const { startUs } of calls) moments.push({ atUs: startUs - bounds.stalenessUs, kind: "ask", cost: 0 });
  const order = { start: 0, ask: 1, end: 2, gone: 3 };
  moments.sort((one, other) => one.atUs - other.atUs || order[one.kind] - order[other.kind]);
  const timesUs = Float64Array.from(moments, ({ atUs }) => atUs);
  const usedMost = bucket ? usedOfBucket(moments, rule, bounds) : usedOfWindow(moments);
  const violations: string[] = [];
  for (const call of calls) {
    const { cost, rule: own } = call.items[0]!;
    const room = (bucket ? own.burst : own.limit) - cost;
    if (room < 0 || own.limit === 0) continue;
    let most = 0;
    for (
      let at = firstAt(timesUs, call.startUs - bounds.stalenessUs);
      at < timesUs.length && timesUs[at]! <= call.endUs;
      at++
    )
      most = Math.max(most, usedMost[at]!);
    // Levels of buckets are sums of fractions: a millionth of a token is no evidence.
    if (most + (bucket ? 1e-6 : 0) <= room)
      violations.push(
        `${describeCall(call)}: denied by ${call.decision!.source} between ${call.startUs} and ${call.endUs} us, but at no moment from ${bounds.stalenessUs} us before could more than ${Math.floor(most)} have been used`,
      );
  }
  return violations;
}

/** When a charge has surely been given back: after all that it counts in, in the slowest time, and after any break since. */
function goneAt(endUs: number, { algorithm, windowUs }: Rule, { stampLagUs, breaks }: DenialBounds): number {
  // Under the sliding window counter a charge fades until the end of the window behind its own.
  const windows = algorithm === Algorithm.slidingWindowCounter ? 2 : 1;
  // The grid on which many admissions are merged, and a little for rounding.
  const longestUs = (windows * windowUs + Math.ceil(windowUs / 256) + stampLagUs + 2_000) / slowestStamp;
  let fromUs = endUs;
  for (const one of [...breaks].sort((a, b) => a.fromUs - b.fromUs))
    if (one.toUs > fromUs && one.fromUs < fromUs + longestUs) fromUs = one.toUs;
  return fromUs + longestUs;
}

function firstAt(timesUs: Float64Array, fromUs: number): number {
  let [low, high] = [0, timesUs.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (timesUs[middle]! < fromUs) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** The most that can have been used just after each moment. */
function usedOfWindow(moments: readonly Moment[]): Float64Array {
  let used = 0;
  return Float64Array.from(moments, ({ kind, cost }) => {
    if (kind === "start") used += cost;
    else if (kind === "gone") used -= cost;
    return used;
  });
}

/** For buckets: charges as late as they can be, refilled as slowly as can be. */
function usedOfBucket(moments: readonly Moment[], rule: Rule, { stampLagUs, breaks }: DenialBounds): Float64Array {
  const perUs = (rule.limit / rule.windowUs) * slowestStamp;
  const lost = ((stampLagUs + 2_000) * rule.limit) / rule.windowUs;
  let settled = 0;
  let open = 0;
  let lastUs = moments[0]?.atUs ?? 0;
  const calm = (fromUs: number, toUs: number) => {
    let us = toUs - fromUs;
    for (const one of breaks) us -= Math.max(0, Math.min(toUs, one.toUs) - Math.max(fromUs, one.fromUs));
    return Math.max(0, us);
  };
  return Float64Array.from(moments, ({ kind, cost, atUs }) => {
    settled = Math.max(0, settled - calm(lastUs, atUs) * perUs);
    lastUs = atUs;
    if (kind === "start") open += cost;
    else if (kind === "end") {
      open -= cost;
      settled += cost;
    }
    const used = settled + open;
    return used > 0 ? used + lost : 0;
  });
}
