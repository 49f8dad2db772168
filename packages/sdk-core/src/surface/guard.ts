// Kept in the declarations: an edge project has neither Node's types nor this lib, and `Guard` names AsyncDisposable.
/// <reference lib="esnext.disposable" preserve="true" />

/**
 * A span of time: a number with its unit, such as `"10s"`, or a number of milliseconds that is whole seconds (others are refused, as
 * they may mean seconds). Also checked at run time.
 */
export type Duration = number | `${number}${"ms" | "s" | "m" | "h" | "d"}`;

/**
 * What a caller gets when the cluster cannot decide within the deadline: `"local"`: this process's own count; `"allow"`:
 * yes; `"deny"`: no, with reason `unavailable`; `"throw"`: a {@link GuardError}. The first three are marked `degraded`.
 */
export type OnUnavailable = "local" | "allow" | "deny" | "throw";

/**
 * How admissions are counted. `"sliding-window-log"`: never more than the limit in any window; exact up to 288
 * admissions per key and window, beyond that an admission returns less than window ÷ 256 late and never early.
 * `"token-bucket"`: at most `burst` at once, and `limit` per window on average. `"sliding-window-counter"`: an estimate of
 * the sliding window from two counts, in 24 bytes however many admissions. `"fixed-window"`: windows that begin at the
 * multiples of their length; the smallest, and the least exact where windows meet. `"concurrency"`: at most `limit` slots at
 * a time, which `reserve` occupies until they are given back.
 */
export type Algorithm =
  | "sliding-window-log"
  | "token-bucket"
  | "sliding-window-counter"
  | "fixed-window"
  | "concurrency";

/** Who made a decision, and so whether it is exact or degraded. */
export type Source =
  /** Through the log, committed by a quorum: exact. */
  | "quorum"
  /** A denial from the leader's applied state: exact. */
  | "leader"
  /** A denial that the cluster called firm, remembered in this process: exact. */
  | "denial-cache"
  /** From a lease: admissions that the cluster granted to this process, and charged, beforehand: exact. */
  | "lease"
  /** This process's own count, without the cluster's: degraded. */
  | "local"
  /** Yes, without any count: degraded. */
  | "fail-open"
  /** No, without any count: degraded. */
  | "fail-closed";

/**
 * Why a call was denied. `limited` (HTTP 429 suits): the limit is reached. `banned` (403): the policy bans the key for a
 * while, after too many denials. `blocked` (403): the key is on a deny-list. `unavailable` (503): the cluster could not
 * say, and `onUnavailable` is `"deny"`, or is `"local"` where this process knows no limit.
 */
export type DenialReason = "limited" | "banned" | "blocked" | "unavailable";

/** What every decision says beside yes or no: the limit, what is left of it, and how exact that is. */
export interface Facts {
  /** The policy's name; null for an inline limit. */
  readonly policy: string | null;
  /**
   * The whole limit, in admissions (or units of cost) per window, also while this process applies its share of it (`source` `local`: `remaining` is of
   * the share then); 0 also where only the cluster knows it and could not say.
   */
  readonly limit: number;
  /**
   * What the same key could still take at once, 0 to `limit` (token bucket: to `burst`); null: not known. Source `lease`: what was
   * left when the lease was granted, and what is left of the lease.
   */
  readonly remaining: number | null;
  /** Milliseconds until the key is as if it had never been used; null: not known. */
  readonly resetAfterMs: number | null;
  /** Who decided. */
  readonly source: Source;
  /** True if it was decided without the cluster's counts: the source is then `local`, `fail-open` or `fail-closed`. */
  readonly degraded: boolean;
  /** What a shadow policy would have said; null: it would have allowed, or there is none. */
  readonly shadow: DenialReason | null;
}

/** An admission: the caller may go on. */
export interface Allowed extends Facts {
  /** True: the call was counted, and the caller may go on. */
  readonly allowed: true;
  /** Null: an admission has no reason. */
  readonly reason: null;
  /** 0: there is nothing to wait for. */
  readonly retryAfterMs: 0;
}

