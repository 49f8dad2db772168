import { countedDecision } from "../calls/decisions.ts";
import { SAFE_SHARE } from "../session/session-life.ts";
import type { Decision } from "../surface/guard.ts";
import type { ResolvedRule } from "../surface/resolved-rule.ts";

/** Costs of one key whose denials are remembered beside each other. */
const MAX_COSTS = 4;

/** A denial that the cluster called firm: it holds for this cost whatever else is taken or given back (SEMANTICS D2). */
export interface Denial {
  readonly cost: number;
  /** It does not know what the log holds from this index on. */
  readonly asOfIndex: number;
  /** Its number on the wire. */
  readonly outcome: number;
  readonly limit: number;
  readonly remaining: number;
  /** On the monotonic clock: when the same call would be admitted, infinite: never; and when the key is as if never used. */
  readonly retryAtMs: number;
  readonly resetAtMs: number;
  /** It is honoured before these times, on the monotonic clock and on the wall clock. */
  readonly untilMs: number;
  readonly untilWallMs: number;
  /** Of another cost. */
  older: Denial | null;
}

/** When a call was first sent, and when its answer was heard. */
export interface HeardTimes {
  readonly sentMs: number;
  readonly sentWallMs: number;
  readonly heardMs: number;
}

/** What the cluster told of a denied call. `retryAfterMs` below 0: never. */
export interface ToldDenial {
  readonly asOfIndex: number;
  readonly outcome: number;
  readonly limit: number;
  readonly remaining: number;
  readonly resetAfterMs: number;
  readonly retryAfterMs: number;
  readonly firmForMs: number;
}

/**
 * The denial as it is remembered. It holds from when the call was first sent, which is before it was judged; waiting ends as
 * counted from when it was heard, which is after: neither is told too early.
 */
export function denialOf(cost: number, told: ToldDenial, times: HeardTimes): Denial {
  const { asOfIndex, outcome, limit, remaining, resetAfterMs, retryAfterMs, firmForMs } = told;
  return {
    cost,
    asOfIndex,
    outcome,
    limit,
    remaining,
    retryAtMs: retryAfterMs < 0 ? Number.POSITIVE_INFINITY : times.heardMs + retryAfterMs,
    resetAtMs: times.heardMs + resetAfterMs,
    untilMs: times.sentMs + firmForMs * SAFE_SHARE,
    untilWallMs: times.sentWallMs + firmForMs * SAFE_SHARE,
    older: null,
  };
}

/** The list with this denial first, in the place of what was known for its cost. */
export function withDenial(list: Denial | null, denial: Denial): Denial {
  let last = denial;
  let kept = 1;
  for (let other = list; other !== null && kept < MAX_COSTS; ) {
    const { older } = other;
    if (other.cost !== denial.cost) {
      last.older = other;
      last = other;
      kept += 1;
    }
    other = older;
  }
  last.older = null;
  return denial;
}

/** The list without what something at this log index has undone. */
export function denialsAfter(list: Denial | null, index: number): Denial | null {
  if (list === null) return null;
  list.older = denialsAfter(list.older, index);
  return list.asOfIndex > index ? list : list.older;
}

/**
 * The denial of exactly this cost that is honoured now; null: there is none. A smaller cost may be admitted, and a larger one
 * has longer to wait: each learns its own from the cluster.
 */
export function denialFor(list: Denial | null, cost: number, nowMs: number, wallMs: number): Denial | null {
  for (let denial = list; denial !== null; denial = denial.older) {
    if (denial.cost === cost) return nowMs < denial.untilMs && wallMs < denial.untilWallMs ? denial : null;
  }
  return null;
}

/**
 * What the caller is told now. While one of cost 1 is denied nothing can be taken at all, so what the cluster said of the key
 * still holds; while a larger one is, others may go on taking, and how much is left is not known here.
 */
export function deniedNow(rule: ResolvedRule, denial: Denial, nowMs: number): Decision {
  const { cost, outcome, limit, retryAtMs, resetAtMs } = denial;
  const remaining = cost === 1 ? denial.remaining : null;
  const resetAfterMs = cost === 1 ? Math.max(0, Math.ceil(resetAtMs - nowMs)) : null;
  const retryAfterMs = retryAtMs === Number.POSITIVE_INFINITY ? -1 : Math.max(1, Math.ceil(retryAtMs - nowMs));
  return countedDecision(rule, limit, "denial-cache", outcome, remaining, resetAfterMs, retryAfterMs);
}
