import type { PlainMessage, Decision as WireDecision } from "@quorumguard/proto";
import type { Decision, DenialReason, Source } from "../surface/guard.ts";
import { numbersOf, type ResolvedRule } from "../surface/resolved-rule.ts";

/** `quorumguard.v1.Outcome` of an admission, and of a denial by the limit. */
export const OUTCOME_ALLOWED = 1;
export const OUTCOME_LIMITED = 2;
const OUTCOME_BANNED = 3;
const OUTCOME_BLOCKED = 4;
/** From here on an outcome says why there is no decision. */
export const FIRST_FAILURE_OUTCOME = 16;

/** What a decision is made of, from the wire or from the local limiter. `retryAfterMs` below 0: never. */
export interface DecisionValues {
  readonly outcome: number;
  readonly remaining: number;
  readonly resetAfterMs: number;
  readonly retryAfterMs: number;
}

/** A decision by counts: the cluster's, now or remembered, or this process's own if `source` is `local`. */
export function countedDecision(
  rule: ResolvedRule,
  limit: number,
  source: Source,
  outcome: number,
  remaining: number | null,
  resetAfterMs: number | null,
  retryAfterMs: number,
  shadowOutcome = 0,
): Decision {
  const shadow = shadowOutcome === 0 ? null : denialReason(shadowOutcome);
  const degraded = source === "local";
  if (outcome === OUTCOME_ALLOWED) {
    return {
      allowed: true,
      reason: null,
      retryAfterMs: 0,
      policy: rule.name,
      limit,
      remaining,
      resetAfterMs,
      source,
      degraded,
      shadow,
    };
  }
  return {
    allowed: false,
    reason: denialReason(outcome),
    retryAfterMs: retryAfterMs < 0 ? null : retryAfterMs,
    policy: rule.name,
    limit,
    remaining,
    resetAfterMs,
    source,
    degraded,
    shadow,
  };
}

/** The decision that one item of an answer outside of sessions holds. */
export function wireDecision(rule: ResolvedRule, wire: PlainMessage<WireDecision>): Decision {
  const { limit, outcome, remaining, resetAfterMs, shadow } = wire;
  const retryAfterMs = wire.retryAfterMs === undefined ? -1 : Number(wire.retryAfterMs);
  const source = wireSource(wire.source);
  return countedDecision(rule, limit, source, outcome, remaining, Number(resetAfterMs), retryAfterMs, shadow);
}

/** What callers are told for the number of a denial. */
function denialReason(outcome: number): DenialReason {
  if (outcome === OUTCOME_BANNED) return "banned";
  return outcome === OUTCOME_BLOCKED ? "blocked" : "limited";
}

/** When to ask again after a denial that the cluster may undo once it decides, in milliseconds: about as long as a failover takes. */
export const OUTAGE_RETRY_MS = 1_000;

/** A degraded decision that knows no counts: failed open, or failed closed. */
export function blindDecision(rule: ResolvedRule, allowed: boolean): Decision {
  const facts = {
    policy: rule.name,
    limit: numbersOf(rule).limit,
    remaining: null,
    resetAfterMs: null,
    degraded: true,
    shadow: null,
  };
  if (allowed) return { allowed: true, reason: null, retryAfterMs: 0, source: "fail-open", ...facts };
  return {
    allowed: false,
    reason: "unavailable",
    retryAfterMs: OUTAGE_RETRY_MS,
    source: "fail-closed",
    ...facts,
  };
}

/** The source of a cluster's decision, by `quorumguard.v1.Source`. */
export function wireSource(source: number): Source {
  return source === 2 ? "leader" : "quorum";
}
