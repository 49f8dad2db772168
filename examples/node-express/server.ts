/** An Express application with two limited routes. Finds the cluster by $QUORUMGUARD_ENDPOINTS, else at 127.0.0.1:7400. */
import type { AddressInfo } from "node:net";
import { createGuard, type Policy } from "@quorumguard/sdk-node";
import express from "express";
import { clientKey } from "./client-key.ts";
import { rateLimit } from "./rate-limit.ts";

const policies = {
  api: { limit: 25, window: "1s" },
  // Guessing passwords while nobody can count is worse than a minute without logins: 503 then.
  login: { limit: 5, window: "1m", onUnavailable: "deny" },
} as const satisfies Record<string, Policy>;

const guard = createGuard({ policies });
guard.on("degraded", ({ reason }) => console.error(`degraded: ${reason}`));
guard.on("recovered", () => console.error("recovered: the cluster decides again"));

const app = express();
app.disable("x-powered-by");
// The proxies whose X-Forwarded-For may be believed; without any, the address is the connection's own.
app.set("trust proxy", process.env.TRUSTED_PROXIES || false);

app.get("/quote", rateLimit({ guard, policies, policy: "api", keyOf: clientKey }), (_request, response) => {
  response.json({ quote: "Nothing acknowledged is lost." });
});
app.post("/login", rateLimit({ guard, policies, policy: "login", keyOf: clientKey }), (_request, response) => {
  response.status(204).end();
});

const server = app.listen(Number(process.env.PORT ?? 3000), "127.0.0.1", (error) => {
  if (error) throw error;
  console.log(`listening on http://127.0.0.1:${(server.address() as AddressInfo).port}`);
});

for (const signal of ["SIGINT", "SIGTERM"] as const) {
  process.once(signal, () => server.close(() => guard.close()));
}
