import { rateLimit } from "@quorumguard/middleware/express";
import { createGuard } from "@quorumguard/sdk-node";
import type { Request } from "express";

const policies = {
  user: { limit: 60, window: "1m" },
  address: { limit: 300, window: "1m" },
  service: { limit: 5_000, window: "1s" },
} as const;
const guard = createGuard({ policies });
const accountOf = (request: Request): string | null => request.res?.locals.account ?? null;

// #region several
/** Sixty a minute for the account, or for whoever has none; more for one address, and for everybody together. */
export const several = rateLimit({
  guard,
  policies,
  identify: accountOf,
  limits: ["user", { policy: "address", by: "address" }, { policy: "service", by: "everybody" }],
});
// #endregion several

// #region proxies
/** What these proxies say of the address is believed; what anybody else says is not. */
export const behindProxies = rateLimit({
  guard,
  limits: "user",
  trustedProxies: ["10.0.0.0/8", "2001:db8:7::/48"],
});
// #endregion proxies

// #region cost
/** A search takes as much as five other requests. */
export const byCost = rateLimit({
  guard,
  limits: "user",
  identify: accountOf,
  cost: (request) => (request.path.startsWith("/search") ? 5 : 1),
});
// #endregion cost

// #region answer
/** Problem documents with a member of our own, and the fields that older clients know. */
export const ownAnswer = rateLimit({
  guard,
  limits: "user",
  headers: ["draft-11", "x-ratelimit"],
  onDenied: ({ reason, violatedPolicies }) => console.warn(`denied: ${reason} by ${violatedPolicies.join(", ")}`),
  denialAnswer: (proposed, { reason }) => ({
    ...proposed,
    body: { ...Object(proposed.body), support: `/why/${reason}` },
  }),
});
// #endregion answer
