/** Rate limits for Fastify 5. */
import type { FastifyReply, FastifyRequest } from "fastify";
import { writeFields } from "./answer/header-fields.ts";
import type { RateLimitOptions } from "./options.ts";
import { bodyText, createRateLimiter } from "./rate-limiter.ts";
import { factsOfNodeRequest } from "./request-facts.ts";

export type { Denial, DenialAnswer } from "./answer/denial.ts";
export type { RateLimitOptions, RouteLimit } from "./options.ts";

/** A hook for `onRequest`, `preValidation` or `preHandler`. */
export type RateLimitHook = (request: FastifyRequest, reply: FastifyReply) => Promise<FastifyReply | undefined>;

/**
 * Limits the routes whose hook it is: `app.addHook("onRequest", rateLimit({ guard, limits: "api" }))` for all, or
 * `app.get("/quote", { onRequest: rateLimit(…) }, handler)` for one. After authentication use `preHandler`, so that `identify` sees
 * the user. Addresses are read by `trustedProxies` alone, whatever the application's `trustProxy` is. Errors go to its error handler.
 *
 * @throws {GuardError} `invalid_argument` for options that cannot be meant so.
 */
export function rateLimit<P extends string>(options: RateLimitOptions<FastifyRequest, P>): RateLimitHook {
  const limiter = createRateLimiter(options);
  return async (request, reply) => {
    const { fields, denial } = await limiter.check(request, factsOfNodeRequest(request.raw));
    writeFields(reply, fields);
    if (denial === null) return undefined;
    // Bytes: a text would get a charset, which JSON has not.
    return reply
      .code(denial.status)
      .headers(denial.headers)
      .send(new TextEncoder().encode(bodyText(denial)));
  };
}
