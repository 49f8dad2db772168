/** A span of time: a number of milliseconds, or a number with its unit, such as `"10s"`. Also checked at run time. */
export type Duration = number | `${number}${"ms" | "s" | "m" | "h" | "d"}`;

/**
 * What a caller gets when the cluster cannot decide within the deadline: this process's own count, yes, no, or an
 * error.
 */
export type OnUnavailable = "local" | "allow" | "deny" | "throw";

/** How admissions are counted: exactly in every window, or by a bucket that refills and allows a burst. */
export type Algorithm = "sliding-window-log" | "token-bucket";

/** Who made a decision, and so whether it is exact or degraded. */
export type Source =
  /** Through the log, committed by a quorum: exact. */
  | "quorum"
  /** A denial from the leader's applied state: exact. */
  | "leader"
  /** In this process, exact. */
  | "denial-cache"
  | "lease"
  /** In this process, without the cluster's counts: degraded. */
  | "local"
  | "fail-open"
  | "fail-closed";

/** Why a call was denied, and the HTTP status that suits: 429, 403, 403, 503. */
export type DenialReason = "limited" | "banned" | "blocked" | "unavailable";

/** What every decision says beside yes or no: the limit, what is left of it, and how exact that is. */
export interface Facts {
  /** The policy's name; null for an inline limit. */
  readonly policy: string | null;
  readonly limit: number;
  /** What the same key could still take at once; null: not known. */
  readonly remaining: number | null;
  /** Milliseconds until the key is as if it had never been used; null: not known. */
  readonly resetAfterMs: number | null;
  readonly source: Source;
  /** True if it was decided without the cluster's counts. */
  readonly degraded: boolean;
  /** What a shadow policy would have said. */
  readonly shadow: DenialReason | null;
}

/** An admission: the caller may go on. */
export interface Allowed extends Facts {
  readonly allowed: true;
  readonly reason: null;
  readonly retryAfterMs: 0;
}

/** A denial, and when to come back. It is a value, never an exception. */
export interface Denied extends Facts {
  readonly allowed: false;
  readonly reason: DenialReason;
  /** Milliseconds until the same call would be admitted; null: never, whatever the wait. */
  readonly retryAfterMs: number | null;
}

/** The answer to one check, told apart by `allowed`. */
export type Decision = Allowed | Denied;

/** A limit per window, and how it is counted. */
export interface Rule {
  /** Admissions per window, 0 (always denied) to 2,147,483,647. */
  readonly limit: number;
  /** 1 ms to 400 days. */
  readonly window: Duration;
  /** Default `"sliding-window-log"`: never more than `limit` in any window. */
  readonly algorithm?: Algorithm;
  /** Token bucket only: how many at once, 1 to 2,147,483,647. Default: `limit`. */
  readonly burst?: number;
}

/** A rule that calls refer to by name; the name is part of what identifies the counter. */
export interface Policy extends Rule {
  /** Overrides the guard's own for calls under this policy. */
  readonly onUnavailable?: OnUnavailable;
}

/** One question: may `key` take `cost` under a policy or an inline limit? */
export type Check<P extends string = string> = {
  /** 1 to 512 bytes of UTF-8. */
  readonly key: string;
  /** 1 to 2,147,483,647; default 1. */
  readonly cost?: number;
} & ({ readonly policy: P } | Rule);

/** The part of AbortSignal that a guard needs, so that every runtime's own fits. */
export interface AbortSignalLike {
  readonly aborted: boolean;
  readonly reason?: unknown;
  addEventListener(type: "abort", listener: () => void, options?: { once?: boolean }): void;
  removeEventListener(type: "abort", listener: () => void): void;
}

/** What one call may choose for itself; everything left out is the guard's. */
export interface CallOptions {
  /** 1 to 2,147,483,647; default 1. */
  readonly cost?: number;
  /** The one deadline of the whole call, all its attempts included, in milliseconds: 1 to 2,147,483,647. */
  readonly timeoutMs?: number;
  /** Gives the call up; it then rejects with {@link GuardError} `aborted`. */
  readonly signal?: AbortSignalLike;
  readonly onUnavailable?: OnUnavailable;
  /** Makes the same call from anywhere, also from another process, count once: 1 to 128 bytes of UTF-8. */
  readonly requestId?: string;
}

/** What a group of checks came to: all admitted, or none. */
export interface GroupDecision<C extends readonly unknown[] = readonly unknown[]> {
  readonly allowed: boolean;
  /** One per check, in their order. */
  readonly decisions: { readonly [I in keyof C]: Decision };
}

/** What a guard tells its owner as it happens: who leads, and when decisions stop and start being the cluster's. */
export type GuardEvent =
  | {
      readonly type: "topology";
      readonly clusterId: string;
      readonly term: number;
      /** 0: not known. */
      readonly leaderId: number;
      readonly endpoints: readonly string[];
    }
  /** The first call that the cluster could not decide. */
  | { readonly type: "degraded"; readonly reason: string }
  /** The first decision of the cluster after that. */
  | { readonly type: "recovered"; readonly degradedForMs: number }
  /**
   * One of several endpoints is a mistake (a wrong port, scheme or certificate) while others serve or are silent: told
   * once for each such endpoint, since no call throws for it.
   */
  | { readonly type: "misconfigured"; readonly endpoint: string; readonly reason: string };

/**
 * A rate limiter whose counts live in a replicated cluster.
 *
 * @throws {GuardError} `invalid_argument` when an argument is out of bounds; `unauthenticated`, `misconfigured`,
 * `wrong_cluster` when no wait would help; `aborted` when the caller's signal says so. What it means that the cluster
 * cannot be reached is `onUnavailable`'s to say.
 */
export interface Guard<P extends string = string> extends AsyncDisposable {
  /** Asks for one admission of `key` under a policy. */
  allow(key: string, policy: P, options?: CallOptions): Promise<Decision>;
  /** Asks for one admission of `key`: at most `limit` per `window`. */
  allow(
    key: string,
    limit: number,
    window: Duration,
    options?: CallOptions & Pick<Rule, "algorithm" | "burst">,
  ): Promise<Decision>;
  /** Admits all checks together or none; a denied group charges nothing. */
  allowAll<const C extends readonly Check<P>[]>(
    checks: C,
    options?: Omit<CallOptions, "cost">,
  ): Promise<GroupDecision<C>>;
  /** Answers what `allow` would say, and charges nothing. Rejects when the cluster cannot say. */
  peek(check: Check<P>): Promise<Decision>;
  /** Resolves once the cluster has a leader that takes calls. Rejects on a bad address, certificate or token, or after `timeoutMs` (default 10,000). */
  ready(options?: { readonly timeoutMs?: number }): Promise<void>;
  /** Returns what ends the subscription. */
  on(event: GuardEvent["type"], listener: (event: GuardEvent) => void): () => void;
  /** Ends the session and all connections; calls in flight reject with `closed`. */
  close(): Promise<void>;
}
