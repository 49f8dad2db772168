import type { Model } from "../linearizability/model.ts";
import type { CallOperation } from "./call-operation.ts";
import { counterIdentity, sameItems } from "./records.ts";
import type { TimeScale, TimeSpan } from "./time-scale.ts";
import { createTimedCounter, type TimedCounter, type Wanted } from "./timed-counter.ts";

/** A call as the search sees it: what is asked, and between which moments of the scale of time it is decided. */
export interface TimedCall {
  readonly call: CallOperation;
  readonly at: TimeSpan;
}

/** What the caller was told; null: nothing. */
export type Told = { readonly allowed: boolean; readonly remaining: number | null } | null;

/** The counters of one part of a history, and the earliest moment at which each can be charged next. */
export interface LimitState {
  readonly sinceUs: readonly number[];
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
    const wanted = wantedOf.get(call)!;
    let fromUs = at.fromUs;
    for (const [{ place }] of wanted) fromUs = Math.max(fromUs, state.sinceUs[place]!);
    if (fromUs > at.toUs) return null;
    const moment = { fromUs, toUs: at.toUs };
    const next = state.counters.slice();
    const sinceUs = state.sinceUs.slice();
    for (const [{ place, counter }, list] of wanted) {
      const after = counter.admit(next[place], list, moment, remaining);
      if (after === null) return null;
      next[place] = after;
      sinceUs[place] = fromUs;
    }
    return { sinceUs, counters: next };
  }

  /** A denial changes nothing; of a group, one item that does not fit is enough. */
  function denies(state: LimitState, call: CallOperation, at: TimeSpan, remaining: number | null): boolean {
    for (const [{ place, counter }, wanted] of wantedOf.get(call)!) {
      const moment = { fromUs: Math.max(at.fromUs, state.sinceUs[place]!), toUs: at.toUs };
      if (moment.fromUs > moment.toUs) continue;
      for (const one of wanted) if (counter.denies(state.counters[place], one, moment, remaining)) return true;
    }
    return false;
  }

  return {
    initial: () => ({
      sinceUs: counters.map(() => Number.NEGATIVE_INFINITY),
      counters: counters.map(({ counter }) => counter.unused),
    }),
    step(state, { call, at }, told) {
      if (told === null) return admit(state, call, at, null) ?? state;
      const remaining = call.items.length === 1 ? told.remaining : null;
      if (told.allowed) return admit(state, call, at, remaining);
      return denies(state, call, at, remaining) ? state : null;
    },
    isReadOnly: (_input, told) => told !== null && !told.allowed,
    conflicts: (one, other) =>
      wantedOf.get(one.call)!.some(([mine]) => wantedOf.get(other.call)!.some(([theirs]) => mine === theirs)),
    // Both may come next and lead to the same state, so that neither is bound any more by when it was asked.
    alike: (one, other) => sameItems(one.call.items, other.call.items),
    equal: (one, other) =>
      counters.every(
        ({ counter, place }) =>
          one.sinceUs[place] === other.sinceUs[place] && counter.equal(one.counters[place], other.counters[place]),
      ),
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
