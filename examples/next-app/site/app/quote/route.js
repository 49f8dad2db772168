import { withRateLimit } from "@quorumguard/middleware/next";
import { guard, policies } from "../../guard.js";

// One proxy (nginx, a load balancer) stands before Next and appends the caller's address; nobody can go around it.
export const GET = withRateLimit({ guard, policies, limits: "quote", trustedProxies: 1 }, () =>
  Response.json({ quote: "Nothing acknowledged is lost." }),
);
