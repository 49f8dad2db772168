import { createGuard } from "@quorumguard/sdk-node";
import express from "express";

const guard = createGuard(); // finds the cluster by $QUORUMGUARD_ENDPOINTS
const app = express();
app.disable("x-powered-by").disable("etag");

app.get("/hello/:user", async (request, response) => {
  const { user } = request.params;
  // Five in any five minutes, for this user.
  const decision = await guard.allow(`user:${user}`, 5, "5m");

  const { allowed, reason, remaining, source } = decision;
  const waitMs = allowed ? decision.resetAfterMs : decision.retryAfterMs;
  const waitSeconds = Math.ceil((waitMs ?? 300_000) / 1000);
  response.set("RateLimit-Policy", '"hello";q=5;w=300');
  response.set("RateLimit", `"hello";r=${remaining ?? 0};t=${waitSeconds}`);
  response.set("QuorumGuard-Source", source);
  response.type("text/plain"); // a user's name is never HTML

  if (allowed) {
    response.send(`hello ${user}, ${remaining} left (${source})\n`);
    return;
  }
  response.set("Retry-After", String(waitSeconds));
  response.status(reason === "limited" ? 429 : 503);
  response.send(`not now, ${user}: ${reason} (${source})\n`);
});

// Port 3000 is in use? Change it here and in the curls.
app.listen(3000, "127.0.0.1", (error) => {
  if (error) throw error;
  console.log("listening on http://127.0.0.1:3000");
});
