import { checkCallOptions, checkNames, knownNames, type Policy } from "@quorumguard/sdk-core";
import { type HeaderFormat, headerFormats } from "./answer/header-fields.ts";
import { readTrustedProxies, type TrustedProxies } from "./identity/trusted-proxies.ts";
import { checkFunction, invalidOption } from "./option-checks.ts";
import type { Cost, CountsFor, RateLimitOptions, RouteLimit } from "./options.ts";
import { type ResolvedSkip, resolveSkip } from "./skip.ts";

/** One limit, complete. */
export interface ResolvedLimit<R, P extends string> {
  readonly policy: P;
  readonly by: CountsFor<R>;
  readonly cost: Cost<R>;
  /** What the guard's options say of the policy, if they were given. */
  readonly told: { readonly limit: number; readonly windowSeconds: number | null } | null;
}

/** Options with their defaults, checked. */
export interface ResolvedOptions<R, P extends string> {
  readonly limits: readonly ResolvedLimit<R, P>[];
  readonly trustedProxies: TrustedProxies;
  readonly ipv6PrefixBits: number;
  readonly skip: ResolvedSkip<R>;
  readonly headers: readonly HeaderFormat[];
  readonly sourceHeader: boolean;
}

const optionNames = [
  ...[
    "guard",
    "limits",
    "policies",
    "identify",
    "trustedProxies",
    "address",
    "ipv6PrefixBits",
    "cost",
    "skip",
    "headers",
  ],
  ...["sourceHeader", "onDenied", "denialAnswer", "throwUnavailable", "timeoutMs", "onUnavailable"],
];
const asPolicy =
  'give the guard a policy, createGuard({ policies: { api: { limit: 100, window: "1m" } } }), and write limits: "api"';
/** Options of other middleware, and what to write here. */
const advice = {
  ...{ max: asPolicy, limit: asPolicy, window: asPolicy, windowMs: asPolicy, points: asPolicy, duration: asPolicy },
  ...{
    policy: 'write limits: "api"',
    trustProxy: "write trustedProxies: the networks of your proxies, or how many there are",
  },
  ...{
    keyGenerator: "write identify for a user's id, or limits: { policy, by: (request) => key }",
    key: "write identify",
  },
  ...{ standardHeaders: 'write headers: "draft-11"', legacyHeaders: 'write headers: ["draft-11", "x-ratelimit"]' },
  ...{ handler: "write denialAnswer", message: "write denialAnswer", skipList: "write skip: { paths: [...] }" },
};

/**
 * Checks the options of a middleware; `more` are those that only the framework's has.
 *
 * @throws {GuardError} `invalid_argument`, naming the field, its value and what to write.
 */
export function resolveOptions<R, P extends string>(
  options: RateLimitOptions<R, P>,
  more: readonly string[] = [],
): ResolvedOptions<R, P> {
  if (typeof options !== "object" || options === null) {
    throw invalidOption("options", options, 'write { guard, limits: "api" }');
  }
  checkNames(options, knownNames("an option of the middleware", [...optionNames, ...more], advice));
  checkGuard(options.guard);
  for (const name of ["identify", "address", "onDenied", "denialAnswer"] as const) checkFunction(options[name], name);
  const { ipv6PrefixBits = 56, sourceHeader = true, throwUnavailable = false } = options;
  if (!Number.isInteger(ipv6PrefixBits) || ipv6PrefixBits < 32 || ipv6PrefixBits > 128) {
    throw invalidOption("ipv6PrefixBits", ipv6PrefixBits, "it must be a whole number from 32 to 128");
  }
  for (const [name, value] of Object.entries({ sourceHeader, throwUnavailable })) {
    if (typeof value !== "boolean") throw invalidOption(name, value, "it must be true or false");
  }
  // What each request would be refused for is said once, before there are any.
  const { timeoutMs, onUnavailable } = options;
  checkCallOptions({ timeoutMs, onUnavailable }, 1);
  return {
    limits: resolveLimits(options),
    trustedProxies: readTrustedProxies(options.trustedProxies),
    ipv6PrefixBits,
    skip: resolveSkip(options.skip),
    headers: resolveHeaders(options.headers),
    sourceHeader,
  };
}

