import { invalidOption } from "./option-checks.ts";
import type { RateLimitOptions } from "./options.ts";
import { bodyText, createRateLimiter, type Outcome } from "./rate-limiter.ts";
import { factsOfWebRequest } from "./request-facts.ts";

/** What answers a `Request` of the web platform; whatever else the framework gives it stays as it is. */
export type Handler<R extends Request, A extends readonly unknown[]> = (
  request: R,
  ...rest: A
) => Response | Promise<Response>;

/**
 * Limits a handler of a route or the proxy of Next, of a Worker, of whatever takes a `Request`: the handler is called with what is let
 * through. `withRateLimit({ guard, limits: "api", trustedProxies: 1 }, handler)`.
 *
 * A `Request` does not tell the address of the connection, and Next passes an `X-Forwarded-For` of the caller's own on. So `"caller"` and
 * `"address"` need one of: `trustedProxies` as a number, for proxies that nobody can go around; `address`; `identify`.
 *
 * @throws {GuardError} `invalid_argument` for options that cannot be meant so.
 */
export function withRateLimit<P extends string, R extends Request = Request, A extends readonly unknown[] = []>(
  options: RateLimitOptions<R, P>,
  handler: Handler<R, A>,
): (request: R, ...rest: A) => Promise<Response> {
  const limiter = createRateLimiter<R, P>(options);
  if (typeof handler !== "function") throw invalidOption("handler", handler, "write withRateLimit(options, handler)");
  checkAddress(options);
  return async (request, ...rest) => {
    const outcome = await limiter.check(request, factsOfWebRequest(request, null));
    const { denial } = outcome;
    const response =
      denial === null
        ? await handler(request, ...rest)
        : new Response(bodyText(denial), { status: denial.status, headers: denial.headers });
    return withFields(response, outcome);
  };
}

function withFields(response: Response, { fields }: Outcome): Response {
  try {
    for (const { name, value, list } of fields) {
      if (list) response.headers.append(name, value);
      else response.headers.set(name, value);
    }
    return response;
  } catch (error) {
    // Responses of fetch and of Response.redirect cannot be changed; the first field already said so.
    if (!(error instanceof TypeError)) throw error;
    return withFields(new Response(response.body, response), { fields, denial: null });
  }
}

function checkAddress<R, P extends string>({
  trustedProxies,
  address,
  identify,
  limits,
}: RateLimitOptions<R, P>): void {
  if (Array.isArray(trustedProxies) && trustedProxies.length > 0) {
    const hint =
      "who is at the other end is not known here, and cannot be compared; write how many proxies stand in a row, such as 1";
    throw invalidOption("trustedProxies", trustedProxies, hint);
  }
  const counted = (Array.isArray(limits) ? limits : [limits]) as readonly (string | { readonly by?: unknown })[];
  const byAddress = counted.some(
    (one) => typeof one === "string" || ["caller", "address", undefined].includes(one.by as string),
  );
  const believed = typeof trustedProxies === "number" && trustedProxies > 0;
  if (!byAddress || address !== undefined || identify !== undefined || believed) return;
  const hint =
    "the address of a request is not known here; write how many proxies stand in a row before the application, such as 1, or give " +
    "address or identify";
  throw invalidOption("trustedProxies", trustedProxies, hint);
}
