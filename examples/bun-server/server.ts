/** A server for Bun with two limited routes. It reaches the cluster by its HTTP ports, in $QUORUMGUARD_ENDPOINTS. */
import { createGuard, type Decision, type DenialReason, GuardError, type Policy } from "@quorumguard/sdk-web/edge";

const policies = {
  api: { limit: 5, window: "1m" },
  // Guessing passwords while nobody can count is worse than a minute without logins: 503 then.
  login: { limit: 2, window: "1m", onUnavailable: "deny" },
} as const satisfies Record<string, Policy>;

// Two seconds instead of one: rather wait for a new leader, or for a busy machine, than decide alone.
const guard = createGuard({ endpoints: process.env.QUORUMGUARD_ENDPOINTS, policies, timeoutMs: 2_000 });

const statusOf: Readonly<Record<DenialReason, number>> = { limited: 429, banned: 403, blocked: 403, unavailable: 503 };

/** What the caller is told; `answer` is made only for what is let through. */
function respond(decision: Decision, answer: () => Response): Response {
  const response = decision.allowed
    ? answer()
    : Response.json({ reason: decision.reason }, { status: statusOf[decision.reason] });
  response.headers.set("quorumguard-source", decision.source);
  if (decision.remaining !== null) response.headers.set("quorumguard-remaining", String(decision.remaining));
  if (decision.retryAfterMs) response.headers.set("retry-after", String(Math.ceil(decision.retryAfterMs / 1_000)));
  return response;
}

const server = Bun.serve({
  hostname: "127.0.0.1",
  port: 0,
  // Bun's own page for an error shows this file to whoever caused it.
  development: false,
  error(error) {
    // A key that can be none, such as a name of 600 letters, is the caller's mistake.
    if (error instanceof GuardError && error.details.field === "key") {
      return Response.json({ reason: error.message }, { status: 400 });
    }
    console.error(error);
    return Response.json({ reason: "error" }, { status: 500 });
  },
  routes: {
    "/quote": async (request, server) => {
      // The address of the connection, which no caller can write.
      const decision = await guard.allow(`address:${server.requestIP(request)?.address}`, "api");
      return respond(decision, () => Response.json({ quote: "Nothing acknowledged is lost." }));
    },
    "/login/:user": {
      POST: async (request) => {
        const decision = await guard.allow(`user:${request.params.user}`, "login");
        return respond(decision, () => new Response(null, { status: 204 }));
      },
    },
  },
});
console.log(`listening on ${server.url}`);

for (const signal of ["SIGTERM", "SIGINT"] as const) process.once(signal, () => void server.stop());
