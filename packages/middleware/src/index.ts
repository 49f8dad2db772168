/** The core that the middleware of all frameworks shares, limits for any handler of `Request`, and what it takes to write middleware for another framework. */

export type { Denial, DenialAnswer } from "./answer/denial.ts";
export type { HeaderField, HeaderFormat } from "./answer/header-fields.ts";
export type { Cost, CountsFor, LimitingGuard, RateLimitOptions, RouteLimit, UserId } from "./options.ts";
export { bodyText, createRateLimiter, type Outcome, type RateLimiter } from "./rate-limiter.ts";
export { factsOfNodeRequest, factsOfWebRequest, type NodeRequestLike, type RequestFacts } from "./request-facts.ts";
export type { Skip } from "./skip.ts";
export { type Handler, withRateLimit } from "./with-rate-limit.ts";
