import { expectGuardOptions } from "./allow-arguments.ts";
import { checkName, checkOneOf, checkWhole, invalidArgument } from "./check-fields.ts";
import { describe } from "./describe.ts";
import { noEndpoints } from "./endpoints.ts";
import type { OnUnavailable, Policy } from "./guard.ts";
import { GuardError } from "./guard-error.ts";
import { checkNames } from "./known-names.ts";
import { guardNames, guardOptionNames } from "./option-names.ts";
import { checkOnUnavailable, createRuleBook, type RuleBook } from "./resolved-rule.ts";

/** Where the token comes from: the token itself, or a function that fetches one. */
export type TokenSource = string | (() => string | Promise<string>);

/** What a guard may be told. Every field has a default that suits production, which is also what undefined means. */
export interface GuardOptions<P extends string = string> {
  /**
   * Members' addresses, or one load balancer's, 1 to 64: `host:port`, with `https://` in front for TLS; a list, or one text
   * with commas. Default: $QUORUMGUARD_ENDPOINTS, else those of a `quorumguard dev` that runs here (under Node.js, unless NODE_ENV is
   * `production`), else 127.0.0.1:7400.
   */
  readonly endpoints?: string | readonly string[] | undefined;
  /**
   * Limits by name (1 to 128 bytes of UTF-8), so that a misspelt name does not compile. They travel with the calls; a
   * name is part of what identifies a count, and a policy of the cluster's under that name wins. Names that only the cluster
   * defines need no limit here: `createGuard<"login">()`. Default: none.
   */
  readonly policies?: { readonly [N in P]?: Policy } | undefined;
  /**
   * Whose keys and policies are meant, where a cluster serves many tenants: a key of one namespace never shares a count with
   * that of another. Up to 128 bytes of UTF-8. Default `""`, the namespace of whoever names none.
   */
  readonly namespace?: string | undefined;
  /**
   * A bearer token that goes with every connection and request, for nodes that were started with `--token-keys` or a proxy that asks for one:
   * itself, or a function that fetches one. What the function returned is kept, and the next one asked for when four fifths of its life are
   * over (by its `exp`), so that no call waits for it; what is no JWT, or is for one call, is asked for each time. When the function
   * throws, it is asked again, and calls find out only once the last token is over. Send it over TLS only. Default: none.
   */
  readonly token?: TokenSource | undefined;
  /**
   * `"direct"`: calls go to the leader, and through another node or a proxy while the leader's own address cannot be reached.
   * `"forward"`: calls go to any endpoint, which passes them on; nobody else is connected to. Default `"direct"`.
   */
  readonly routing?: "direct" | "forward" | undefined;
  /**
   * The one deadline of a call in milliseconds, 1 to 2,147,483,647. Default 1,000: long enough for a failover. One below 10 is warned of
   * once, as it was hardly meant.
   */
  readonly timeoutMs?: number | undefined;
  /**
   * What callers get when the cluster cannot decide, where neither call nor policy (the guard's own, then the cluster's) says so.
   * Default `"local"`: this process keeps limiting by itself, and says so.
   */
  readonly onUnavailable?: OnUnavailable | undefined;
  /**
   * Whether `allow` and `allowAll` report to the cluster, once it is back, what this process admitted while it was away, so that
   * it counts: a call that was sent under the number that it had, so that it never counts twice. Default false: after an
   * outage the counts are as the cluster left them, and a key can be admitted anew at once.
   */
  readonly reconcile?: boolean | undefined;
  /** With `reconcile`: calls that may wait to be reported at once, 0 to 1,000,000; what exceeds that is counted in the event `reconciled`. Default 10,000. */
  readonly maxUnreportedCalls?: number | undefined;
  /** Calls that may wait in this process at once, 1 to 1,000,000; one more is `overloaded`. Default 65,536. */
  readonly maxPendingCalls?: number | undefined;
  /**
   * Whether keys may be leased whose policy (the guard's own, then the cluster's) does not say, inline limits among them. Default false:
   * leases answer in less than a microsecond, and what one process holds of a limit, others cannot take meanwhile.
   */
  readonly lease?: boolean | undefined;
  /**
   * Keys about which this process remembers what the cluster told it, so that it can answer by itself and exactly: 0 to
   * 1,000,000; 0: none, and the cluster is asked each time. About 300 bytes each. Default 10,000: an attack has fewer keys.
   */
  readonly maxRememberedKeys?: number | undefined;
}

