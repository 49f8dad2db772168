/** A Worker with one limited route. It reaches the cluster by its HTTP ports, in $QUORUMGUARD_ENDPOINTS. */
import { createGuard, type Decision, type Guard } from "@quorumguard/sdk-web/edge";

interface Environment {
  readonly QUORUMGUARD_ENDPOINTS: string;
}

const policies = { api: { limit: 5, window: "1m" } } as const;
const windowSeconds = 60;

/**
 * One guard per isolate, made by the first request, which brings the environment. Workers forbid one request to use
 * another's I/O; this guard holds none between calls: each does its own fetch, with its own timer, in the request that
 * made it.
 */
let guard: Guard<"api"> | undefined;

/** API keys that were handed out, and to whom. In an application: a look-up in its own store. */
const accounts: Readonly<Record<string, string>> = { "demo-key-of-amber": "amber", "demo-key-of-birch": "birch" };

/** Only a key that we issued is an identity. The address is what the platform says, never what a caller can write. */
function clientKey(request: Request): string {
  const apiKey = request.headers.get("x-api-key") ?? "";
  if (Object.hasOwn(accounts, apiKey)) return `account:${accounts[apiKey]}`;
  return `ip:${request.headers.get("cf-connecting-ip") ?? "unknown"}`;
}

/** The decision as draft-ietf-httpapi-ratelimit-headers-11 writes it. */
function headersOf({ allowed, limit, remaining, resetAfterMs, retryAfterMs, source }: Decision): Headers {
  const headers = new Headers({ "RateLimit-Policy": `"api";q=${limit};w=${windowSeconds}` });
  headers.set("QuorumGuard-Source", source);
  const waitMs = allowed ? resetAfterMs : retryAfterMs;
  const seconds = waitMs === null ? null : Math.ceil(waitMs / 1_000);
  if (remaining !== null) headers.set("RateLimit", `"api";r=${remaining}${seconds === null ? "" : `;t=${seconds}`}`);
  if (!allowed && seconds !== null) headers.set("Retry-After", String(seconds));
  return headers;
}

const worker = {
  async fetch(request: Request, environment: Environment): Promise<Response> {
    // Two seconds instead of one: rather wait for a new leader, or for a busy machine, than decide alone.
    guard ??= createGuard({ endpoints: environment.QUORUMGUARD_ENDPOINTS, policies, timeoutMs: 2_000 });
    const decision = await guard.allow(clientKey(request), "api");
    const headers = headersOf(decision);
    if (decision.allowed) return Response.json({ quote: "Nothing acknowledged is lost." }, { headers });
    return Response.json(
      { error: decision.reason },
      { status: decision.reason === "unavailable" ? 503 : 429, headers },
    );
  },
};

// The runtime looks for the default export.
export { worker as default };
