import type { CallOptions, Decision, Denied } from "@quorumguard/sdk-core";
import { GuardError } from "@quorumguard/sdk-core";
import type { BrowserGuard } from "./browser-guard.ts";

/** What the hook needs of a guard. */
export type WatchedGuard<P extends string> = Pick<BrowserGuard<P>, "allow" | "denialOf" | "watch">;

/** What there is to say to somebody who does not see the page. */
export type RateLimitNotice =
  /** An attempt was denied; `secondsLeft` null: waiting does not help. */
  | { readonly type: "denied"; readonly decision: Denied; readonly secondsLeft: number | null }
  /** The denial is over. */
  | { readonly type: "over" }
  /** An attempt failed. */
  | { readonly type: "failed"; readonly error: Error };

/** What a component shows; a new object whenever something changed, and the same until then. */
export interface RateLimitState {
  /** Whether an attempt may be made now, as far as is known. */
  readonly allowed: boolean;
  /** The limit that was applied; null: not known yet. */
  readonly limit: number | null;
  /** What can still be taken at once; null: not known. */
  readonly remaining: number | null;
  /** Milliseconds until the next attempt may be made, as of the last tick; 0: now; null: never. */
  readonly retryAfterMs: number | null;
  /** The same in whole seconds, rounded up, for a countdown; null: there is none. */
  readonly secondsLeft: number | null;
  /** Whether an attempt is on its way. */
  readonly pending: boolean;
  /** Why the last attempt failed; null: it did not. A denial is no failure. */
  readonly error: Error | null;
  readonly notice: RateLimitNotice | null;
}

/** Nothing keeps anybody from an attempt. */
const mayAttempt = { allowed: true, retryAfterMs: 0, secondsLeft: null } as const;

/** Before anything is known, and on servers. */
export const initialRateLimitState: RateLimitState = {
  ...mayAttempt,
  limit: null,
  remaining: null,
  pending: false,
  error: null,
  notice: null,
};

/** The state of one key under one policy, for those who are subscribed; while nobody is, it does nothing and nothing is in flight. */
export class RateLimitStore<P extends string> {
  readonly #guard: WatchedGuard<P>;
  readonly #key: string;
  readonly #policy: P;
  readonly #cost: number;
  readonly #listeners = new Set<() => void>();
  #state = initialRateLimitState;
  /** Aborts what is in flight; null: nobody is subscribed. */
  #controller: AbortController | null = null;
  #inFlight = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #unwatch = () => {};

  constructor(guard: WatchedGuard<P>, key: string, policy: P, cost: number) {
    this.#guard = guard;
    this.#key = key;
    this.#policy = policy;
    this.#cost = cost;
  }

  readonly getState = (): RateLimitState => this.#state;

  readonly subscribe = (listener: () => void): (() => void) => {
    // Wrapped, so that each subscription is its own.
    const own = () => listener();
    this.#listeners.add(own);
    if (this.#listeners.size === 1) this.#start();
    return () => {
      if (this.#listeners.delete(own) && this.#listeners.size === 0) this.#stop();
    };
  };

  /** Asks for one admission. Its rejection is told by the state too, so that nobody has to catch it. */
  attempt(options: CallOptions): Promise<Decision> {
    const attempt = this.#attempt(options);
    attempt.catch(() => {});
    return attempt;
  }

  async #attempt(options: CallOptions): Promise<Decision> {
    const signal = this.#controller?.signal;
    if (signal === undefined) {
      throw new GuardError("aborted", "the component is not mounted, so nothing was asked", { applied: "no" });
    }
    this.#inFlight += 1;
    // Words of a failure go now: only what changes is read out, should the next attempt fail alike.
    this.#set({ pending: true, error: null, ...(this.#state.notice?.type === "failed" ? { notice: null } : {}) });
    try {
      const decision = await this.#guard.allow(this.#key, this.#policy, { ...options, cost: this.#cost, signal });
      this.#ended(null);
      return decision;
    } catch (error) {
      const isGivenUp = error instanceof GuardError && error.code === "aborted";
      this.#ended(isGivenUp ? null : (error as Error));
      throw error;
    }
  }

  #ended(error: Error | null): void {
    this.#inFlight -= 1;
    const failed = error === null ? {} : { error, notice: { type: "failed", error } as const };
    this.#set({ pending: this.#inFlight > 0, ...failed });
  }

  #start(): void {
    this.#controller = new AbortController();
    this.#unwatch = this.#guard.watch(this.#key, this.#policy, (decision) => this.#heard(decision), {
      cost: this.#cost,
    });
    globalThis.document?.addEventListener("visibilitychange", this.#tick);
    this.#tick();
  }

  #stop(): void {
    this.#unwatch();
    globalThis.document?.removeEventListener("visibilitychange", this.#tick);
    clearTimeout(this.#timer);
    this.#controller?.abort();
    this.#controller = null;
  }

  #heard(decision: Decision): void {
    const { limit, remaining, degraded } = decision;
    const known = { limit: degraded && limit === 0 ? this.#state.limit : limit, remaining };
    if (decision.allowed) {
      this.#set({ ...known, ...mayAttempt, notice: null });
    } else {
      const secondsLeft = decision.retryAfterMs === null ? null : secondsOf(decision.retryAfterMs);
      const { notice, allowed } = this.#state;
      // One countdown is told of once, however often somebody tries meanwhile.
      const isTold = notice?.type === "denied" && notice.decision.reason === decision.reason && !allowed;
      this.#set({ ...known, ...(isTold ? {} : { notice: { type: "denied", decision, secondsLeft } }) });
    }
    this.#tick();
  }

  /** Brings the countdown up to date, and comes back when its number changes: not in a page that nobody sees. */
  readonly #tick = (): void => {
    clearTimeout(this.#timer);
    if (this.#controller === null) return;
    const denial = this.#guard.denialOf(this.#key, this.#policy, { cost: this.#cost });
    if (denial === null) {
      const isOver = !this.#state.allowed;
      const over = isOver && this.#state.notice !== null ? { notice: { type: "over" } as const } : {};
      // What others left of it while it was denied is not known.
      this.#set({ ...mayAttempt, ...(isOver ? { remaining: null } : {}), ...over });
      return;
    }
    const { decision, retryAtMs } = denial;
    const known = this.#state.limit === null ? { limit: decision.limit, remaining: decision.remaining } : {};
    if (retryAtMs === null) {
      this.#set({ ...known, allowed: false, retryAfterMs: null, secondsLeft: null });
      return;
    }
    const leftMs = Math.max(1, Math.ceil(retryAtMs - performance.now()));
    // Before anybody is told, who may unmount and so end it.
    if (globalThis.document?.visibilityState !== "hidden")
      this.#timer = setTimeout(this.#tick, leftMs % 1_000 || 1_000);
    this.#set({ ...known, allowed: false, retryAfterMs: leftMs, secondsLeft: secondsOf(leftMs) });
  };

  #set(changes: Partial<RateLimitState>): void {
    const before = this.#state;
    const next = { ...before, ...changes };
    if ((Object.keys(next) as (keyof RateLimitState)[]).every((name) => Object.is(next[name], before[name]))) return;
    this.#state = next;
    for (const listener of this.#listeners) listener();
  }
}

function secondsOf(ms: number): number {
  return Math.max(1, Math.ceil(ms / 1_000));
}
