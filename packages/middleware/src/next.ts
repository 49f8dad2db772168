/** Rate limits for the route handlers and the proxy of Next 15 and 16. */

export type { Denial, DenialAnswer } from "./answer/denial.ts";
export type { RateLimitOptions, RouteLimit } from "./options.ts";
export { type Handler, withRateLimit } from "./with-rate-limit.ts";
