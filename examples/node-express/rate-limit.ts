import type { Guard, Policy } from "@quorumguard/sdk-node";
import type { Request, RequestHandler } from "express";
import { rateLimitFields } from "./rate-limit-fields.ts";

/** Which guard limits a route, by which of its policies, and whom a request counts for. */
export interface RateLimitOptions<P extends string> {
  readonly guard: Guard<P>;
  readonly policies: { readonly [N in P]: Policy };
  readonly policy: P;
  readonly keyOf: (request: Request) => string;
}

const statusOf = { limited: 429, banned: 403, blocked: 403, unavailable: 503 } as const;
const quotaExceeded = "https://iana.org/assignments/http-problem-types#quota-exceeded";

/** Lets a request through if its key has admissions left; answers it here if not. */
export function rateLimit<P extends string>({ guard, policies, policy, keyOf }: RateLimitOptions<P>): RequestHandler {
  return async (request, response, next) => {
    // What it throws is a mistake, such as a wrong address: Express 5 hands it to its error handler, as a 500.
    const decision = await guard.allow(keyOf(request), policy);
    response.set(rateLimitFields(decision, policies[policy].window));
    response.set("QuorumGuard-Source", decision.source);
    if (decision.allowed) return next();
    if (decision.retryAfterMs !== null) response.set("Retry-After", String(Math.ceil(decision.retryAfterMs / 1_000)));
    response.status(statusOf[decision.reason]).type("application/problem+json");
    response.json(
      decision.reason === "limited"
        ? { type: quotaExceeded, title: `Over the limit "${policy}"`, "violated-policies": [policy] }
        : { title: decision.reason === "unavailable" ? "The limit cannot be checked now" : "Not allowed" },
    );
  };
}