function checkGuard(guard: unknown): void {
  const { allow, allowAll } = (guard ?? {}) as { allow?: unknown; allowAll?: unknown };
  if (typeof allow === "function" && typeof allowAll === "function") return;
  throw invalidOption("guard", guard, "write the guard that createGuard returned");
}

function resolveLimits<R, P extends string>(options: RateLimitOptions<R, P>): readonly ResolvedLimit<R, P>[] {
  const { limits, policies } = options;
  const list = (Array.isArray(limits) ? limits : [limits]) as readonly (P | RouteLimit<R, P>)[];
  if (list.length === 0 || limits === undefined) {
    throw invalidOption("limits", limits === undefined ? undefined : "[]", 'write the name of a policy, such as "api"');
  }
  if (policies !== undefined && (typeof policies !== "object" || policies === null)) {
    throw invalidOption("policies", policies, "write the policies that the guard was given");
  }
  return list.map((one, at) => {
    const field = Array.isArray(limits) ? `limits[${at}]` : "limits";
    return resolveLimit(typeof one === "string" ? { policy: one } : one, field, options);
  });
}

const limitNames = knownNames("a field of a limit", ["policy", "by", "cost"], {
  limit: asPolicy,
  window: asPolicy,
  key: "write by: (request) => key",
});

function resolveLimit<R, P extends string>(
  limit: RouteLimit<R, P>,
  field: string,
  { cost: ownCost, policies }: RateLimitOptions<R, P>,
): ResolvedLimit<R, P> {
  if (typeof limit !== "object" || limit === null) {
    throw invalidOption(field, limit, 'write the name of a policy, such as "api", or { policy: "api", by: "address" }');
  }
  checkNames(limit, limitNames, field);
  const { policy, by = "caller", cost = ownCost ?? 1 } = limit;
  if (typeof policy !== "string" || policy === "") {
    throw invalidOption(`${field}.policy`, policy, 'write the name of a policy, such as "api"');
  }
  if (by !== "caller" && by !== "address" && by !== "everybody" && typeof by !== "function") {
    throw invalidOption(`${field}.by`, by, 'it must be "caller", "address", "everybody" or a function');
  }
  const whole = typeof cost === "number" && Number.isInteger(cost) && cost >= 1 && cost <= 0x7fff_ffff;
  if (typeof cost !== "function" && !whole) {
    const where = limit.cost === undefined ? "cost" : `${field}.cost`;
    throw invalidOption(where, cost, "it must be a whole number from 1 to 2147483647, or a function");
  }
  const known = policies !== undefined && Object.hasOwn(policies, policy) ? policies[policy] : undefined;
  return { policy, by, cost, told: known === undefined ? null : readPolicy(known, policy) };
}

function readPolicy(policy: Policy, name: string): ResolvedLimit<never, never>["told"] {
  if (policy.algorithm === "concurrency") {
    const hint = "a request cannot take a slot and go on; hold one with guard.reserve while the work lasts";
    throw invalidOption("limits", name, hint);
  }
  return { limit: policy.limit, windowSeconds: windowSeconds(policy.window) };
}

const unitSeconds: Readonly<Record<string, number>> = { ms: 0.001, s: 1, m: 60, h: 3_600, d: 86_400 };

/** The window in whole seconds, which is all that the fields can say; else null. Wrong ones are the guard's to refuse. */
function windowSeconds(window: Policy["window"]): number | null {
  const [, count, unit] = /^([\d.]+)(ms|s|m|h|d)$/.exec(String(window)) ?? [];
  const seconds = typeof window === "number" ? window / 1_000 : Number(count) * (unitSeconds[unit ?? ""] ?? Number.NaN);
  return Number.isInteger(seconds) && seconds > 0 ? seconds : null;
}

function resolveHeaders(headers: RateLimitOptions<never>["headers"] = "draft-11"): readonly HeaderFormat[] {
  if (headers === false) return [];
  const list = (Array.isArray(headers) ? headers : [headers]) as readonly HeaderFormat[];
  for (const one of list) {
    if (!headerFormats.includes(one)) {
      throw invalidOption("headers", one, `it must be false, or one or several of ${headerFormats.join(", ")}`);
    }
  }
  if (list.includes("draft-11") && list.includes("draft-7")) {
    throw invalidOption(
      "headers",
      list.join(", "),
      "draft-11 and draft-7 write the same fields in two ways; choose one",
    );
  }
  return list;
}
