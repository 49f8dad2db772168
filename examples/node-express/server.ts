/** An Express application with two limited routes. Finds the cluster by $QUORUMGUARD_ENDPOINTS, else at 127.0.0.1:7400. */
import type { AddressInfo } from "node:net";
import { rateLimit } from "@quorumguard/middleware/express";
import { createGuard, type Policy } from "@quorumguard/sdk-node";
import express from "express";
import { accountOf } from "./accounts.ts";

const policies = {
  api: { limit: 25, window: "1s" },
  // Guessing passwords while nobody can count is worse than a minute without logins: 503 then.
  login: { limit: 5, window: "1m", onUnavailable: "deny" },
} as const satisfies Record<string, Policy>;

const guard = createGuard({ policies });
guard.on("degraded", ({ reason }) => console.error(`degraded: ${reason}`));
guard.on("recovered", () => console.error("recovered: the cluster decides again"));

// The proxies whose X-Forwarded-For may be believed; without any, the address is the connection's own.
const trustedProxies = process.env.TRUSTED_PROXIES?.split(",") ?? [];
const common = { guard, policies, identify: accountOf, trustedProxies };

const app = express();
app.disable("x-powered-by");

app.get("/quote", rateLimit({ ...common, limits: "api" }), (_request, response) => {
  response.json({ quote: "Nothing acknowledged is lost." });
});
app.post("/login", rateLimit({ ...common, limits: "login" }), (_request, response) => {
  response.status(204).end();
});

const server = app.listen(Number(process.env.PORT ?? 3000), "127.0.0.1", (error) => {
  if (error) throw error;
  console.log(`listening on http://127.0.0.1:${(server.address() as AddressInfo).port}`);
});

for (const signal of ["SIGINT", "SIGTERM"] as const) {
  process.once(signal, () => server.close(() => guard.close()));
}
