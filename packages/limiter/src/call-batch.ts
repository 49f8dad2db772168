import type { Rule } from "./rule.ts";

/**
 * Consecutive calls of one caller, in columns: the currency between wire, leader, log and limiter.
 *
 * Call `i` has number `firstNumber + i`. A call is one item, or as many as `sizes[i]` says, which are then admitted
 * together or not at all. Columns may be longer than the counts say; only the first `items` (or `calls`) values mean
 * anything. Arrays belong to whoever made the batch and are valid until the function that received it returns, unless
 * that function's contract says otherwise.
 */
export interface CallBatch {
  /** Number of the first call in its session, from 1; 0 outside a session. */
  readonly firstNumber: number;
  readonly calls: number;
  readonly items: number;
  readonly rules: readonly Rule[];
  /** The buffer that holds all keys; item `i` has bytes `[keyStarts[i], keyStarts[i] + keyLengths[i])`. */
  readonly keyBytes: Uint8Array;
  readonly keyStarts: Uint32Array;
  readonly keyLengths: Uint32Array;
  /** One per item, an index into `rules`; null: all use rule 0. */
  readonly ruleIndexes: Uint32Array | null;
  /** One per item, 1 to 2^31-1; null: all cost 1. */
  readonly costs: Uint32Array | null;
  /** Items per call; null: one each. */
  readonly sizes: Uint32Array | null;
  /** The `Verb` of each call; null: all take. A call of another verb has one item. */
  readonly verbs: Uint8Array | null;
  /** One per item: milliseconds that what a reserve or grant opens may stay open, 0: as the rule has it. Other verbs: 0. */
  readonly ttlsMs: Float64Array | null;
  /** One per item: the number of the hold that a commit, cancel or giveBack means. Other verbs: 0. */
  readonly handles: Float64Array | null;
}

/** The batch of one call of one item, outside a session. */
export function singleCall(rule: Rule, key: Uint8Array, cost = 1): CallBatch {
  return {
    firstNumber: 0,
    calls: 1,
    items: 1,
    rules: [rule],
    keyBytes: key,
    keyStarts: Uint32Array.of(0),
    keyLengths: Uint32Array.of(key.length),
    ruleIndexes: null,
    costs: cost === 1 ? null : Uint32Array.of(cost),
    sizes: null,
    verbs: null,
    ttlsMs: null,
    handles: null,
  };
}

/**
 * How an item came out, by its number on the wire (`quorumguard.v1.Outcome`). Below 16: a decision. From 16: none was
 * made, nothing was charged. In an all-or-nothing call each item tells its own verdict: the call is admitted, and
 * charged, only if all of its items are `allowed`; in one that is denied, the items that would have fitted are `allowed`
 * with what remains untouched. Of reset, commit, cancel and giveBack, `allowed` means done.
 */
export const Outcome = {
  allowed: 1,
  limited: 2,
  /** Denied: the key is banned, after too many denials. */
  banned: 3,
  /** Denied: the key is on a deny-list. */
  blocked: 4,
  keysFull: 16,
  resultsFull: 17,
  stale: 18,
  sessionExpired: 19,
  requestIdReused: 20,
  requestIdsFull: 21,
  // 22 is "overloaded" on the wire: the node's queue, never the limiter's answer.
  /** The rule names a policy and nothing else, and there is no such policy. */
  unknownPolicy: 23,
  /** No such open hold here: settled, expired, or another session's or key's. */
  notHeld: 24,
  /** As many holds are open as there may be. */
  holdsFull: 25,
  /** The namespace has as many keys as its quota allows. */
  namespaceFull: 26,
  /** `concurrency` counts what is held: reserve a slot instead. */
  needsReservation: 27,
} as const;
export type Outcome = (typeof Outcome)[keyof typeof Outcome];

/** Whether an outcome is a decision; otherwise nothing was decided and nothing charged. */
export function isDecided(outcome: number): boolean {
  return outcome < Outcome.keysFull;
}

/** `retryAfterMs` of a denial that no waiting cures (SEMANTICS K3). */
export const NEVER = -1;

/**
 * Results in columns, one value per item, in the order of the batch. Float64 because a window may last 400 days in
 * milliseconds. Valid until the limiter is called again: consume or copy at once.
 */
export interface ResultColumns {
  readonly items: number;
  readonly outcomes: Uint8Array;
  readonly remaining: Float64Array;
  /** Milliseconds from the entry's stamp until the key is as if never used, rounded up. */
  readonly resetAfterMs: Float64Array;
  /** Milliseconds from the entry's stamp until the same call would be admitted, rounded up; {@link NEVER}; 0 if allowed. */
  readonly retryAfterMs: Float64Array;
  /**
   * Milliseconds for which a denial holds whatever comes back meanwhile (SEMANTICS D2), 0: not firm; of an allowed reserve
   * or grant, for which the hold stays open, rounded down.
   */
  readonly firmForMs: Float64Array;
  /** Reserve and grant, allowed: the number of the hold that was opened; else 0. */
  readonly handles: Float64Array;
  /** The limit in force, which a cluster policy or an override may have changed; 0 if nothing was decided. */
  readonly limits: Float64Array;
  /** What a shadow policy would have enforced, an {@link Outcome}; 0: nothing. */
  readonly shadows: Uint8Array;
}
