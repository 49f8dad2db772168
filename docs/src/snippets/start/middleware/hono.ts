import { rateLimit } from "@quorumguard/middleware/hono";
import { createGuard } from "@quorumguard/sdk-web/edge";
import { Hono } from "hono";
import { getConnInfo } from "hono/cloudflare-workers";

const policies = { api: { limit: 100, window: "1m" } } as const;
const guard = createGuard({ policies, endpoints: "https://limits.example.com" });

const app = new Hono();
app.use("/api/*", rateLimit({ guard, policies, limits: "api", getConnInfo }));
app.get("/api/ping", (context) => context.text("pong"));

export { app };
