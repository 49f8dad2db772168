import { Algorithm, type PolicyDocument, type Rule } from "@quorumguard/limiter";
import { createKeyCounter, type KeyCounter, type Numbers } from "./key-counter.ts";
import type { Source } from "./left-behind.ts";
import type { NaiveHold } from "./naive-holds.ts";
import type { OwnNumbers } from "./naive-records.ts";
import { callersSpanUs, ruleOf, spanUs, withOwn } from "./rule-numbers.ts";

/** What a key was counted by when another rule took over, the fullest of which counts, and the holds that were open on it. */
export interface Carried {
  readonly sources: readonly Source[];
  readonly atUs: number;
  readonly holds: readonly NaiveHold[];
  /** From this stamp on it can matter to nobody who counts now. */
  readonly retainUs: number;
  /** A counter of the rule in force took it over for good: what that has now is all that this rule says of it. */
  readonly isTold?: boolean;
}

/** No limit is higher. */
export const most = 2_147_483_647;
/** How much of what is carried over a counter takes: a bucket its burst, a window everything. */
export const roomOf = (algorithm: number, { burst }: Numbers) =>
  algorithm === Algorithm.tokenBucket ? burst : Number.POSITIVE_INFINITY;

/** The fullest of them, as of the stamp at which they were handed on. */
export const usedOf = ({ sources, atUs }: Carried) =>
  Math.max(0, ...sources.map(({ counter, numbers }) => counter.usedAt(numbers, atUs)));

/**
 * Those that were held when the last rule took over, and still count. One whose time is over was to be spent until then: it
 * counts as of its end for as long as it would if the rule had taken over then.
 */
export const heldOf = ({ holds, atUs, retainUs }: Carried, stampUs: number) =>
  holds.filter(({ state, kind, expiryUs }) => {
    const isOver = state === "over" && kind !== "slot" && expiryUs > atUs && retainUs + expiryUs - atUs > stampUs;
    return state === "open" || isOver;
  });

/** Without what policies would have counted that the key was never asked under. */
export const askedAlone = (sources: readonly Source[]) => sources.filter(({ home }) => home !== null);

/** What counters say that nobody ever asked. A bucket that they are told by is in debt with what is more than its burst. */
export const neverAskedSay = (sources: readonly Source[], atUs: number) =>
  usedOf({ sources: sources.filter(({ home }) => home === null), atUs, holds: [], retainUs: 0 });

/** Charges as of the stamp of the change; a bucket its burst at most, or what else it must have. */
export function chargeOn(
  counter: KeyCounter,
  algorithm: number,
  numbers: Numbers,
  used: number,
  atUs: number,
  most = 0,
): void {
  const amount = Math.min(used, Math.max(most, roomOf(algorithm, numbers)));
  if (amount > 0) counter.charge(numbers, amount, atUs);
}

/** What a policy would have counted of a key that was never asked under it, by the numbers that the key has when this is asked. */
export function neverAsked(
  policy: PolicyDocument,
  before: Carried,
  ownNow: () => OwnNumbers | null,
  wasAsked: () => boolean,
): Source {
  const { algorithm, windowUs } = ruleOf(policy);
  let made: { readonly by: string; readonly counter: KeyCounter } | null = null;
  const counted = () => {
    const rule = withOwn(ruleOf(policy), ownNow());
    const by = `${rule.limit}/${rule.burst}`;
    if (made?.by !== by) {
      made = { by, counter: createKeyCounter(algorithm) };
      chargeOn(made.counter, algorithm, rule, usedOf(before), before.atUs);
    }
    return made.counter;
  };
  const counter: KeyCounter = {
    ...createKeyCounter(algorithm),
    usedAt: (numbers, atUs) => (wasAsked() ? 0 : counted().usedAt(numbers, atUs)),
    judge: (numbers, wanted, atUs) => counted().judge(numbers, wanted, atUs),
  };
  const goesByRate = () => algorithm === Algorithm.tokenBucket && !wasAsked() && usedOf(before) > 0;
  const way = [ruleOf(policy)];
  return { counter, home: null, algorithm, numbers: { limit: most, windowUs, burst: most }, way, goesByRate };
}

/**
 * What of it can still matter. Beyond the time for which it is kept, that is a counter that counts for longer by itself,
 * or holds something, and all that a key left whose own numbers are slower than its policy's.
 */
export function stillThere(
  carried: Carried | undefined,
  stampUs: number,
  policy: PolicyDocument | null,
  own: OwnNumbers | null,
): Carried | null {
  if (carried === undefined || carried.retainUs > stampUs) return carried ?? null;
  const open = heldOf(carried, stampUs);
  const sources = carried.sources.filter(
    ({ counter, numbers, home, way }) =>
      carried.atUs + ownSpanUs(policy, own, way) > stampUs ||
      counter.usedAt(numbers, stampUs) > 0 ||
      open.some((hold) => hold.home === home),
  );
  return sources.length > 0 ? { ...carried, sources } : null;
}

/** For how long a key with numbers of its own would count what another rule counted. */
function ownSpanUs(policy: PolicyDocument | null, own: OwnNumbers | null, way: readonly Rule[]): number {
  if (own === null) return 0;
  // What callers bring has that limit, and whatever else.
  if (policy === null) return callersSpanUs(Number.POSITIVE_INFINITY);
  const rule = withOwn(ruleOf(policy), own);
  const had = way.map(({ algorithm, limit, burst }) =>
    algorithm === Algorithm.tokenBucket ? Math.max(burst, own.burst ?? 0) : Math.max(limit, own.limit),
  );
  return spanUs({ ...rule, burst: Math.max(rule.burst, ...had) });
}
