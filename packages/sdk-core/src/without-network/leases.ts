import { countedDecision, OUTCOME_ALLOWED } from "../calls/decisions.ts";
import { SAFE_SHARE } from "../session/session-life.ts";
import type { Decision } from "../surface/guard.ts";
import type { ResolvedRule } from "../surface/resolved-rule.ts";
import type { HeardTimes } from "./denials.ts";
import type { Demand } from "./lease-size.ts";

/** Units of a key that the cluster has charged already: this process spends them without asking (SEMANTICS L). */
export interface Lease {
  readonly handle: number;
  /** The log index of its grant. */
  readonly index: number;
  readonly units: number;
  left: number;
  /** When it was asked for, on the monotonic clock, and before what times on both clocks it is spent. */
  readonly fromMs: number;
  readonly untilMs: number;
  readonly untilWallMs: number;
  /** As of the grant: the limit, what of it was left beside the lease, and when the key is as if never used. */
  readonly limit: number;
  readonly remaining: number;
  readonly resetAtMs: number;
  /** Another is asked for once so little is left; below 0: one was. */
  renewAt: number;
  /** What was left when it was last looked at, and how often in a row that had not changed. */
  seenLeft: number;
  idleLooks: number;
}

/** What is leased of one key, and what bears on the next lease. */
export interface KeyLeases extends Demand {
  /** What is spent now, and what will be then. */
  current: Lease | null;
  next: Lease | null;
  /** A grant is under way. */
  asking: boolean;
  /** None is asked for before, on the monotonic clock. */
  notBeforeMs: number;
  /** As the cluster said last. */
  limit: number;
  remaining: number;
  /** How long the last lease was granted for, in milliseconds; before the first one: how long it may be. */
  leaseMs: number;
}

/** What the cluster granted. */
export interface ToldGrant {
  readonly handle: number;
  readonly index: number;
  readonly units: number;
  readonly openForMs: number;
  readonly limit: number;
  readonly remaining: number;
  readonly resetAfterMs: number;
}

/**
 * The lease as it is spent: for 98 % of the time that it was granted for, counted from the first send of the request, by whichever
 * clock is over first (SEMANTICS L2). A reply that was held up, or a machine that was frozen, leaves less of it, never more.
 */
export function leaseOf(told: ToldGrant, times: HeardTimes): Lease {
  const { handle, index, units, openForMs, limit, remaining, resetAfterMs } = told;
  return {
    handle,
    index,
    units,
    left: units,
    fromMs: times.sentMs,
    untilMs: times.sentMs + openForMs * SAFE_SHARE,
    untilWallMs: times.sentWallMs + openForMs * SAFE_SHARE,
    limit,
    remaining,
    resetAtMs: times.heardMs + resetAfterMs,
    renewAt: Math.floor(units / 2),
    seenLeft: units,
    idleLooks: 0,
  };
}

/** Whether nothing of it may be spent any more. */
export function isOver(lease: Lease, nowMs: number, wallMs: number): boolean {
  return nowMs >= lease.untilMs || wallMs >= lease.untilWallMs;
}

/** Which part of its time is over: 0 to 1. */
export function ageOf(lease: Lease, nowMs: number): number {
  return (nowMs - lease.fromMs) / (lease.untilMs - lease.fromMs);
}

/** No lease lasts longer, in milliseconds, nor longer than a tenth of its window (SEMANTICS L1). */
const LONGEST_LEASE_MS = 1_000;

/** A key of which nothing is leased yet. */
export function createKeyLeases({ windowUs }: ResolvedRule, nowMs: number): KeyLeases {
  return {
    perMs: 0,
    units: 0,
    sinceMs: nowMs,
    current: null,
    next: null,
    asking: false,
    notBeforeMs: 0,
    limit: 0,
    remaining: 0,
    // Of a name alone the window is not known here.
    leaseMs: windowUs === 0 ? LONGEST_LEASE_MS : Math.min(LONGEST_LEASE_MS, windowUs / 10_000),
  };
}

/** What the caller is told: `remaining` is what was left at the grant, and what is left of the lease. */
export function leasedNow(rule: ResolvedRule, lease: Lease, nowMs: number): Decision {
  const resetAfterMs = Math.max(0, Math.ceil(lease.resetAtMs - nowMs));
  return countedDecision(rule, lease.limit, "lease", OUTCOME_ALLOWED, lease.remaining + lease.left, resetAfterMs, 0);
}
