"use client";

import type { CallOptions, Decision } from "@quorumguard/sdk-core";
import { useCallback, useInsertionEffect, useMemo, useSyncExternalStore } from "react";
import {
  initialRateLimitState,
  type RateLimitNotice,
  type RateLimitState,
  RateLimitStore,
  type WatchedGuard,
} from "./rate-limit-store.ts";

/** What a component may choose. */
export interface RateLimitOptions extends Pick<CallOptions, "cost" | "timeoutMs" | "onUnavailable"> {
  /**
   * Words for what there is to say, for pages in another language than English. Default: short English sentences, such as
   * "Too many attempts. Try again in 12 seconds."
   */
  readonly announce?: ((notice: RateLimitNotice) => string) | undefined;
}

/** What a component shows of a limit, and how it asks. */
export interface RateLimit extends Omit<RateLimitState, "notice"> {
  /**
   * Asks for one admission. Rejects as the guard's `allow` does, with the same error in `error`: whoever draws that need not catch it.
   * When the component is unmounted it is aborted.
   */
  readonly attempt: () => Promise<Decision>;
  /**
   * What to put into a live region, `<p aria-live="polite">{announcement}</p>`: it changes when an attempt is denied or fails, and when
   * the next one may be made, and not with each second. Put it beside the button, since what is in a busy element may not be read out.
   */
  readonly announcement: string;
  /**
   * What a button takes to make attempts: `<button {...buttonProps}>`. While an attempt is denied it is `aria-disabled`, and not
   * `disabled`, which would take the focus away from whoever is on it. A press asks all the same, since a key may have been reset or
   * unblocked meanwhile; the guard answers from its memory for the first 5 s (`maxDenialAgeMs`). While an attempt is on its way
   * a press does nothing, and the button is `aria-busy`: what it shows is about to change, and nothing is denied yet.
   */
  readonly buttonProps: {
    readonly "aria-disabled": boolean;
    readonly "aria-busy": boolean;
    readonly onClick: () => void;
  };
}

/**
 * The limit of `key` under a policy as this page knows it, with a countdown while it is used up. Components with the same guard, key,
 * policy and cost hear the same decisions while they are mounted and count down together; `pending` and `error` are each one's own.
 * Nothing is asked before the first attempt, and nothing on a server.
 */
export function useRateLimit<P extends string>(
  guard: WatchedGuard<P>,
  key: string,
  policy: NoInfer<P>,
  options: RateLimitOptions = {},
): RateLimit {
  const { cost = 1, timeoutMs, onUnavailable, announce = inEnglish } = options;
  const store = useMemo(() => new RateLimitStore<P>(guard, key, policy, cost), [guard, key, policy, cost]);
  // The state is subscribed to after the effects of children and all layout effects, which may attempt already.
  useInsertionEffect(() => store.subscribe(() => {}), [store]);
  const { notice, ...state } = useSyncExternalStore(store.subscribe, store.getState, initialState);
  const attempt = useCallback(() => store.attempt({ timeoutMs, onUnavailable }), [store, timeoutMs, onUnavailable]);
  const onClick = useCallback(() => {
    if (!store.getState().pending) void attempt();
  }, [store, attempt]);
  return {
    ...state,
    attempt,
    announcement: notice === null ? "" : announce(notice),
    buttonProps: { "aria-disabled": !state.allowed, "aria-busy": state.pending, onClick },
  };
}

function initialState(): RateLimitState {
  return initialRateLimitState;
}

function inEnglish(notice: RateLimitNotice): string {
  switch (notice.type) {
    case "denied":
      return `${denialInEnglish[notice.decision.reason]}${whenInEnglish(notice.secondsLeft)}`;
    case "over":
      return "You can try again now.";
    case "failed":
      return "That did not work. Please try again.";
  }
}

const denialInEnglish = {
  limited: "Too many attempts.",
  banned: "Too many attempts.",
  blocked: "This is not allowed.",
  unavailable: "That cannot be checked at the moment.",
} as const;

function whenInEnglish(secondsLeft: number | null): string {
  if (secondsLeft === null) return "";
  if (secondsLeft < 90) return ` Try again in ${secondsLeft === 1 ? "a second" : `${secondsLeft} seconds`}.`;
  const minutes = Math.ceil(secondsLeft / 60);
  if (minutes < 90) return ` Try again in ${minutes} minutes.`;
  return ` Try again in ${Math.ceil(minutes / 60)} hours.`;
}
