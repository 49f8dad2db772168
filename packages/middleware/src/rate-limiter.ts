import { type Check, type Decision, GuardError, type GuardErrorCode, isUnavailable } from "@quorumguard/sdk-core";
import { answerTo, type Denial, type DenialAnswer, denialOf, unavailableDenial } from "./answer/denial.ts";
import { type HeaderField, headerFields } from "./answer/header-fields.ts";
import { boundedKey } from "./identity/bounded-key.ts";
import { type Address, addressKey, parseAddress } from "./identity/parse-address.ts";
import { clientAddress } from "./identity/trusted-proxies.ts";
import { invalidOption } from "./option-checks.ts";
import type { RateLimitOptions } from "./options.ts";
import type { RequestFacts } from "./request-facts.ts";
import { type ResolvedLimit, type ResolvedOptions, resolveOptions } from "./resolve-options.ts";

/** What a request came to. */
export interface Outcome {
  /** Fields for the answer, whoever gives it. */
  readonly fields: readonly HeaderField[];
  /** What to answer in place of the route; null: go on. */
  readonly denial: DenialAnswer | null;
}

/** Checks one request after another against the limits of a route. */
export interface RateLimiter<R> {
  /**
   * Counts a request, unless it is skipped.
   *
   * @throws {GuardError} What the guard rejects with, but for what is answered with 503; when the request's address is needed and not
   * known, `aborted` if that is because the client has gone meanwhile, else `misconfigured`.
   */
  check(request: R, facts: RequestFacts): Promise<Outcome>;
}

const goOn: Outcome = { fields: [], denial: null };

/**
 * The core of every framework's middleware, and the way to one for another framework. `more` names options that are the framework's own.
 *
 * @throws {GuardError} `invalid_argument` for options that cannot be meant so.
 */
export function createRateLimiter<R, P extends string = string>(
  options: RateLimitOptions<R, P>,
  more: readonly string[] = [],
): RateLimiter<R> {
  const resolved = resolveOptions(options, more);
  return {
    async check(request, facts) {
      if (await resolved.skip.skips(request, facts)) return goOn;
      const address = addressOf(request, facts, options, resolved);
      if (resolved.skip.networks.length > 0 && address !== null && resolved.skip.skipsAddress(address)) return goOn;
      const checks = await checksOf(request, () => known(address, facts), options, resolved);
      let decisions: readonly Decision[];
      try {
        decisions = await decide(checks, options);
      } catch (error) {
        if (options.throwUnavailable === true || !meansUnavailable(error)) throw error;
        const names = resolved.limits.map(({ policy }) => policy);
        return { fields: [], denial: await answer(unavailableDenial(error, names), request, options) };
      }
      return outcomeOf(decisions, request, options, resolved);
    },
  };
}

function addressOf<R, P extends string>(
  request: R,
  { peerAddress, forwardedFor }: RequestFacts,
  { address }: RateLimitOptions<R, P>,
  { trustedProxies }: ResolvedOptions<R, P>,
): Address | null {
  if (address === undefined) return clientAddress(peerAddress, forwardedFor, trustedProxies);
  const told = address(request);
  return typeof told === "string" ? parseAddress(told) : null;
}

