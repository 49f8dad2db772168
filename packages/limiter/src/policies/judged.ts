import { Outcome } from "../call-batch.ts";
import { Algorithm } from "../rule.ts";
import type { GovernedRule } from "./governed-rule.ts";
import type { OwnNumbers } from "./own-numbers.ts";

/** No debt comes near it. */
const BOUNDLESS = Number.MAX_SAFE_INTEGER;

/** What one item of a call came to so far. */
export interface Judged {
  rule: GovernedRule;
  /** Its own outcome, whether or not it is enforced. */
  outcome: number;
  /** On the allow-list: charged nothing. */
  free: boolean;
  limit: number;
  /** Numbers of its key's own. */
  own: OwnNumbers | null;
  cost: number;
  /** What the same key is asked for earlier in the call. */
  ahead: number;
  keyStart: number;
  keyLength: number;
  hash: number;
  /** The key's counter when it was judged, or 0. */
  block: number;
  /** What the rule itself said when the item was judged: a ban that begins later in the call is told along with it. */
  never: boolean;
  retryAfterUs: number;
  resetNowUs: number;
}

/** To be filled in for each item. */
export function createJudged(rule: GovernedRule): Judged {
  const numbers = { limit: 0, cost: 0, ahead: 0, keyStart: 0, keyLength: 0, hash: 0, block: 0 };
  const times = { never: false, retryAfterUs: 0.5, resetNowUs: 0.5 };
  return { rule, outcome: Outcome.allowed, free: false, own: null, ...numbers, ...times };
}

/** Gives a rule numbers by which whatever is asked for fits, to open what is not to be denied. */
export function openAnyway({ rule: { quota }, limit }: Judged): void {
  if (quota.algorithm !== Algorithm.tokenBucket) {
    quota.limit = BOUNDLESS;
    return;
  }
  // A bucket must go on draining at its own rate, lest its counter seem unused at once.
  quota.limit = Math.max(1, limit);
  quota.burst = BOUNDLESS;
}