/** A denial, and when to come back. It is a value, never an exception. */
export interface Denied extends Facts {
  /** False: nothing was counted, and the caller must not go on. */
  readonly allowed: false;
  /** Why. */
  readonly reason: DenialReason;
  /**
   * Milliseconds until the same call would be admitted if nobody else took anything; null: never, since the limit is 0 or
   * the cost is above it. For reason `unavailable`, and where only this process's share of the limit is too small for the cost
   * while the cluster does not decide: 1,000, about as long as a failover takes.
   */
  readonly retryAfterMs: number | null;
}

/** The answer to one check, told apart by `allowed`. */
export type Decision = Allowed | Denied;

/** A limit per window, and how it is counted. */
export interface Rule {
  /** Admissions (or units of cost) per window: a whole number from 0 (always denied) to 2,147,483,647. */
  readonly limit: number;
  /**
   * The window's length, 1 ms to 400 days: `"10s"`, or milliseconds as a number that is whole seconds, such as `60_000`. `60`, `3600`
   * and `2_592_000` (30 days of seconds) are refused: they may mean seconds; write `"60s"` or `"60ms"`. Under `"concurrency"`: for how
   * long a slot is held at most, if `reserve` is not told.
   */
  readonly window: Duration;
  /**
   * How admissions are counted. `"sliding-window-log"`: never more than `limit` in any window of that length; what was
   * admitted comes back when it is a window old. `"token-bucket"`: at most `burst` at once, refilled evenly at `limit` per
   * window. `"fixed-window"`: never more than `limit` in a window that begins at a multiple of its length, and up to twice as
   * much in one that does not. `"sliding-window-counter"`: the same bounds, but arrivals that are spread evenly are held to
   * `limit` in any window. `"concurrency"`: `limit` slots, each held by a reservation; `reserve`, `peek` and `reset` only.
   * Default `"sliding-window-log"`.
   */
  readonly algorithm?: Algorithm | undefined;
  /** Token bucket only: how many at once, a whole number from 1 to 2,147,483,647. Default: `limit`, at least 1. */
  readonly burst?: number | undefined;
}

/** A rule that calls refer to by name; the name is part of what identifies the counter. */
export interface Policy extends Rule {
  /** What calls under this policy get when the cluster cannot decide. Default: what the cluster's policy of that name says, else the guard's own. */
  readonly onUnavailable?: OnUnavailable | undefined;
  /**
   * Whether this process may lease admissions of keys that it is asked for often, and spend them without asking the cluster: never
   * more than the limit, but what one process holds, others cannot take meanwhile. Default: what the cluster's policy of that name
   * says, else the guard's `lease`. A policy of the cluster that says `lease: false` forbids it.
   */
  readonly lease?: boolean | undefined;
}

/** One question: may `key` take `cost` under a policy (by its name) or a limit of its own (`limit`, `window` and so on)? */
export type Check<P extends string = string> = {
  /** What is limited, such as a user's id: 1 to 512 bytes of UTF-8. */
  readonly key: string;
  /** How much is taken: a whole number from 1 to 2,147,483,647. Default 1. */
  readonly cost?: number | undefined;
} & ({ readonly policy: P } | Rule);

/** The part of AbortSignal that a guard needs, so that every runtime's own fits. */
export interface AbortSignalLike {
  /** True from the moment on at which it was aborted. */
  readonly aborted: boolean;
  /** Why; it becomes the error's `cause`. */
  readonly reason?: unknown;
  /** Calls `listener` when it is aborted. */
  addEventListener(type: "abort", listener: () => void, options?: { once?: boolean }): void;
  /** Takes back `addEventListener`. */
  removeEventListener(type: "abort", listener: () => void): void;
}

