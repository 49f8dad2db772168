/** What the page asks of its own server: who it is, a token for exactly that, the picture of the cluster, and the switch. */
import { randomBytes } from "node:crypto";
import type { TokenIssuer } from "@quorumguard/sdk-node/tokens";
import { type Context, Hono } from "hono";
import { getSignedCookie, setSignedCookie } from "hono/cookie";
import { csrf } from "hono/csrf";
import { streamSSE } from "hono/streaming";
import type { ClusterView } from "../cluster-view.ts";
import type { NodeSwitch } from "./node-switch.ts";

/** What the server works with. */
export interface AppOptions {
  readonly issuer: TokenIssuer;
  readonly nodes: NodeSwitch;
  /** The address of the page: nobody else's may change anything here. */
  readonly origin: string;
}

/** The policies that a visitor's token is good for; their limits are in policies.yaml. */
const policies = ["button", "traffic"];
/** A minute, so that a page which is open for long shows that tokens are fetched ahead of their end. */
const expiresIn = "1m";
const cookieName = "visitor";

/** The routes. Their answers are never cached: each is one visitor's. */
export function createApp({ issuer, nodes, origin }: AppOptions): Hono {
  // Of this process: after a restart every visitor is a new one. In an application: your sessions.
  const secret = randomBytes(32).toString("hex");
  const visitorOf = (context: Context) => getSignedCookie(context, secret, cookieName, "host");
  const app = new Hono().basePath("/api");

  app.use(csrf({ origin }));
  app.use(async (context, next) => {
    await next();
    context.header("cache-control", "no-store");
  });

  /** Logs a visitor in, if it is not: here everybody may. Only what the server signed is an identity. */
  app.post("/login", async (context) => {
    const id = (await visitorOf(context)) || randomBytes(16).toString("hex");
    await setSignedCookie(context, cookieName, id, secret, {
      prefix: "host",
      secure: true,
      httpOnly: true,
      sameSite: "Strict",
    });
    return context.json({ key: keyOf(id) });
  });

  app.post("/token", async (context) => {
    const id = await visitorOf(context);
    if (!id) return context.json({ error: "Log in first: POST /api/login." }, 401);
    return context.json({ token: await issuer.mint({ key: keyOf(id), policies, expiresIn }) });
  });

  /** Server-sent events: the cluster now, and after every change. */
  app.get("/cluster", (context) => {
    // The proxy is not to wait until there is enough to send.
    context.header("x-accel-buffering", "no");
    return streamSSE(context, async (stream) => {
      const send = (view: ClusterView) => void stream.writeSSE({ data: JSON.stringify(view) });
      send(nodes.view());
      const stopWatching = nodes.watch(send);
      await new Promise<void>((resolve) => stream.onAbort(resolve));
      stopWatching();
    });
  });

  app.post("/kill-leader", async (context) => {
    if (!(await visitorOf(context))) return context.json({ error: "Log in first: POST /api/login." }, 401);
    const outcome = await nodes.killLeader();
    return "reason" in outcome ? context.json({ error: outcome.reason }, 409) : context.json(outcome);
  });
  return app;
}

/** Whose limit it is: the page asks for exactly this key, and its token is good for no other. */
function keyOf(id: string): string {
  return `visitor:${id}`;
}
