// Kept in the declarations: a page's project may lack this lib, and the guard names AsyncDisposable.
/// <reference lib="esnext.disposable" preserve="true" />

import type { CallOptions, Decision, GuardEvent, WaitOptions } from "@quorumguard/sdk-core";
import type { Denial } from "./denial-watch.ts";

/** One question of a page's: may `key` take `cost` under a policy of the cluster's? */
export interface PolicyCheck<P extends string = string> {
  /** What is limited, such as the visitor's id: 1 to 512 bytes of UTF-8; the token says which keys a page may name. */
  readonly key: string;
  /** How much is taken: a whole number from 1 to 2,147,483,647. Default 1. */
  readonly cost?: number | undefined;
  /** The policy's name. */
  readonly policy: P;
}

/** Which calls on a key are meant. */
export interface KeyOptions {
  /** Those of this cost. Default 1. */
  readonly cost?: number | undefined;
}

/** What a browser's guard tells of. A page reports nothing afterwards, so there is no `reconciled`. */
export type BrowserGuardEvent = Exclude<GuardEvent, { readonly type: "reconciled" }>;

/**
 * The guard of a page, or of its web worker or service worker: `allow`, `peek` and `wait` by the names of policies. A page never
 * chooses a limit, since whoever opens it could choose another.
 *
 * Methods that return a promise reject rather than throw. A mistake always rejects, with a {@link GuardError}; that the cluster
 * cannot answer, or that the device is offline, is `onUnavailable`'s to settle.
 */
export interface BrowserGuard<P extends string = string> extends AsyncDisposable {
  /**
   * Asks for one admission of `key` (or `cost` of them) under a policy. Calls of one turn of the event loop travel in one request,
   * up to 64 of them, and each is still its own: its deadline, its signal, its end. One with a `requestId` travels alone.
   *
   * @throws {GuardError} `invalid_argument`, `unauthenticated`, `permission_denied`, `misconfigured`, `unknown_policy` for a mistake;
   * `aborted` when the signal says so; `closed` after `close`; with `onUnavailable: "throw"` also `unavailable`, `timed_out`, `overloaded`.
   */
  allow(key: string, policy: P, options?: CallOptions): Promise<Decision>;
  /**
   * Answers what `allow` would say, and charges nothing.
   *
   * @throws {GuardError} As `allow` with `onUnavailable: "throw"`, whatever the guard's own is: there is nothing to guess.
   */
  peek(check: PolicyCheck<P>): Promise<Decision>;
  /**
   * As `allow`, but a caller that is denied waits for its turn, in the order in which callers of this page came. A tab in the
   * background, whose timers are slowed down, asks late and never early; one whose device has slept asks at once.
   *
   * @throws {GuardError} As `allow`.
   */
  wait(check: PolicyCheck<P>, options: WaitOptions): Promise<Decision>;
  /**
   * The denial of that key that is not over yet, for whoever draws a countdown; null: none is known. It is what the latest call was told
   * that has an answer, whoever made it; the object stays the same until something changes.
   */
  denialOf(key: string, policy: P, options?: KeyOptions): Denial | null;
  /**
   * Calls `listener` with each decision on that key, whoever asked this guard for it; not with one that the answer to a later call
   * overtook. Returns what ends that. Nothing is called when a denial's time is over: whoever draws a countdown has a timer.
   */
  watch(key: string, policy: P, listener: (decision: Decision) => void, options?: KeyOptions): () => void;
  /**
   * Calls `listener` at each event of that type, after the turn in which it happened. Returns what ends the subscription.
   *
   * @throws {GuardError} `invalid_argument` for an event that does not exist (thrown, not rejected).
   */
  on<E extends BrowserGuardEvent["type"]>(
    event: E,
    listener: (event: Extract<BrowserGuardEvent, { readonly type: E }>) => void,
  ): () => void;
  /** Ends all requests; calls in flight reject with a {@link GuardError} `closed`. Any number of times. */
  close(): Promise<void>;
}