/** What one call may choose for itself; everything left out is the guard's. */
export interface CallOptions {
  /** How much is taken: a whole number from 1 to 2,147,483,647. Default 1. A cost above the limit is denied for good. */
  readonly cost?: number | undefined;
  /** The one deadline of the whole call, all its attempts included, in milliseconds: 1 to 2,147,483,647. Default: the guard's. */
  readonly timeoutMs?: number | undefined;
  /** Gives the call up: it then rejects with a {@link GuardError} `aborted`. Default: none. */
  readonly signal?: AbortSignalLike | undefined;
  /**
   * What this call gets when the cluster cannot decide. Default: the guard's own policy's, else the cluster's policy's, else the guard's; of
   * a group the strictest: `"deny"`, then `"throw"`, `"local"`, `"allow"`.
   */
  readonly onUnavailable?: OnUnavailable | undefined;
  /**
   * Makes the same call count once from wherever it is made, for one minute after it counted: 1 to 128 bytes of UTF-8. Make it again
   * only while that minute lasts for the new deadline, too. Default: none; attempts of one call never count twice anyway: what may have
   * counted is not sent again 55 s after that. Such a call travels alone and so costs more.
   */
  readonly requestId?: string | undefined;
}

/** What one `allow` under a limit of its own may choose. */
export interface InlineOptions extends CallOptions {
  /** As a rule's; but slots of `"concurrency"` are reserved, and not taken. */
  readonly algorithm?: Exclude<Algorithm, "concurrency"> | undefined;
  /** As a rule's: for `"token-bucket"` only. */
  readonly burst?: number | undefined;
}

/** What one `reserve` may choose for itself. */
export interface ReserveOptions extends CallOptions {
  /**
   * How long the reservation may stay open: whole milliseconds from 1 ms to 400 days, `"30s"`, or a number as for a
   * rule's `window`. What is still open then ends: an amount counts as spent, a slot of `"concurrency"` is free. Default: under `"concurrency"` the
   * rule's window, otherwise a minute, or the window if that is shorter.
   */
  readonly ttl?: Duration | undefined;
}

/** What one `wait` may choose for itself: how long it may take, by a time, a signal, or both. */
export type WaitOptions = Omit<CallOptions, "timeoutMs" | "signal" | "requestId"> &
  (
    | {
        /** How long to wait at most, all questions included, in milliseconds: 1 to 2,147,483,647. */
        readonly timeoutMs: number;
        /** Gives the wait up. */
        readonly signal?: AbortSignalLike | undefined;
      }
    | {
        /** Gives the wait up; without `timeoutMs` nothing else does. */
        readonly signal: AbortSignalLike;
        readonly timeoutMs?: number | undefined;
      }
  );

/** The platform's own AbortSignal, where its types are there; else the part of it that a guard knows. */
export type HoldSignal = typeof globalThis extends { AbortSignal: { prototype: infer Signal } }
  ? Signal
  : AbortSignalLike;

/**
 * What is withheld until it is settled, once: by `commit`, by `cancel`, or by leaving the block of an `await using`, which cancels
 * unless it is settled. Settling is retried until the call's deadline, and counts once however often it is sent; guards with
 * streams go on trying after it.
 */
export interface Hold extends AsyncDisposable {
  /**
   * Aborts before the hold can end by itself: 2 % of its time early, counted from when the request was sent; and where it
   * lives with the guard's session (over gRPC, without a `requestId`), before that can be forgotten because the cluster was
   * not reached for so long, or when the guard is closed. Work that must not outlive the hold goes by it. Not once the hold is settled.
   */
  readonly signal: HoldSignal;
  /**
   * Ends the hold at what the work came to: a whole number from 0 to 2,147,483,647, default what was reserved. What was reserved
   * above it is given back, as far as it still counts; what it exceeds the reservation is charged at once, without asking.
   * A slot of `"concurrency"` is given back whatever is said. A second commit with the same amount, or with none, is the first;
   * one with another amount is a mistake, as the hold is settled once.
   *
   * @throws {GuardError} `not_held` when the hold is over, or was cancelled; `invalid_argument`; `unavailable`, `timed_out`,
   * `overloaded`, `session_expired` when the cluster did not answer; `closed` after the guard's `close`.
   */
  commit(actualCost?: number): Promise<void>;
  /**
   * Gives the whole hold back, as far as it still counts. Does nothing after a commit, nor a second time.
   *
   * @throws {GuardError} As `commit`, but disposal does not reject for an outage or a hold that is over.
   */
  cancel(): Promise<void>;
}

