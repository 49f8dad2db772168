import { type Limiter, NEVER, Outcome, type Rule } from "@quorumguard/limiter";

/** Everything that the leader's applied state says about one key under one rule, as an object for people. */
export function explainKey(limiter: Limiter, namespace: string, rule: Rule, key: string, stampUs: number): object {
  const results = limiter.peek(namespace, rule, new TextEncoder().encode(key), 1, stampUs);
  const outcome = results.outcomes[0]!;
  const retryAfterMs = results.retryAfterMs[0]!;
  const { policy } = rule;
  const { policies } = limiter;
  const document = policies.document(namespace);
  const inForce = document.policies.find(({ name }) => name === policy) ?? null;
  const ban = limiter
    .bans(namespace, stampUs, Number.POSITIVE_INFINITY)
    .bans.find((each) => each.key === key && each.policy === policy);
  const [last] = policies.history(namespace);
  return {
    namespace,
    key,
    policy: policy === "" ? null : policy,
    inForce,
    decision: {
      outcome: outcomeNames.get(outcome) ?? `outcome ${outcome}`,
      limit: results.limits[0]!,
      remaining: results.remaining[0]!,
      resetAfterMs: results.resetAfterMs[0]!,
      retryAfterMs: retryAfterMs === NEVER ? null : retryAfterMs,
    },
    override: document.overrides.find((each) => each.key === key && each.policy === policy) ?? null,
    tier: document.tierKeys.find((each) => each.key === key)?.tier ?? null,
    ban: ban === undefined ? null : { endsAfterMs: Math.ceil((ban.untilUs - stampUs) / 1_000), strikes: ban.strikes },
    version: policies.version(namespace),
    lastChange:
      last === undefined
        ? null
        : {
            version: last.version,
            at: new Date(last.stampUs / 1_000).toISOString(),
            author: last.author,
            kind: last.kind,
          },
  };
}

const outcomeNames = new Map<number, string>(Object.entries(Outcome).map(([name, outcome]) => [outcome, name]));
