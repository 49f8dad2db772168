import { algorithmNumber, type PolicyDocument } from "./documents.ts";

/** How one name's keys were counted until another rule took over. */
export interface PastEpoch {
  readonly epoch: number;
  /** The stamp at which the next rule took over: counts are those in force at it. */
  readonly endUs: number;
  /** From this stamp on, nothing of what was counted can matter any more, but for counters that still count by their own rule. */
  readonly retainUs: number;
  /** The counters that may be looked for. */
  readonly shapes: readonly { readonly algorithm: number; readonly windowUs: number }[];
  /** The numbers of the policy in force; null: each caller's own. */
  readonly numbers: {
    readonly algorithm: number;
    readonly limit: number;
    readonly windowUs: number;
    readonly burst: number;
  } | null;
}

/**
 * Where a name's counts come from (SEMANTICS K1). Whenever another rule takes over, a new epoch begins, whose keys are
 * counted anew: the old counters stand still from that stamp on, so that it makes no difference when one of them is
 * carried over, and no entry carries over more than the keys that it touches.
 */
export interface Lineage {
  readonly name: string;
  /** Part of the identity of the name's counters; 0: no rule ever took over. */
  readonly epoch: number;
  /** The longest time that an inline rule of this name was asked to count for, within {@link callersSpanUs}, while a policy stood in its place. */
  readonly askedUs: number;
  readonly past: readonly PastEpoch[];
  /** Something was forgotten that may count until then: at a change before it, each key is taken to be full. */
  readonly fullUntilUs: number;
}

/** As long as a window of a day can count. */
export const MAX_CALLERS_US = 2 * 86_400_000_000;

/**
 * What callers bring keeps counters of others for two days at most, as a window of a day needs. A single call would else keep those
 * of all keys of its name for years. Who counts for longer finds what it has counted itself, since a counter that counts is
 * there; of what a policy counted it may miss what no call of the key took over in two days.
 */
export function callersSpanUs(spanUs: number): number {
  return Math.min(spanUs, MAX_CALLERS_US);
}

/** Of a name that no rule took over yet. */
export function newLineage(name: string, askedUs: number): Lineage {
  return { name, epoch: 0, askedUs, past: [], fullUntilUs: 0 };
}

const MAX_SAFE = Number.MAX_SAFE_INTEGER;

/** For how long after a charge a counter can differ from an unused one, in microseconds. */
export function spanUs(algorithm: number, limit: number, windowUs: number, burst: number): number {
  if (algorithm !== algorithmNumber("token-bucket")) return 2 * windowUs;
  return limit === 0 ? windowUs : Math.min(MAX_SAFE, Math.ceil(burst / limit) * windowUs + windowUs);
}

/**
 * The past that can still matter at `stampUs`, each epoch kept for `spanUs` more. Of `living` epochs there are counters: it is
 * these that know how long they count, since single keys may have slower numbers of their own, or have had them. What came
 * after such an epoch is on the way of what waits from it, and stays, too.
 */
export function stillMattering(
  past: readonly PastEpoch[],
  living: ReadonlySet<number>,
  stampUs: number,
  spanUs: number,
): readonly PastEpoch[] {
  const matters = ({ retainUs, epoch }: PastEpoch) => retainUs > stampUs || living.has(epoch);
  const first = past.findIndex(matters);
  return first < 0
    ? []
    : past
        .slice(first)
        .map((each) =>
          matters(each) ? { ...each, retainUs: Math.max(each.retainUs, safeSum(stampUs, spanUs)) } : each,
        );
}

/** A stamp so much later, at most the largest safe integer. */
export function safeSum(stampUs: number, spanUs: number): number {
  return Math.min(MAX_SAFE, stampUs + spanUs);
}

/** Whether counters of one document go on under the other as they are; a bucket's level depends on all of its numbers. */
export function countsAlike(a: PolicyDocument, b: PolicyDocument): boolean {
  if (a.algorithm !== b.algorithm || a.windowMs !== b.windowMs) return false;
  return a.algorithm !== "token-bucket" || (a.limit === b.limit && a.burst === b.burst);
}
