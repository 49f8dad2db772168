import { Algorithm, createLocalCounts, type LocalItem, type ResultColumns, type Rule } from "@quorumguard/limiter";
import type { CallItem, CallVerb } from "../calls/call.ts";
import { localShare, type ResolvedRule } from "../surface/resolved-rule.ts";

/** Keys that one process limits by itself at once. */
const MAX_LOCAL_KEYS = 100_000;
/** Reservations and slots that one process keeps by itself at once. */
const MAX_LOCAL_HOLDS = 100_000;

/** A call as far as it is decided here. */
export interface LocalCall extends CallVerb, CallItem {
  readonly group: readonly CallItem[] | null;
}

/** Limits in this process, by the cluster's own algorithms, for as long as the cluster cannot be asked. */
export interface LocalLimiter {
  /** Decides the call now: values in the order of its items, valid until the next call. Null: only the cluster knows its rules. */
  decide(call: LocalCall): ResultColumns | null;
}

/**
 * Makes a local limiter. It outlives outages, so that a flapping connection earns no fresh share (SEMANTICS U1).
 * `clients`: how many share the limit, as far as the cluster has told; 1 before any contact.
 */
export function createLocalLimiter(monotonicMs: () => number, clients: () => number): LocalLimiter {
  const counts = createLocalCounts({ maxKeys: MAX_LOCAL_KEYS, maxHolds: MAX_LOCAL_HOLDS });
  return {
    decide(call) {
      const items: LocalItem[] = [];
      for (const { rule, key, cost } of call.group ?? [call]) {
        const share = localShare(rule, clients());
        if (share === null) return null;
        items.push({ rule: ofOneIdentity(share, rule), key, cost });
      }
      return counts.decide(call.verb, items, call.ttlMs, call.handle, Math.floor(monotonicMs() * 1_000));
    },
  };
}

/**
 * A bucket without a name is identified by its numbers: here by those of the whole, which no policy's name looks like. So
 * what a key has used stays used when the share changes.
 */
function ofOneIdentity(share: Rule, whole: ResolvedRule): Rule {
  if (share.policy !== "" || share.algorithm !== Algorithm.tokenBucket) return share;
  return { ...share, policy: `\u0000${whole.limit}/${whole.burst}` };
}
