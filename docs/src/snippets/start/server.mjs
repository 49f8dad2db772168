import { createGuard } from "@quorumguard/sdk-node";
import express from "express";

const guard = createGuard(); // finds the cluster by $QUORUMGUARD_ENDPOINTS
const app = express();
app.disable("x-powered-by").disable("etag");

app.get("/hello/:user", async (request, response) => {
  const { user } = request.params;
  const decision = await guard.allow(`user:${user}`, 5, "5m"); // five in any five minutes, for this user

  const waitMs = decision.allowed ? decision.resetAfterMs : decision.retryAfterMs;
  const waitSeconds = waitMs === null ? null : Math.ceil(waitMs / 1000);
  response.set("RateLimit-Policy", '"hello";q=5;w=300');
  response.set("RateLimit", `"hello";r=${decision.remaining ?? 0};t=${waitSeconds ?? 300}`);
  response.set("QuorumGuard-Source", decision.source);

  if (decision.allowed) {
    response.send(`hello ${user}, ${decision.remaining} left\n`);
    return;
  }
  if (waitSeconds !== null) response.set("Retry-After", String(waitSeconds));
  response.status(decision.reason === "limited" ? 429 : 503).send(`not now, ${user}: ${decision.reason}\n`);
});

app.listen(3000, "127.0.0.1", () => console.log("listening on http://127.0.0.1:3000"));
