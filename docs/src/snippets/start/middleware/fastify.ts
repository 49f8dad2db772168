import { rateLimit } from "@quorumguard/middleware/fastify";
import { createGuard } from "@quorumguard/sdk-node";
import fastify from "fastify";

const policies = { api: { limit: 100, window: "1m" }, export: { limit: 2, window: "1h" } } as const;
const guard = createGuard({ policies });

const app = fastify();
app.addHook("onRequest", rateLimit({ guard, policies, limits: "api" }));
app.get("/export", { preHandler: rateLimit({ guard, policies, limits: "export" }) }, async () => "…");

await app.listen({ port: 3000 });