/**
 * The answer to a `reserve`: a decision, and if it is allowed a {@link Hold}. Under `await using` both kinds are disposed of.
 *
 * One that is `degraded` never reaches the cluster: with source `local` the hold is on this process's own count, and with
 * `fail-open` on none, so that commit and cancel change nothing.
 */
export type Reservation = (Allowed & Hold) | (Denied & AsyncDisposable);

/** What a group of checks came to: all admitted, or none. */
export interface GroupDecision<C extends readonly unknown[] = readonly unknown[]> {
  /** True: every check was counted. False: none was. */
  readonly allowed: boolean;
  /** One per check, in their order. */
  readonly decisions: { readonly [I in keyof C]: Decision };
}

/** What a guard tells its owner as it happens: who leads, and when decisions stop and start being the cluster's. */
export type GuardEvent =
  /** The guard learnt of members, or of another leader. */
  | {
      readonly type: "topology";
      readonly clusterId: string;
      /** The leader's term; it grows with every election. */
      readonly term: number;
      /** The leader's node id; 0: not known. */
      readonly leaderId: number;
      /** Members' addresses, as this guard reaches them. */
      readonly endpoints: readonly string[];
    }
  /**
   * At the configured endpoints another cluster answers than before, and nobody speaks for the old one any more: the guard goes on with the new
   * one, whose counts begin anew. What it remembered, leased or held of the old one is dropped.
   */
  | { readonly type: "replaced"; readonly formerClusterId: string; readonly clusterId: string; readonly reason: string }
  /** The first call that the cluster could not decide, and why. That it has no room for a key of its own is no such case. */
  | { readonly type: "degraded"; readonly reason: string }
  /** The first decision of the cluster once all calls go to it again, and how many milliseconds lay between. */
  | { readonly type: "recovered"; readonly degradedForMs: number }
  /** With `reconcile`: what was admitted while the cluster was away has been reported to it. Calls, by what became of them. */
  | {
      readonly type: "reconciled";
      /** They count: the report charged them, or they had been charged before their deadline after all. */
      readonly charged: number;
      /** Their keys had no room for them any more. */
      readonly refused: number;
      /** More than `maxUnreportedCalls`, sent under a session that the cluster has forgotten, or without an answer when the guard was closed: not known to count. */
      readonly unreported: number;
    }
  /**
   * One of several endpoints is a mistake (a wrong port, scheme or certificate) while others serve or are silent: told
   * once for each such endpoint, since no call throws for it.
   */
  | { readonly type: "misconfigured"; readonly endpoint: string; readonly reason: string };

/**
 * A rate limiter whose counts live in a replicated cluster. Made by `createGuard`; one per process is enough, and any
 * number of calls may be under way at once.
 *
 * Methods that return a promise reject rather than throw. A mistake always rejects, with a {@link GuardError} `invalid_argument` (the
 * message names field, value and bound), `unauthenticated`, `permission_denied`, `misconfigured` or `wrong_cluster`. That the cluster
 * cannot answer is `onUnavailable`'s to settle.
 */
