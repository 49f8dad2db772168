import type { Ban } from "./abuse/bans.ts";
import type { CallBatch, ResultColumns } from "./call-batch.ts";
import type { Explanation } from "./policies/explain.ts";
import type { AdminResult, PolicyReader } from "./policies/policy-book.ts";
import type { Rule } from "./rule.ts";

/**
 * Limits that every node must apply alike. They are part of the replicated state and change through the log only
 * (SEMANTICS K2), so that a node with other options cannot decide otherwise. Each is a whole number.
 */
export interface Bounds {
  /**
   * Keys with a live count, 1 to 100,000,000. A new key beyond it is refused as keys_full; a live count is never
   * evicted. Default 1,000,000.
   */
  readonly maxKeys: number;
  /** Live sessions, 1 to 1,000,000. A new session beyond it is refused; none is evicted. Default 10,000. */
  readonly maxSessions: number;
  /** Unacknowledged calls that a session may hold results for, 1 to 1,000,000. Default 4,096. */
  readonly maxResultsPerSession: number;
  /**
   * A session not heard of for so long is forgotten, 1,000 microseconds (1 ms) to 400 days. Default 60,000,000 (1
   * minute).
   */
  readonly sessionTtlUs: number;
  /** Request ids remembered at once, 1 to 100,000,000; a new one beyond it is refused. Default 100,000. */
  readonly maxRequestIds: number;
  /** How long a request id is remembered, 1,000 microseconds (1 ms) to 400 days. Default 60,000,000 (1 minute). */
  readonly requestIdTtlUs: number;
  /**
   * Reservations, slots and leases open at once, 1 to 10,000,000; one more is refused as holds_full. Default 100,000.
   */
  readonly maxHolds: number;
  /** The same for those of one session, 1 to 1,000,000. Default 1,024. */
  readonly maxHoldsPerSession: number;
}

/** A session's name: the index of the entry that registered it and its position in that entry (SEMANTICS S1). */
export interface SessionId {
  readonly index: number;
  readonly position: number;
}

/** Calls `[fromCall, toCall)` of an operation, items `[from, to)` of the results, that one entry decided. */
export interface CallRun {
  readonly fromCall: number;
  readonly toCall: number;
  readonly from: number;
  readonly to: number;
  readonly stampUs: number;
  readonly index: number;
}

/** What one operation of an entry came to, in the entry's order. */
export type OperationResult =
  /** Calls: their items are `[from, to)` of {@link Applied.results}. */
  | {
      readonly kind: "calls";
      readonly from: number;
      readonly to: number;
      readonly stampUs: number;
      readonly index: number;
      /**
       * Null: this entry decided all of them. Otherwise some are retries of calls that earlier entries decided: runs of
       * consecutive calls, in order and without gaps, each with the entry that decided it.
       */
      readonly runs: readonly CallRun[] | null;
    }
  | { readonly kind: "registered"; readonly session: SessionId }
  | { readonly kind: "refused"; readonly reason: "too-old" | "sessions-full" }
  /** Renew and goodbye: `known` is false for a session that is gone or was named with a wrong nonce. */
  | { readonly kind: "renewed" | "closed"; readonly known: boolean }
  | { readonly kind: "bounds" }
  | { readonly kind: "administered"; readonly result: AdminResult };

/** A counter that an entry emptied, named as its caller named it: whoever remembers a denial of it must forget that. */
export interface ResetKey {
  readonly namespace: string;
  /** As the caller gave it: what is in force under a policy's name may have other numbers. */
  readonly rule: Rule;
  /** The key's bytes, in memory of their own. */
  readonly key: Uint8Array;
}

/** The outcome of one entry. `results` is shared by all its operations and valid until the next call of the limiter. */
export interface Applied {
  readonly index: number;
  /** The entry's stamp after clamping: never below the one before it. */
  readonly stampUs: number;
  readonly operations: readonly OperationResult[];
  readonly results: ResultColumns;
  /** What its resets emptied, in their order; one that is a retry, and did nothing, is not among them. */
  readonly resets: readonly ResetKey[];
}

/** A rolling hash over everything that `apply` did, equal on all nodes at the same index. */
export interface StateHash {
  readonly index: number;
  /** 16 hexadecimal digits. */
  readonly hash: string;
}

/**
 * A point-in-time image of the whole state (SEMANTICS S8), cut when it began, however much is applied while it is
 * being read. At most one cut is open at a time.
 */
export interface SnapshotCut {
  readonly index: number;
  readonly stampUs: number;
  /** The next piece, at most about `maxBytes` long, or null at the end. Work is proportional to the piece. */
  next(maxBytes: number): Uint8Array | null;
  /** Gives up a cut that will not be read to its end. */
  release(): void;
}

