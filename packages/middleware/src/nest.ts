/** Rate limits for Nest, on Express or Fastify. */
import { type CanActivate, type ExecutionContext, HttpException } from "@nestjs/common";
import { GuardError } from "@quorumguard/sdk-core";
import type { DenialAnswer } from "./answer/denial.ts";
import { type NodeResponseLike, writeFields } from "./answer/header-fields.ts";
import type { RateLimitOptions } from "./options.ts";
import { createRateLimiter } from "./rate-limiter.ts";
import { factsOfNodeRequest, type NodeRequestLike } from "./request-facts.ts";

export type { Denial, DenialAnswer } from "./answer/denial.ts";
export type { RateLimitOptions, RouteLimit } from "./options.ts";

/** What Express' and Fastify's requests have in common, with whatever earlier guards have put there, such as `user`. */
export type NestRequest = NodeRequestLike & {
  // biome-ignore lint/suspicious/noExplicitAny: what an application's guards add is theirs to know.
  readonly [name: string]: any;
};

/** A denial as Nest's exception filters see it: its response is the body, its status that of the answer. */
export class RateLimitException extends HttpException {
  /** What would be answered. */
  readonly answer: DenialAnswer;

  constructor(answer: DenialAnswer) {
    super(answer.body, answer.status);
    this.answer = answer;
  }
}

/**
 * A guard of Nest's that limits controllers, routes or the application: `@UseGuards(rateLimit({ guard, limits: "api" }))`,
 * `app.useGlobalGuards(…)`. List it behind the guard that authenticates, so that `identify` sees the user. A denial is thrown as a
 * {@link RateLimitException}, which Nest answers as it is unless a filter of the application's does; a `denialAnswer` whose body is
 * a text gets Nest's own form. Errors go to the exception filters.
 *
 * @throws {GuardError} `invalid_argument` for options that cannot be meant so.
 */
export function rateLimit<P extends string>(options: RateLimitOptions<NestRequest, P>): CanActivate {
  const limiter = createRateLimiter(options);
  return {
    async canActivate(context: ExecutionContext) {
      if (context.getType() !== "http") {
        throw new GuardError("misconfigured", `rateLimit: it limits HTTP requests, and this is ${context.getType()}`);
      }
      const http = context.switchToHttp();
      const request = http.getRequest<NestRequest>();
      const { fields, denial } = await limiter.check(request, factsOfNodeRequest(request));
      const response = http.getResponse<NodeResponseLike>();
      writeFields(response, fields);
      if (denial === null) return true;
      for (const [name, value] of Object.entries(denial.headers)) response.header(name, value);
      throw new RateLimitException(denial);
    },
  };
}
