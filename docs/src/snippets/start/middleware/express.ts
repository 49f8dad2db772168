import { rateLimit } from "@quorumguard/middleware/express";
import { createGuard, type Policy } from "@quorumguard/sdk-node";
import express from "express";

const policies = {
  api: { limit: 100, window: "1m" },
  // While nobody can count, no logins: status 503.
  login: { limit: 5, window: "1m", onUnavailable: "deny" },
} as const satisfies Record<string, Policy>;

const guard = createGuard({ policies }); // finds the cluster by $QUORUMGUARD_ENDPOINTS

const app = express();
app.use(rateLimit({ guard, policies, limits: "api", skip: { paths: ["/healthz"] } }));
app.post("/login", rateLimit({ guard, policies, limits: "login" }), (_request, response) => {
  response.send("welcome\n");
});

app.listen(3000);
