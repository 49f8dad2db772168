/** Tokens of a full budget. */
const MAX_TOKENS = 20;
/** What one answered frame gives back. */
const TOKENS_PER_SUCCESS = 0.5;

/**
 * Keeps retries from adding to an overload, after gRPC's proposal A6: failures take tokens, successes give some back,
 * and below half of the tokens retries are held back. Hints to a leader cost nothing, since they do not repeat a
 * failure; and the unit is a frame, so that one lost stream with a thousand calls counts once.
 */
export interface RetryBudget {
  readonly dry: boolean;
  failed(): void;
  succeeded(): void;
}

/** A full budget: a guard that starts during an outage may retry like any other. */
export function createRetryBudget(): RetryBudget {
  let tokens = MAX_TOKENS;
  return {
    get dry() {
      return tokens <= MAX_TOKENS / 2;
    },
    failed() {
      tokens = Math.max(0, tokens - 1);
    },
    succeeded() {
      tokens = Math.min(MAX_TOKENS, tokens + TOKENS_PER_SUCCESS);
    },
  };
}
