/** A Worker with one limited route. It reaches the cluster by its HTTP ports, in $QUORUMGUARD_ENDPOINTS. */
import { withRateLimit } from "@quorumguard/middleware";
import { createGuard } from "@quorumguard/sdk-web/edge";

interface Environment {
  readonly QUORUMGUARD_ENDPOINTS: string;
}

const policies = { api: { limit: 5, window: "1m" } } as const;

/** API keys that were handed out, and to whom. In an application: a look-up in its own store. */
const accounts: Readonly<Record<string, string>> = { "demo-key-of-amber": "amber", "demo-key-of-birch": "birch" };

/** Only a key that we issued is an identity; nobody's: the address counts. */
function accountOf(request: Request): string | null {
  const apiKey = request.headers.get("x-api-key") ?? "";
  return Object.hasOwn(accounts, apiKey) ? accounts[apiKey]! : null;
}

function createHandler(environment: Environment) {
  // Two seconds instead of one: rather wait for a new leader, or for a busy machine, than decide alone.
  const guard = createGuard({ endpoints: environment.QUORUMGUARD_ENDPOINTS, policies, timeoutMs: 2_000 });
  // The address is what the platform says, never what a caller can write.
  const address = (request: Request) => request.headers.get("cf-connecting-ip");
  return withRateLimit({ guard, policies, limits: "api", identify: accountOf, address }, () =>
    Response.json({ quote: "Nothing acknowledged is lost." }),
  );
}

/**
 * One guard per isolate, made by the first request, which brings the environment. Workers forbid one request to use
 * another's I/O; this guard holds none between calls: each does its own fetch, with its own timer, in the request that
 * made it.
 */
let handler: ReturnType<typeof createHandler> | undefined;

const worker = {
  fetch(request: Request, environment: Environment): Promise<Response> {
    handler ??= createHandler(environment);
    return handler(request);
  },
};

// The runtime looks for the default export.
export { worker as default };
