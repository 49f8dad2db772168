import type { Decision, Duration } from "@quorumguard/sdk-node";

const unitSeconds: Readonly<Record<string, number>> = { ms: 0.001, s: 1, m: 60, h: 3_600, d: 86_400 };

function secondsOf(window: Duration): number {
  if (typeof window === "number") return window / 1_000;
  const [, count, unit] = /^([\d.]+)([a-z]+)$/.exec(window)!;
  return Number(count) * unitSeconds[unit!]!;
}

/**
 * A decision as draft-ietf-httpapi-ratelimit-headers-11 writes it: the quota in `RateLimit-Policy`, what is left of it
 * in `RateLimit`. `t` is when all of it is back; after a denial, when the same request would be admitted, so that
 * `Retry-After` never names an earlier time. What is not known is left out.
 */
export function rateLimitFields(decision: Decision, window: Duration): Record<string, string> {
  const name = JSON.stringify(decision.policy ?? "default"); // a structured-field string, as long as it is plain ASCII
  const windowSeconds = secondsOf(window);
  const wholeWindow = Number.isInteger(windowSeconds) ? `;w=${windowSeconds}` : ""; // the draft has no fractions
  const fields: Record<string, string> = { "RateLimit-Policy": `${name};q=${decision.limit}${wholeWindow}` };
  if (decision.remaining === null) return fields;
  const waitMs = decision.allowed ? decision.resetAfterMs : decision.retryAfterMs;
  const effectiveWindow = waitMs === null ? "" : `;t=${Math.ceil(waitMs / 1_000)}`;
  return { ...fields, RateLimit: `${name};r=${decision.remaining}${effectiveWindow}` };
}
