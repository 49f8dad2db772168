/** A limited server for Deno. It reaches the cluster by its HTTP ports, in $QUORUMGUARD_ENDPOINTS. */
import { createGuard, type DenialReason } from "@quorumguard/sdk-web/edge";

const policies = { api: { limit: 5, window: "1m" } } as const;
// Two seconds instead of one: rather wait for a new leader, or for a busy machine, than decide alone.
const guard = createGuard({ endpoints: Deno.env.get("QUORUMGUARD_ENDPOINTS"), policies, timeoutMs: 2_000 });

const statusOf: Readonly<Record<DenialReason, number>> = { limited: 429, banned: 403, blocked: 403, unavailable: 503 };

/** API keys that were handed out, and to whom. In an application: a look-up in its own store. */
const accounts: ReadonlyMap<string, string> = new Map([
  ["demo-key-of-amber", "amber"],
  ["demo-key-of-birch", "birch"],
]);

/** Only a key that we issued is an identity; nobody's: the address of the connection counts, which no caller can write. */
function callerOf(request: Request, address: string): string {
  const account = accounts.get(request.headers.get("x-api-key") ?? "");
  return account === undefined ? `address:${address}` : `account:${account}`;
}

const server = Deno.serve(
  { hostname: "127.0.0.1", port: 0, onListen: ({ port }) => console.log(`listening on http://127.0.0.1:${port}`) },
  async (request, { remoteAddr }) => {
    const decision = await guard.allow(callerOf(request, remoteAddr.hostname), "api");
    const { allowed, remaining, source } = decision;
    if (allowed) return Response.json({ quote: "Nothing acknowledged is lost.", remaining, source });
    const { reason, retryAfterMs } = decision;
    const retryAfter = retryAfterMs === null ? undefined : { "retry-after": String(Math.ceil(retryAfterMs / 1_000)) };
    return Response.json({ reason, source }, { status: statusOf[reason], ...(retryAfter && { headers: retryAfter }) });
  },
);

for (const signal of ["SIGTERM", "SIGINT"] as const) Deno.addSignalListener(signal, () => void server.shutdown());
