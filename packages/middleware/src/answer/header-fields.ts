import type { Decision } from "@quorumguard/sdk-core";

/**
 * How what is left is told. `"draft-11"`: `RateLimit` and `RateLimit-Policy` as structured fields, draft-ietf-httpapi-ratelimit-headers
 * 8 to 11. `"draft-7"`: the same names with `limit=, remaining=, reset=`. `"draft-6"`: `RateLimit-Limit`, `-Remaining` and
 * `-Reset`, as in all drafts before. `"x-ratelimit"`: the same three with `X-`; `X-RateLimit-Reset` is seconds from now, too.
 */
export type HeaderFormat = "draft-11" | "draft-7" | "draft-6" | "x-ratelimit";

/** All of {@link HeaderFormat}. */
export const headerFormats: readonly HeaderFormat[] = ["draft-11", "draft-7", "draft-6", "x-ratelimit"];

/** One field of an answer. */
export interface HeaderField {
  readonly name: string;
  readonly value: string;
  /** True: a list, to be appended to what another limit of the same request has written. False: it replaces that. */
  readonly list: boolean;
}

/** What Express' responses and Fastify's replies have in common, and so those of Nest. */
export interface NodeResponseLike {
  header(name: string, value: string): unknown;
  getHeader(name: string): unknown;
}

/** Writes fields, each as its {@link HeaderField.list} says. */
export function writeFields(response: NodeResponseLike, fields: readonly HeaderField[]): void {
  for (const { name, value, list } of fields) {
    const written = list ? response.getHeader(name) : undefined;
    response.header(name, written === undefined ? value : `${written}, ${value}`);
  }
}

/** A decision, and what the fields say beside it. */
export interface ToldDecision {
  readonly decision: Decision;
  /** The policy's name. */
  readonly name: string;
  /** The policy's window in whole seconds; null: not known, or no whole number of seconds, which the fields cannot say. */
  readonly windowSeconds: number | null;
}

/** The fields of one format after another; those that two of them share are the first one's. */
export function headerFields(told: readonly ToldDecision[], formats: readonly HeaderFormat[]): readonly HeaderField[] {
  const fields = new Map<string, HeaderField>();
  for (const format of formats) {
    for (const field of fieldsOf[format](told)) if (!fields.has(field.name)) fields.set(field.name, field);
  }
  return [...fields.values()];
}

const fieldsOf: Readonly<Record<HeaderFormat, (told: readonly ToldDecision[]) => readonly HeaderField[]>> = {
  "draft-11": structuredFields,
  "draft-7": (told) => {
    const { limit, remaining, reset } = nearest(told) ?? {};
    const state =
      limit === undefined ? [] : [field("RateLimit", `limit=${limit}, remaining=${remaining}, reset=${reset}`)];
    return [...plainPolicies(told), ...state];
  },
  "draft-6": (told) => [...plainPolicies(told), ...triple("RateLimit", told)],
  "x-ratelimit": (told) => triple("X-RateLimit", told),
};

function structuredFields(told: readonly ToldDecision[]): readonly HeaderField[] {
  const policies: string[] = [];
  const states: string[] = [];
  for (const { decision, name, windowSeconds } of told) {
    const { limit, remaining } = decision;
    const item = structuredString(name);
    // A degraded decision by a policy that only the cluster knows has no limit to tell.
    if (limit > 0 || remaining !== null)
      policies.push(`${item};q=${limit}${windowSeconds === null ? "" : `;w=${windowSeconds}`}`);
    if (remaining === null) continue;
    const reset = resetSeconds(decision);
    states.push(`${item};r=${remaining}${reset === null ? "" : `;t=${reset}`}`);
  }
  const fields: HeaderField[] = [];
  if (policies.length > 0) fields.push({ name: "RateLimit-Policy", value: policies.join(", "), list: true });
  if (states.length > 0) fields.push({ name: "RateLimit", value: states.join(", "), list: true });
  return fields;
}

/** `RateLimit-Policy` before draft 8: the limits, each with its window. */
function plainPolicies(told: readonly ToldDecision[]): readonly HeaderField[] {
  const policies = told
    .filter(({ windowSeconds }) => windowSeconds !== null)
    .map(({ decision, windowSeconds }) => `${decision.limit};w=${windowSeconds}`);
  return policies.length === 0 ? [] : [{ name: "RateLimit-Policy", value: policies.join(", "), list: true }];
}

function triple(prefix: string, told: readonly ToldDecision[]): readonly HeaderField[] {
  const state = nearest(told);
  if (state === null) return [];
  return [
    field(`${prefix}-Limit`, `${state.limit}`),
    field(`${prefix}-Remaining`, `${state.remaining}`),
    field(`${prefix}-Reset`, `${state.reset}`),
  ];
}

interface State {
  readonly limit: number;
  readonly remaining: number;
  readonly reset: number;
  readonly denied: boolean;
}

/** What formats with room for one policy tell: that of the denial with the longest wait, else of the fewest left. */
function nearest(told: readonly ToldDecision[]): State | null {
  const states = told.flatMap(({ decision }): readonly State[] => {
    const { limit, remaining, allowed } = decision;
    const reset = resetSeconds(decision);
    return remaining === null || reset === null ? [] : [{ limit, remaining, reset, denied: !allowed }];
  });
  const rank = (one: State, other: State) => {
    if (one.denied !== other.denied) return one.denied ? -1 : 1;
    return one.denied ? other.reset - one.reset : one.remaining - other.remaining;
  };
  return states.sort(rank)[0] ?? null;
}

/**
 * Whole seconds, never too early: after a denial until the same request would be admitted, so that `Retry-After` names no
 * earlier time; else until all of the quota is back. Null: not known, or never.
 */
function resetSeconds(decision: Decision): number | null {
  const waitMs = decision.allowed ? decision.resetAfterMs : decision.retryAfterMs;
  return waitMs === null ? null : wholeSeconds(waitMs);
}

/** Milliseconds as the whole seconds that contain them. */
export function wholeSeconds(ms: number): number {
  return Math.ceil(ms / 1_000);
}

/**
 * A string of structured fields (RFC 9651 §3.3.3), which has printable ASCII only: other characters are percent-encoded as in
 * URLs, since the drafts know no other kind of name.
 */
export function structuredString(text: string): string {
  const ascii = text.replaceAll(/[^\x20-\x7e]+/gu, (run) => encodeURIComponent(run));
  return `"${ascii.replaceAll(/["\\]/g, "\\$&")}"`;
}

function field(name: string, value: string): HeaderField {
  return { name, value, list: false };
}
