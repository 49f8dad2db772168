import type { INestApplication } from "@nestjs/common";
import { rateLimit } from "@quorumguard/middleware/nest";
import { createGuard } from "@quorumguard/sdk-node";

const policies = { api: { limit: 100, window: "1m" }, login: { limit: 5, window: "1m" } } as const;
const guard = createGuard({ policies });

/** For `@UseGuards(limitLogin)` on a controller or a route, behind the guard that authenticates. */
export const limitLogin = rateLimit({ guard, policies, limits: "login", identify: (request) => request.user?.id });

/** In `main.ts`, for all routes. */
export function limitAll(app: INestApplication): void {
  app.useGlobalGuards(rateLimit({ guard, policies, limits: "api" }));
}
