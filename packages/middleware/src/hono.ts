/** Rate limits for Hono 4, on Node and at the edge. */
import type { Context, Env, MiddlewareHandler } from "hono";
import type { RateLimitOptions } from "./options.ts";
import { bodyText, createRateLimiter } from "./rate-limiter.ts";
import { factsOfWebRequest } from "./request-facts.ts";

export type { Denial, DenialAnswer } from "./answer/denial.ts";
export type { RateLimitOptions, RouteLimit } from "./options.ts";

/** Options of the middleware for Hono; `identify` and the other callbacks get Hono's context. */
export interface HonoRateLimitOptions<E extends Env, P extends string> extends RateLimitOptions<Context<E>, P> {
  /**
   * Hono's `getConnInfo` for the platform, such as that of `hono/cloudflare-workers` or `hono/deno`. Default: the connection's
   * address under `@hono/node-server`; elsewhere it is not known.
   */
  readonly getConnInfo?: (context: Context) => { readonly remote: { readonly address?: string | undefined } };
}

/**
 * Limits the routes it is used for: `app.use("/api/*", rateLimit({ guard, limits: "api" }))`. Errors go to the application's
 * `onError`.
 *
 * @throws {GuardError} `invalid_argument` for options that cannot be meant so.
 */
export function rateLimit<P extends string, E extends Env = Env>(
  options: HonoRateLimitOptions<E, P>,
): MiddlewareHandler<E> {
  const limiter = createRateLimiter<Context<E>, P>(options, ["getConnInfo"]);
  const peerAddress = options.getConnInfo === undefined ? nodeAddress : connectionAddress(options.getConnInfo);
  return async (context, next) => {
    const facts = {
      ...factsOfWebRequest(context.req.raw, peerAddress(context as unknown as Context)),
      hasEnded: nodeSocket(context as unknown as Context)?.destroyed ?? false,
    };
    const { fields, denial } = await limiter.check(context, facts);
    if (denial === null) await next();
    else context.res = new Response(bodyText(denial), { status: denial.status, headers: denial.headers });
    // After the route, which may answer with headers of its own, or with a response that cannot be changed.
    for (const { name, value, list } of fields) context.header(name, value, { append: list });
    return undefined;
  };
}

function connectionAddress(getConnInfo: NonNullable<HonoRateLimitOptions<Env, never>["getConnInfo"]>) {
  return (context: Context): string | null => getConnInfo(context).remote.address ?? null;
}

function nodeAddress(context: Context): string | null {
  return nodeSocket(context)?.remoteAddress ?? null;
}

/** Where `@hono/node-server` keeps the connection. */
function nodeSocket(context: Context): { readonly remoteAddress?: string; readonly destroyed?: boolean } | undefined {
  const bindings = context.env as
    | { incoming?: { socket?: { remoteAddress?: string; destroyed?: boolean } } }
    | undefined;
  return bindings?.incoming?.socket;
}