/** Occupancy and counters, for metrics and tests. */
export interface LimiterStats {
  /** Keys with a live count, and how many there may be. */
  readonly keys: number;
  readonly maxKeys: number;
  /** Live sessions. */
  readonly sessions: number;
  /** Request ids that are remembered. */
  readonly requestIds: number;
  /** Items refused because the key table was full, since the first entry of the log. */
  readonly keysFull: number;
  /** Reservations, slots and leases that may be open at once. */
  readonly maxHolds: number;
  /** Open reservations (slots apart). */
  readonly reservations: number;
  /** Slots of `concurrency` that are held. */
  readonly slots: number;
  /** Outstanding leases. */
  readonly leases: number;
  /** Reservations that nobody settled in time, since the first entry of the log: they count as spent. */
  readonly reservationsEnded: number;
  /** Slots that ended by their time or with their session, since the first entry of the log. */
  readonly slotsEnded: number;
  /** Leases that reached their end, since the first entry of the log. */
  readonly leasesEnded: number;
  /** Reservations, slots and leases refused because too many were open, since the first entry of the log. */
  readonly holdsFull: number;
  /** Bans that began, since the first entry of the log. */
  readonly bansBegun: number;
  /** Denials that no ban could count, since the memory for them was full, since the first entry of the log. */
  readonly denialsUncounted: number;
}

/**
 * The replicated state machine: deterministic, synchronous, told the time by its entries alone.
 *
 * The same entries in the same order give the same results, the same snapshot and the same hash on every node and
 * every engine: integers only, no clock, no iteration over anything whose order is not fixed.
 */
export interface Limiter {
  /** Index of the last applied entry, and its stamp. */
  readonly appliedIndex: number;
  readonly stampUs: number;
  readonly bounds: Bounds;
  readonly stats: LimiterStats;

  /**
   * Applies the entry at `index`, which must be above `appliedIndex` (Raft's own entries leave gaps).
   * An entry that this version cannot decode is a fatal error, since skipping it would let nodes diverge.
   * @throws {EntryError} when the bytes are not an entry of a known format.
   */
  apply(index: number, entry: Uint8Array): Applied;

  /**
   * Reads what the keys of a batch of single-item calls lead to, before {@link denies} is asked about one after the other: many cold
   * keys are waited for at once then. Changes nothing.
   */
  lookAhead(namespace: string, batch: CallBatch): void;
  /**
   * The denial fast path (SEMANTICS D1), for single-item calls of a first attempt. True if the item would surely be
   * denied by an entry stamped `stampUs`; its values are then in `into` at `at`. Changes nothing. The conditions on
   * leadership and quorum contact are the caller's.
   */
  denies(namespace: string, batch: CallBatch, item: number, stampUs: number, into: ResultColumns, at: number): boolean;

  /** How a take would come out at `stampUs`, with `remaining` and `resetAfterMs` as they are now; changes nothing. */
  peek(namespace: string, rule: Rule, key: Uint8Array, cost: number, stampUs: number): ResultColumns;

  /** Living sessions of a namespace: how many clients share its limits. */
  countSessions(namespace: string): number;

  /** Whether the session lives in applied state and the nonce is its own. */
  knowsSession(session: SessionId, nonce: Uint8Array): boolean;

  /** What operators have set. */
  readonly policies: PolicyReader;
  /** How many keys are banned at `stampUs`, in all namespaces. */
  countBans(stampUs: number): number;
  /** The bans of a namespace in force at `stampUs`, ordered by policy and key, at most `most` of them, and how many there are. */
  bans(namespace: string, stampUs: number, most: number): { readonly bans: readonly Ban[]; readonly total: number };

  /** Everything about one key under one rule at `stampUs`, for people; changes nothing. */
  explain(namespace: string, rule: Rule, key: Uint8Array, stampUs: number): Explanation;

  /** The namespace of a living session, for the denial fast path; null if it is gone or the nonce is not its own. */
  sessionNamespace(session: SessionId, nonce: Uint8Array): string | null;

  /**
   * Whether this call of a living session was decided by an entry, or is settled: a copy of it that was held up on its way says that it is
   * a first attempt, and the fast path must not deny it for its own charge (SEMANTICS D1).
   */
  knowsCall(session: SessionId, nonce: Uint8Array, number: number): boolean;

  /** Whether this request id is remembered: the fast path must not answer for it (SEMANTICS D1). */
  knowsRequestId(namespace: string, identity: string, requestId: string): boolean;

  /**
   * The stamp at which something is due (an expiry to sweep, a session to forget), or null. An idle leader then
   * proposes a stamp (SEMANTICS T3).
   */
  nextDueUs(): number | null;

  stateHash(): StateHash;
  beginSnapshot(): SnapshotCut;
}

/** Rebuilds a limiter from the pieces of a cut, in order, so that a large snapshot never stalls the loop. */
export interface LimiterRestore {
  write(piece: Uint8Array): void;
  /** @throws {SnapshotError} when pieces are missing or damaged. */
  finish(): Limiter;
}