export interface Guard<P extends string = string> extends AsyncDisposable {
  /**
   * Asks for one admission of `key` (or `cost` of them) under a policy. A name that the guard's options do not define is a
   * policy of the cluster's: it travels by its name alone.
   *
   * @throws {GuardError} `invalid_argument`, `unauthenticated`, `permission_denied`, `misconfigured`, `wrong_cluster` for a mistake;
   * `aborted` when the caller's signal says so; `request_id_reused` when `requestId` belongs to another call; `unknown_policy` when
   * neither guard nor cluster define the policy; `needs_reservation` under `"concurrency"`; `closed` after `close`; with
   * `onUnavailable: "throw"` also `unavailable`, `timed_out`, `overloaded`, `keys_full`, `namespace_full`, `session_expired`; `internal`
   * for an answer that this version does not understand.
   */
  allow(key: string, policy: P, options?: CallOptions): Promise<Decision>;
  /**
   * Asks for one admission of `key` (or `cost` of them): at most `limit` per `window`. Calls with the same key, window and
   * algorithm (for a token bucket also limit and burst) share a count, from whichever process they come.
   *
   * @throws {GuardError} As `allow(key, policy)`.
   */
  allow(key: string, limit: number, window: Duration, options?: InlineOptions): Promise<Decision>;
  /**
   * Admits all checks (1 to 1,024) together or none; a denied group charges nothing. A key that is repeated counts each time. When
   * the cluster cannot decide, the strictest `onUnavailable` of the checks holds for all of them, unless the options say one.
   *
   * @throws {GuardError} As `allow`.
   */
  allowAll<const C extends readonly Check<P>[]>(
    checks: C,
    options?: Omit<CallOptions, "cost">,
  ): Promise<GroupDecision<C>>;
  /**
   * Withholds a cost until it is known what the work came to, or a slot of `"concurrency"` until the work is over:
   * `await using tokens = await guard.reserve({ key, policy: "tokens", cost: 2_000 }, { ttl: "2m" })`, then
   * `if (tokens.allowed) { … await tokens.commit(actual) }`. A denial is a value, as with `allow`. What is not settled when
   * its time is over counts as spent, and a slot is free; a reserve that was given up while it was under way is given back
   * once its answer comes, over gRPC, and else ends by itself.
   *
   * @throws {GuardError} As `allow`; and `holds_full` when as many are open as there may be.
   */
  reserve(check: Check<P>, options?: ReserveOptions): Promise<Reservation>;
  /**
   * As `allow`, but a caller that is denied waits for its turn: callers of this process that wait for one key under one rule are
   * served in the order in which they came, and only the first of them asks, no sooner than it can be admitted. Resolves with
   * an admission, or with the last denial: when the time is up, at once when the next turn comes too late for it, and at once when
   * no waiting helps (`retryAfterMs` null). The answer to what was asked in time is awaited, for up to the guard's `timeoutMs` after
   * it. A `cost` may stand in the check or in the options.
   *
   * @throws {GuardError} As `allow`; `aborted` when the signal says so, with nothing counted unless its `applied` says otherwise.
   */
  wait(check: Check<P>, options: WaitOptions): Promise<Decision>;
  /**
   * Answers what `allow` would say, and charges nothing.
   *
   * @throws {GuardError} As `allow` with `onUnavailable: "throw"`, whatever the guard's own is: there is nothing to guess.
   */
  peek(check: Check<P>): Promise<Decision>;
  /**
   * Empties the counter of a key, whether or not it was ever used; what open reservations hold stays counted. The check's
   * `cost` means nothing.
   *
   * @throws {GuardError} As `allow` with `onUnavailable: "throw"`, whatever the guard's own is: nothing else can empty it.
   */
  reset(check: Check<P>): Promise<void>;
  /**
   * Resolves once the cluster has a leader that takes calls. Not needed before `allow`; it tells of mistakes early.
   * `timeoutMs`: 1 to 2,147,483,647 milliseconds, default 10,000.
   *
   * @throws {GuardError} `unauthenticated`, `misconfigured`, `wrong_cluster` for a mistake; `unavailable` when the time is up;
   * `closed` after `close`.
   */
  ready(options?: { readonly timeoutMs?: number | undefined }): Promise<void>;
  /**
   * Calls `listener` at each event of that type, after the turn in which it happened. Returns what ends the subscription.
   * The listener's event has the fields of its type: `guard.on("degraded", ({ reason }) => …)`.
   *
   * @throws {GuardError} `invalid_argument` for an event that does not exist (thrown, not rejected).
   */
  on<E extends GuardEvent["type"]>(
    event: E,
    listener: (event: Extract<GuardEvent, { readonly type: E }>) => void,
  ): () => void;
  /**
   * Ends the session and all connections; calls in flight reject with a {@link GuardError} `closed`. Before that it gives back what is
   * leased and, with `reconcile`, reports what is left to report, for 250 ms at most. Any number of times.
   */
  close(): Promise<void>;
}
