import { createGuard } from "@quorumguard/sdk-web/edge";

interface Environment {
  readonly LIMITER_URL: string;
}

export default {
  async fetch(request: Request, environment: Environment): Promise<Response> {
    // A guard holds no connection and does no work of its own: one per request costs next to nothing.
    const guard = createGuard({ endpoints: environment.LIMITER_URL });
    const address = request.headers.get("cf-connecting-ip") ?? "unknown";
    const decision = await guard.allow(`ip:${address}`, 100, "10s");
    if (decision.allowed) return new Response(`hello, ${decision.remaining} left\n`);
    const retryAfterSeconds = Math.ceil((decision.retryAfterMs ?? 10_000) / 1000);
    return new Response("too many requests\n", {
      status: decision.reason === "limited" ? 429 : 503,
      headers: { "retry-after": String(retryAfterSeconds) },
    });
  },
};
