import type { Decision, DenialReason, GuardError } from "@quorumguard/sdk-core";
import { wholeSeconds } from "./header-fields.ts";

/** Why a request is not let through, all its limits together. */
export interface Denial {
  /** The gravest of the denials: `blocked`, `banned`, `limited`, `unavailable`. */
  readonly reason: DenialReason;
  /** Milliseconds until the same request may be let through; null: never. */
  readonly retryAfterMs: number | null;
  /** Policies that denied the request, in the order of the route's `limits`. */
  readonly violatedPolicies: readonly string[];
  /** One for each of the route's `limits`; none if the guard threw. */
  readonly decisions: readonly Decision[];
  /** What the guard threw, if it threw: only what means that the cluster could not decide. */
  readonly error: GuardError | null;
}

/** What is answered in place of the route. */
export interface DenialAnswer {
  readonly status: number;
  /** Beside the fields of `headers` and `QuorumGuard-Source`, which are on every answer. */
  readonly headers: Readonly<Record<string, string>>;
  /** An object is written as JSON. */
  readonly body: string | object;
}

/** How grave a reason is: waiting does not help against the first ones. */
const gravity: readonly DenialReason[] = ["blocked", "banned", "limited", "unavailable"];
const statusOf: Readonly<Record<DenialReason, number>> = { limited: 429, banned: 403, blocked: 403, unavailable: 503 };
/** When to ask again after the guard threw: as after its own denials for that reason, about as long as a failover takes. */
const unavailableRetryMs = 1_000;

/** What the decisions come to; null: all are allowed. Names are those of the policies, in the same order. */
export function denialOf(decisions: readonly Decision[], names: readonly string[]): Denial | null {
  const denied = decisions.flatMap((decision, at) => (decision.allowed ? [] : [{ decision, name: names[at]! }]));
  if (denied.length === 0) return null;
  const reasons = denied.map(({ decision }) => decision.reason);
  const waits = denied.map(({ decision }) => decision.retryAfterMs);
  return {
    reason: gravity.find((reason) => reasons.includes(reason))!,
    retryAfterMs: waits.includes(null) ? null : Math.max(...waits.map(Number)),
    violatedPolicies: [...new Set(denied.map(({ name }) => name))],
    decisions,
    error: null,
  };
}

/** The denial of a request of which the guard threw that nobody can count it. */
export function unavailableDenial(error: GuardError, names: readonly string[]): Denial {
  const violatedPolicies = [...new Set(names)];
  return { reason: "unavailable", retryAfterMs: unavailableRetryMs, violatedPolicies, decisions: [], error };
}

const registry = "https://iana.org/assignments/http-problem-types";

/** Types and titles of draft-ietf-httpapi-ratelimit-headers. A deny-list is no quota, and so has none. */
const problems: Readonly<Record<DenialReason, { readonly type?: string; readonly title: string }>> = {
  limited: {
    type: `${registry}#quota-exceeded`,
    title: "Request cannot be satisfied as assigned quota has been exceeded",
  },
  banned: {
    type: `${registry}#abnormal-usage-detected`,
    title: "Request not satisfied due to detection of abnormal request pattern",
  },
  blocked: { title: "Forbidden" },
  unavailable: {
    type: `${registry}#temporary-reduced-capacity`,
    title: "Request cannot be satisfied due to temporary server capacity constraints",
  },
};

/** The answer to a denial: a problem document (RFC 9457), and when to come back, unless it is never. */
export function answerTo({ reason, retryAfterMs, violatedPolicies }: Denial): DenialAnswer {
  const status = statusOf[reason];
  const problem = { ...problems[reason], status };
  return {
    status,
    headers: {
      "Content-Type": "application/problem+json",
      ...(retryAfterMs === null ? {} : { "Retry-After": String(wholeSeconds(retryAfterMs)) }),
    },
    // Which policies know of a block is the operators' business.
    body: reason === "blocked" ? problem : { ...problem, "violated-policies": violatedPolicies },
  };
}
