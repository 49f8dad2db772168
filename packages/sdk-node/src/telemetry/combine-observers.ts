import type { CallObserver, GuardObserver } from "@quorumguard/sdk-core";

/** One observer that tells all of these, in their order. */
export function combineObservers(observers: readonly GuardObserver[]): GuardObserver {
  return {
    callStarted(call) {
      const followers: CallObserver[] = [];
      for (const observer of observers) {
        const follower = observer.callStarted?.(call) ?? null;
        if (follower !== null) followers.push(follower);
      }
      return followers.length > 1 ? tellAll(followers) : (followers[0] ?? null);
    },
    degradedDecisions: (source, checks) => {
      for (const observer of observers) observer.degradedDecisions?.(source, checks);
    },
    localAnswers: (counts) => {
      for (const observer of observers) observer.localAnswers?.(counts);
    },
    breakerChanged: (state) => {
      for (const observer of observers) observer.breakerChanged?.(state);
    },
    event: (event) => {
      for (const observer of observers) observer.event?.(event);
    },
    closed: () => {
      for (const observer of observers) observer.closed?.();
    },
  };
}

function tellAll(followers: readonly CallObserver[]): CallObserver {
  return {
    sent: (endpoint, attempt, number) => {
      for (const follower of followers) follower.sent?.(endpoint, attempt, number);
    },
    attemptFailed: (reason, applied) => {
      for (const follower of followers) follower.attemptFailed?.(reason, applied);
    },
    decided: (decisions) => {
      for (const follower of followers) follower.decided?.(decisions);
    },
    failed: (error) => {
      for (const follower of followers) follower.failed?.(error);
    },
  };
}
