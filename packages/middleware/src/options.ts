import type { CallOptions, Guard, Policy } from "@quorumguard/sdk-core";
import type { Denial, DenialAnswer } from "./answer/denial.ts";
import type { HeaderFormat } from "./answer/header-fields.ts";
import type { Skip } from "./skip.ts";

/** What a request takes: a whole number from 1 to 2,147,483,647, or what says it of one request. */
export type Cost<R> = number | ((request: R) => number | Promise<number>);

/**
 * Whom a limit counts for. `"caller"`: the user that `identify` names, else the address. `"address"`: always the address.
 * `"everybody"`: all requests together. A function: a key of its own making, such as an organisation's.
 */
export type CountsFor<R> = "caller" | "address" | "everybody" | ((request: R) => string | Promise<string>);

/** One limit of a route. */
export interface RouteLimit<R, P extends string> {
  /** The name of a policy, of the guard's options or the cluster's. */
  readonly policy: P;
  /** Whom it counts for. Default `"caller"`. */
  readonly by?: CountsFor<R>;
  /** What a request takes of it. Default: the route's `cost`. */
  readonly cost?: Cost<R>;
}

/** What the middleware needs of a guard: any SDK's will do. */
export type LimitingGuard<P extends string> = Pick<Guard<P>, "allow" | "allowAll">;

/** What the five frameworks have in common; `R` is the framework's request. */
export interface RateLimitOptions<R, P extends string = string> {
  /** Who decides. One guard for the process is enough. */
  readonly guard: LimitingGuard<P>;
  /**
   * Names of policies, or limits with more to say. Several are one atomic check: the request is counted by all of them or by
   * none. Policies have names so that routes do not share counts by accident, and so that operators can change them.
   */
  readonly limits: NoInfer<P> | RouteLimit<R, NoInfer<P>> | readonly (NoInfer<P> | RouteLimit<R, NoInfer<P>>)[];
  /**
   * The guard's own `policies`, for the windows in `RateLimit-Policy`, which no decision tells. A window is left out where the
   * limit in force is not the one given here. Default: no windows are told.
   */
  readonly policies?: { readonly [N in P]?: Policy };
  /**
   * The authenticated user of a request; null, undefined or empty: nobody, and the address counts. What a caller can make up (a
   * key that nobody issued) is no identity: each new one would be a fresh limit. Default: nobody.
   */
  readonly identify?: (request: R) => UserId | Promise<UserId>;
  /**
   * Proxies whose `X-Forwarded-For` is believed: their networks, such as `["10.0.0.0/8"]`, or how many stand in a row before
   * this application, such as `1` (only if nobody can go around them). Default: none, and the connection's own address counts.
   */
  readonly trustedProxies?: readonly string[] | number;
  /** The address of a request, where the platform knows better, as in a header that it always overwrites. Default: the connection's. */
  readonly address?: (request: R) => string | null | undefined;
  /** IPv6 addresses count by networks of so many bits: 32 to 128. Default 56, the smallest that providers give to a customer. */
  readonly ipv6PrefixBits?: number;
  /** What a request takes of each limit that says nothing else. Default 1. */
  readonly cost?: Cost<R>;
  /** What is let through and not counted. Default: nothing. */
  readonly skip?: Skip<R>;
  /**
   * How what is left is told; `false`: not at all. Of `"draft-11"` and `"draft-7"`, which share their names, only one. Default
   * `"draft-11"`.
   */
  readonly headers?: false | HeaderFormat | readonly HeaderFormat[];
  /** Whether `QuorumGuard-Source` says who decided: `local`, `fail-open` and `fail-closed` are degraded. Default true. */
  readonly sourceHeader?: boolean;
  /** Is told of each denial, for logs and metrics. Default: nobody is. */
  readonly onDenied?: (denial: Denial, request: R) => void;
  /** Changes the answer to a denial: gets the one that would be given. Default: a problem document. */
  readonly denialAnswer?: (proposed: DenialAnswer, denial: Denial, request: R) => DenialAnswer | Promise<DenialAnswer>;
  /**
   * Whether errors of the guard that mean *unavailable* (under `onUnavailable: "throw"`) go to the framework's error handling, as all
   * others do, in place of an answer 503. Default false.
   */
  readonly throwUnavailable?: boolean;
  /** One deadline for the check, in milliseconds: 1 to 2,147,483,647. Default: the guard's. */
  readonly timeoutMs?: number;
  /** What requests get when the cluster cannot decide. Default: the policy's, else the guard's. */
  readonly onUnavailable?: NonNullable<CallOptions["onUnavailable"]>;
}

/** What `identify` says: an id, or nobody. */
export type UserId = string | number | bigint | null | undefined;
