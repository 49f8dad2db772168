/** Rate limits for Express 4 and 5. */
import type { NextFunction, Request, Response } from "express";
import { writeFields } from "./answer/header-fields.ts";
import type { RateLimitOptions } from "./options.ts";
import { bodyText, createRateLimiter } from "./rate-limiter.ts";
import { factsOfNodeRequest } from "./request-facts.ts";

export type { Denial, DenialAnswer } from "./answer/denial.ts";
export type { RateLimitOptions, RouteLimit } from "./options.ts";

/** What Express takes wherever it takes a handler. A name of its own, so that an application's declarations can name it, too. */
export type RateLimitHandler = (request: Request, response: Response, next: NextFunction) => void;

/**
 * Limits the routes it is used for: `app.get("/quote", rateLimit({ guard, limits: "api" }), handler)`. Addresses are read by
 * `trustedProxies` alone, whatever the application's `trust proxy` is. Errors go to the application's error handler.
 *
 * @throws {GuardError} `invalid_argument` for options that cannot be meant so.
 */
export function rateLimit<P extends string>(options: RateLimitOptions<Request, P>): RateLimitHandler {
  const limiter = createRateLimiter(options);
  const admits = async (request: Request, response: Response): Promise<boolean> => {
    const { fields, denial } = await limiter.check(request, factsOfNodeRequest(request));
    writeFields(response, fields);
    if (denial === null) return true;
    response.status(denial.status);
    // Through setHeader: `set` would add a charset, which JSON has not.
    for (const [name, value] of Object.entries(denial.headers)) response.setHeader(name, value);
    response.end(bodyText(denial));
    return false;
  };
  // Express 4 does not wait for promises, so both are told of a rejection by `next`.
  return (request, response, next) => {
    admits(request, response).then((admitted) => {
      if (admitted) next();
    }, next);
  };
}