/** A guard's options with every default filled in and every bound checked. */
export interface ResolvedGuardOptions {
  readonly endpoints: readonly string[];
  readonly namespace: string;
  readonly rules: RuleBook;
  /** Whether its options take policies at all: a page's do not. */
  readonly mayDefine: boolean;
  readonly routing: "direct" | "forward";
  readonly timeoutMs: number;
  readonly onUnavailable: OnUnavailable;
  readonly maxPendingCalls: number;
  readonly reconcile: boolean;
  readonly maxUnreportedCalls: number;
  readonly maxRememberedKeys: number;
}

const MAX_ENDPOINTS = 64;

/**
 * Checks options and fills in defaults.
 * @throws {GuardError} invalid_argument, naming field, value and bound.
 */
export function resolveGuardOptions(
  options: GuardOptions<string>,
  defaultEndpoints: string | readonly string[],
  optionNames: readonly string[] = guardOptionNames,
): ResolvedGuardOptions {
  expectGuardOptions(options);
  checkNames(options, guardNames(optionNames));
  const { namespace = "", routing = "direct", timeoutMs = 1_000, maxPendingCalls = 65_536, token } = options;
  const { maxRememberedKeys = 10_000, lease = false } = options;
  const { reconcile = false, maxUnreportedCalls = 10_000 } = options;
  if (typeof reconcile !== "boolean") throw invalidArgument("reconcile", reconcile, "it must be true or false");
  if (typeof lease !== "boolean") throw invalidArgument("lease", lease, "it must be true or false");
  checkToken(token);
  return {
    endpoints: resolveEndpoints(options.endpoints ?? defaultEndpoints),
    namespace: namespace === "" ? "" : checkName(namespace, "namespace"),
    rules: createRuleBook(options.policies, lease),
    mayDefine: optionNames.includes("policies"),
    routing: checkOneOf(routing, "routing", ["direct", "forward"]),
    timeoutMs: checkWhole(timeoutMs, "timeoutMs", 1),
    onUnavailable: checkOnUnavailable(options.onUnavailable, "onUnavailable") ?? "local",
    reconcile,
    maxUnreportedCalls: checkWhole(maxUnreportedCalls, "maxUnreportedCalls", 0, 1_000_000),
    maxPendingCalls: checkWhole(maxPendingCalls, "maxPendingCalls", 1, 1_000_000),
    maxRememberedKeys: checkWhole(maxRememberedKeys, "maxRememberedKeys", 0, 1_000_000),
  };
}

/** A deadline that nearly every call would miss, at the first connection, an election or a busy moment. */
const HASTY_MS = 10;

/** What is to be said of a guard's deadline that was probably meant in seconds; null: nothing. */
export function hastyTimeout(timeoutMs: number): string | null {
  if (timeoutMs >= HASTY_MS) return null;
  const meant = `if seconds are meant, write timeoutMs: ${timeoutMs}_000`;
  return `timeoutMs: ${timeoutMs} is ${timeoutMs} ms for the whole call: the first connection takes longer, and what misses it is decided without the cluster (onUnavailable); ${meant}`;
}

/** Holds a token to a text or a function. What was given is never shown. */
function checkToken(token: unknown): void {
  if (token === undefined || typeof token === "function" || (typeof token === "string" && token !== "")) return;
  const isPromise = typeof (token as { then?: unknown } | null)?.then === "function";
  const what = token === "" ? "it is empty" : isPromise ? "it is a promise" : `it is ${kindOf(token)}`;
  const instead = isPromise
    ? "write the function that fetches it, which is called again in time: token: () => fetchToken()"
    : "write the token, a string, or a function that fetches one; where nodes ask for none, leave it out (undefined)";
  throw new GuardError("invalid_argument", `token: ${what}; ${instead}`, { details: { field: "token" } });
}

function kindOf(value: unknown): string {
  return typeof value === "object" ? describe(value) : `a ${typeof value}`;
}

function resolveEndpoints(endpoints: unknown): readonly string[] {
  const list = typeof endpoints === "string" ? endpoints.split(",") : endpoints;
  if (!Array.isArray(list)) throw invalidArgument("endpoints", endpoints, 'write "host:port", or a list of such');
  const trimmed = list.map((endpoint, at) => {
    if (typeof endpoint !== "string" || endpoint.trim() === "" || /\s/.test(endpoint.trim())) {
      throw invalidArgument(`endpoints[${at}]`, endpoint, 'write "host:port"');
    }
    return endpoint.trim().replace(/\/+$/, "");
  });
  if (trimmed.length === 0) throw noEndpoints("endpoints");
  if (trimmed.length > MAX_ENDPOINTS) {
    throw invalidArgument("endpoints", trimmed.length, `give 1 to ${MAX_ENDPOINTS} of them`);
  }
  return [...new Set(trimmed)];
}
