import type { Model } from "../linearizability/model.ts";
import type { CallOperation } from "./call-operation.ts";
import { counterIdentity } from "./records.ts";
import type { TimeScale, TimeSpan } from "./time-scale.ts";
import { createTimedCounter, type TimedCounter, type Wanted } from "./timed-counter.ts";

/** A call as the search sees it: what is asked, and between which moments of the scale of time it is decided. */
export interface TimedCall {
  readonly call: CallOperation;
  readonly at: TimeSpan;
}

/** What the caller was told; null: nothing. */
export type Told = { readonly allowed: boolean; readonly remaining: number | null } | null;

/** The counters of one part of a history, and the earliest moment at which the next call can be decided. */
export interface LimitState {
  readonly sinceUs: number;
  readonly counters: readonly unknown[];
}

interface CounterPlace {
  readonly place: number;
  readonly counter: TimedCounter<unknown>;
}

/** Counters that a call touches, with what it wants of each: a repeated key counts cumulatively (SEMANTICS G1). */
export function wantedByCounter({ items, namespace = "" }: CallOperation): ReadonlyMap<string, readonly Wanted[]> {
  const wanted = new Map<string, Wanted[]>();
  for (const { rule, key, cost } of items) {
    const identity = counterIdentity(namespace, rule, key);
    const list = wanted.get(identity) ?? [];
    list.push({ rule, cost: cost + (list.at(-1)?.cost ?? 0) });
    wanted.set(identity, list);
  }
  return wanted;
}

/**
 * The rate limit as a sequential object, for the search: the state is what was admitted and may still count, a call's
 * moment is known within bounds, and an answer is right if some moment within them gives it. Calls of unknown outcome
 * are charged if there is room, and change nothing otherwise.
 */
export function createLimitModel(
  calls: readonly CallOperation[],
  scale: TimeScale,
): Model<LimitState, TimedCall, Told> {
  const places = new Map<string, CounterPlace>();
  const wantedOf = new Map<CallOperation, readonly (readonly [CounterPlace, readonly Wanted[]])[]>();
  for (const call of calls) {
    const wanted = [...wantedByCounter(call)].map(([identity, list]) => {
      let known = places.get(identity);
      if (known === undefined) {
        known = { place: places.size, counter: createTimedCounter(list[0]!.rule.algorithm, scale) };
        places.set(identity, known);
      }
      return [known, list] as const;
    });
    wantedOf.set(call, wanted);
  }
  const counters = [...places.values()];

  function admit(state: LimitState, call: CallOperation, at: TimeSpan, remaining: number | null): LimitState | null {
    const next = state.counters.slice();
    for (const [{ place, counter }, wanted] of wantedOf.get(call)!) {
      const after = counter.admit(next[place], wanted, at, remaining);
      if (after === null) return null;
      next[place] = after;
    }
    return { sinceUs: at.fromUs, counters: next };
  }

  function deny(state: LimitState, call: CallOperation, at: TimeSpan, remaining: number | null): LimitState | null {
    const all = wantedOf.get(call)!;
    for (const [{ place, counter }, wanted] of all)
      for (const one of wanted) {
        const after = counter.deny(state.counters[place], one, at, remaining);
        if (after === null) continue;
        // Of a group nobody knows which item was denied, so that nothing follows for any of its counters.
        if (call.items.length > 1) return { sinceUs: at.fromUs, counters: state.counters };
        return { sinceUs: at.fromUs, counters: state.counters.with(place, after) };
      }
    return null;
  }

  return {
    initial: () => ({ sinceUs: Number.NEGATIVE_INFINITY, counters: counters.map(({ counter }) => counter.unused) }),
    step(state, { call, at }, told) {
      const moment = { fromUs: Math.max(state.sinceUs, at.fromUs), toUs: at.toUs };
      if (moment.fromUs > moment.toUs) return null;
      if (told === null) return admit(state, call, moment, null) ?? state;
      const remaining = call.items.length === 1 ? told.remaining : null;
      return told.allowed ? admit(state, call, moment, remaining) : deny(state, call, moment, remaining);
    },
    equal: (one, other) =>
      one.sinceUs === other.sinceUs &&
      counters.every(({ counter, place }) => counter.equal(one.counters[place], other.counters[place])),
    hash: (state) =>
      counters.reduce((hash, { counter, place }) => (Math.imul(hash, 31) + counter.hash(state.counters[place])) | 0, 7),
    describe: ({ call, at }, told) => `${describeCall(call)} at ${at.fromUs}..${at.toUs} us -> ${describeTold(told)}`,
  };
}

function describeTold(told: Told): string {
  if (told === null) return "unknown";
  const left = told.remaining === null ? "" : `, ${told.remaining} remaining`;
  return `${told.allowed ? "allowed" : "denied"}${left}`;
}

/** One call in words. */
export function describeCall({ callId, items }: Pick<CallOperation, "callId" | "items">): string {
  const asked = items.map(({ key, cost, rule }) => {
    const burst = rule.burst > 0 ? ` burst ${rule.burst}` : "";
    return `${key} cost ${cost} of ${rule.limit}/${rule.windowUs / 1000} ms${burst}`;
  });
  return `call ${callId} on ${asked.join(" and ")}`;
}
