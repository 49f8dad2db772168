import type { Guard } from "@quorumguard/sdk-node";

/** Five sign-ups an hour from one address. */
export async function signUp(guard: Guard<"sign-up">, address: string): Promise<string> {
  const decision = await guard.allow(`ip:${address}`, "sign-up");
  if (decision.allowed) return "welcome";
  return `again in ${Math.ceil((decision.retryAfterMs ?? 0) / 60_000)} min`;
}
