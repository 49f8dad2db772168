/**
 * What an edge worker writes against the published types. Checked with and without Node's types beside it, with the types of
 * workers and of pages; never run.
 */
import type { Decision, Guard } from "@quorumguard/sdk-web";
import { createGuard, type EdgeGuardOptions, GuardError } from "@quorumguard/sdk-web/edge";

const options: EdgeGuardOptions<"login"> = {
  endpoints: "https://limits.example.com",
  token: async () => "secret",
  fetch,
  policies: { login: { limit: 5, window: "1m" } },
};

/** Answers a request as the guard says. */
export async function answer(request: Request): Promise<Response> {
  await using guard: Guard<"login"> = createGuard(options);
  try {
    const decision: Decision = await guard.allow(request.url, "login", { signal: request.signal });
    return new Response(decision.source, { status: decision.allowed ? 200 : 429 });
  } catch (error) {
    return new Response(error instanceof GuardError ? error.code : "internal", { status: 503 });
  }
}

/** A reservation's signal is the platform's own. */
export async function proxied(url: string): Promise<Response> {
  const guard = createGuard({ timeoutMs: 100 });
  const held = await guard.reserve({ key: url, limit: 5, window: "10s", algorithm: "concurrency" });
  return held.allowed ? fetch(url, { signal: held.signal }) : new Response(null, { status: 503 });
}

/** Mistakes that must not compile here either. */
export async function mistakes(guard: Guard<"login">): Promise<void> {
  // @ts-expect-error -- A limit without its window.
  await guard.allow("key", 5);
  // @ts-expect-error -- A duration has a unit, and this is none.
  await guard.allow("key", 5, "5 seconds");
  // @ts-expect-error -- No policy of that name was given.
  await guard.allow("key", "signup");
  // @ts-expect-error -- Who is asked forwards: there is no routing over fetch.
  createGuard({ routing: "direct" });
}
