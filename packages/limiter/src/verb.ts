import { Algorithm } from "./rule.ts";

/**
 * What a call asks for, by its number in the log entry and on the wire. Numbers are never reused.
 *
 * All verbs travel as calls, so that numbers, request ids, stored results, forwarding and retries hold for each of them.
 * A verb but `take` has one item, whose key and rule are those of the call that it follows.
 */
export const Verb = {
  /** Takes `cost`, of several items all or nothing. */
  take: 0,
  /** Empties the counter; what open holds keep stays counted (SEMANTICS L3). */
  reset: 1,
  /** Withholds `cost` until it is committed or cancelled, or its time is over. */
  reserve: 2,
  /** Settles a reservation at what the work cost in fact, 1 or more: a commit of nothing is a cancel. */
  commit: 3,
  /** Gives a reservation back. */
  cancel: 4,
  /** Leases `cost` admissions to a client, who spends them without asking. */
  grant: 5,
  /** Ends a lease early; `cost` of it was not spent. */
  giveBack: 6,
} as const;
/** One of {@link Verb}'s numbers. */
export type Verb = (typeof Verb)[keyof typeof Verb];

/** A reservation that does not say for how long: its holder may have died, and withholds as long as it is open. */
const DEFAULT_TTL_US = 60_000_000;

/** The largest number that a verb has. */
export const LAST_VERB = Verb.giveBack;

/** Whether calls of this verb open a hold, and so may say how long it may stay open. */
export function opensHold(verb: number): boolean {
  return verb === Verb.reserve || verb === Verb.grant;
}

/** Whether calls of this verb end a hold, and so must say which. */
export function endsHold(verb: number): boolean {
  return verb === Verb.commit || verb === Verb.cancel || verb === Verb.giveBack;
}

/**
 * How long what a reserve opens stays open if the call does not say: a slot of `concurrency` for its rule's window, any other
 * reservation for a minute, or the window if that is shorter.
 */
export function defaultTtlUs({
  algorithm,
  windowUs,
}: {
  readonly algorithm: number;
  readonly windowUs: number;
}): number {
  return algorithm === Algorithm.concurrency ? windowUs : Math.min(windowUs, DEFAULT_TTL_US);
}
