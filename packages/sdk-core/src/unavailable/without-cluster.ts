import { Algorithm, Verb } from "@quorumguard/limiter";
import type { Call, CallItem } from "../calls/call.ts";
import { blindDecision, countedDecision, FIRST_FAILURE_OUTCOME, OUTAGE_RETRY_MS } from "../calls/decisions.ts";
import type { Decision } from "../surface/guard.ts";
import { numbersOf } from "../surface/resolved-rule.ts";
import type { Decider } from "./degraded-warning.ts";
import type { LocalLimiter } from "./local-limiter.ts";

/** Decides what the cluster cannot. */
export interface WithoutCluster {
  /** One decision per item of the call, in their order; at least one denial denies the call. */
  decide(call: Call, decider: Decider): readonly Decision[];
}

/** What decides: this process's own count, and what the cluster has denied for longer than until now. */
export interface WithoutClusterOptions {
  readonly local: () => LocalLimiter;
  /** What the cluster denied for a while that is not over, as a decision of source `denial-cache`; null: it did not. */
  readonly firmDenial: (item: CallItem) => Decision | null;
}

/** What `onUnavailable` gives. A denial that still holds is honoured also by `"allow"` and `"local"` (SEMANTICS U, DESIGN §8). */
export function createWithoutCluster({ local, firmDenial }: WithoutClusterOptions): WithoutCluster {
  return {
    decide(call, decider) {
      const items = call.group ?? [call];
      if (decider === "deny") return items.map(({ rule }) => blindDecision(rule, false));
      const firm = items.map(firmDenial);
      if (firm.some((denial) => denial !== null)) {
        // A denied group charges nothing, here as there.
        const source = decider === "allow" ? "fail-open" : "local";
        return items.map(({ rule }, at) => firm[at] ?? { ...blindDecision(rule, true), source });
      }
      return decider === "local"
        ? localDecisions(call, items, local())
        : items.map(({ rule }) => blindDecision(rule, true));
    },
  };
}

function localDecisions(call: Call, all: readonly CallItem[], local: LocalLimiter): Decision[] {
  const items = all.filter(({ rule }) => rule.told?.shadow !== true);
  if (items.length === all.length) return countedHere(call, items, local);
  // A policy in a shadow is enforced nowhere, and what it would have said is lost with the cluster's counts.
  const [first] = items;
  const decisions = first === undefined ? [] : countedHere({ ...call, ...first, group: items }, items, local);
  return all.map(({ rule }) => (rule.told?.shadow === true ? blindDecision(rule, true) : decisions.shift()!));
}

function countedHere(call: Call, items: readonly CallItem[], local: LocalLimiter): Decision[] {
  const results = local.decide(call);
  // Nothing to count by: as with keys that do not fit, this process does not let pass what it cannot count.
  if (results === null) return items.map((item) => blindDecision(item.rule, false));
  if (call.verb === Verb.reserve) {
    call.opened = results.handles[0]!;
    call.openForMs = results.firmForMs[0]!;
  }
  return items.map((item, at) => {
    const outcome = results.outcomes[at]!;
    // No room for another key here either: this process cannot count it, so it does not let it pass.
    if (outcome >= FIRST_FAILURE_OUTCOME) return blindDecision(item.rule, false);
    const retryAfterMs = results.retryAfterMs[at]!;
    return countedDecision(
      item.rule,
      numbersOf(item.rule).limit,
      "local",
      outcome,
      results.remaining[at]!,
      results.resetAfterMs[at]!,
      retryAfterMs < 0 && fitsTheLimit(items, at) ? OUTAGE_RETRY_MS : retryAfterMs,
    );
  });
}

/** Whether the limit is enough for the item, and for those of its key before it: then only a share of it never is (SEMANTICS K3). */
function fitsTheLimit(items: readonly CallItem[], at: number): boolean {
  const { rule, key } = items[at]!;
  const { algorithm, limit, burst } = numbersOf(rule);
  let wanted = 0;
  for (const item of items.slice(0, at + 1)) if (item.rule === rule && item.key === key) wanted += item.cost;
  return limit > 0 && wanted <= (algorithm === Algorithm.tokenBucket ? burst : limit);
}