async function checksOf<R, P extends string>(
  request: R,
  address: () => Address,
  options: RateLimitOptions<R, P>,
  { limits, ipv6PrefixBits }: ResolvedOptions<R, P>,
): Promise<readonly (Check<P> & { readonly policy: P })[]> {
  const byAddress = async () => `ip:${addressKey(address(), ipv6PrefixBits)}`;
  const byCaller = async () => {
    const user = await options.identify?.(request);
    if (user === null || user === undefined || user === "") return byAddress();
    const isId = typeof user === "string" || typeof user === "bigint" || Number.isFinite(user);
    if (!isId) {
      throw invalidOption("identify", user, "it must return a string or a number, or null for nobody");
    }
    return boundedKey("user:", String(user));
  };
  let caller: Promise<string> | null = null;
  const keyOf = async ({ by, policy }: ResolvedLimit<R, P>): Promise<string> => {
    if (by === "everybody") return "everybody";
    if (by === "address") return byAddress();
    if (by === "caller") {
      caller ??= byCaller();
      return caller;
    }
    const key = await by(request);
    if (typeof key === "string" && key !== "") return boundedKey("", key);
    throw invalidOption(`by of "${policy}"`, key, "it must return a key that is not empty");
  };
  const checks: (Check<P> & { readonly policy: P })[] = [];
  for (const limit of limits) {
    const cost = typeof limit.cost === "function" ? await limit.cost(request) : limit.cost;
    checks.push({ key: await keyOf(limit), policy: limit.policy, cost });
  }
  return checks;
}

function known(address: Address | null, { hasEnded = false }: RequestFacts): Address {
  if (address !== null) return address;
  if (hasEnded) {
    const gone =
      "address: the client has closed its connection before the request was counted by it; nobody waits for the answer";
    throw new GuardError("aborted", gone, { applied: "no" });
  }
  const message =
    "address: where the request came from is not known, and it counts by that; write trustedProxies (how many proxies stand in a " +
    "row before the application), or address: (request) => the address that the platform tells, or identify";
  throw new GuardError("misconfigured", message);
}

async function decide<R, P extends string>(
  checks: readonly (Check<P> & { readonly policy: P })[],
  { guard, timeoutMs, onUnavailable }: RateLimitOptions<R, P>,
): Promise<readonly Decision[]> {
  const call = {
    ...(timeoutMs === undefined ? {} : { timeoutMs }),
    ...(onUnavailable === undefined ? {} : { onUnavailable }),
  };
  if (checks.length > 1) return (await guard.allowAll(checks, call)).decisions;
  const { key, policy, cost = 1 } = checks[0]!;
  return [await guard.allow(key, policy, cost === 1 ? call : { ...call, cost })];
}

async function outcomeOf<R, P extends string>(
  decisions: readonly Decision[],
  request: R,
  options: RateLimitOptions<R, P>,
  { limits, headers, sourceHeader }: ResolvedOptions<R, P>,
): Promise<Outcome> {
  const told = limits.map(({ policy, told: given }, at) => {
    const decision = decisions[at]!;
    const windowSeconds = given !== null && given.limit === decision.limit ? given.windowSeconds : null;
    return { decision, name: policy, windowSeconds };
  });
  const fields = [...headerFields(told, headers)];
  if (sourceHeader) fields.push({ name: "QuorumGuard-Source", value: sourceOf(decisions), list: true });
  const names = limits.map(({ policy }) => policy);
  const denial = denialOf(decisions, names);
  return { fields, denial: denial === null ? null : await answer(denial, request, options) };
}

/** Who decided: where several did, those whose word counts least come first. */
function sourceOf(decisions: readonly Decision[]): string {
  const sources = [...decisions].sort((one, other) => Number(other.degraded) - Number(one.degraded));
  return [...new Set(sources.map(({ source }) => source))].join(", ");
}

async function answer<R, P extends string>(
  denial: Denial,
  request: R,
  { onDenied, denialAnswer }: RateLimitOptions<R, P>,
): Promise<DenialAnswer> {
  onDenied?.(denial, request);
  const proposed = answerTo(denial);
  return denialAnswer === undefined ? proposed : denialAnswer(proposed, denial, request);
}

/** By its name and code: an application may have loaded two copies of the class. */
function meansUnavailable(error: unknown): error is GuardError {
  const { name, code } = (error ?? {}) as { name?: unknown; code?: unknown };
  return name === "GuardError" && typeof code === "string" && isUnavailable(code as GuardErrorCode);
}

/** The body of an answer, as it is sent. */
export function bodyText({ body }: DenialAnswer): string {
  return typeof body === "string" ? body : JSON.stringify(body);
}
