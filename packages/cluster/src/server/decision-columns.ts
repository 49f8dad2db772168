import { create } from "@bufbuild/protobuf";
import { isDecided, NEVER, type ResultColumns } from "@quorumguard/limiter";
import { type Decision, DecisionSchema, Outcome, Source } from "@quorumguard/proto";
import type { DecisionFacts } from "../node/node.ts";

/** Who decided, as the wire says it. */
export const wireSource = ({ source }: DecisionFacts): Source => (source === "leader" ? Source.LEADER : Source.QUORUM);

/** Item `at` of a node's results as a message of the unary methods; `asked` is its rule's limit, told if nothing was decided. */
export function decisionAt(results: ResultColumns, at: number, asked: number, facts: DecisionFacts): Decision {
  const retryAfterMs = results.retryAfterMs[at] ?? 0;
  const outcome = results.outcomes[at] ?? Outcome.UNSPECIFIED;
  const decision = create(DecisionSchema, {
    outcome: outcome as Outcome,
    limit: isDecided(outcome) ? (results.limits[at] ?? asked) : asked,
    remaining: results.remaining[at] ?? 0,
    resetAfterMs: BigInt(results.resetAfterMs[at] ?? 0),
    firmForMs: BigInt(results.firmForMs[at] ?? 0),
    source: wireSource(facts),
  });
  const shadow = results.shadows[at] ?? 0;
  const handle = results.handles[at] ?? 0;
  if (shadow !== 0) decision.shadow = shadow as Outcome;
  if (handle !== 0) decision.handle = BigInt(handle);
  if (retryAfterMs !== NEVER) decision.retryAfterMs = BigInt(retryAfterMs);
  return decision;
}

/** An item for which the node had no room: nothing was proposed for it. */
export function overloadedDecision(limit: number, retryAfterMs: number): Decision {
  return create(DecisionSchema, {
    outcome: Outcome.OVERLOADED,
    limit,
    retryAfterMs: BigInt(Math.max(1, Math.ceil(retryAfterMs))),
  });
}
