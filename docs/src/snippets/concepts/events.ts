import { createGuard } from "@quorumguard/sdk-node";

const guard = createGuard({
  policies: {
    api: { limit: 100, window: "1s" },
    // Guessing passwords while nobody can count is worse than no logins.
    login: { limit: 5, window: "1m", onUnavailable: "deny" },
  },
});

guard.on("degraded", (event) => {
  if (event.type === "degraded") console.error(`without the cluster: ${event.reason}`);
});
guard.on("recovered", (event) => {
  if (event.type === "recovered") console.error(`again, after ${event.degradedForMs} ms`);
});

/** What the rest of the service asks. */
export async function mayLogIn(user: string): Promise<boolean> {
  const decision = await guard.allow(`user:${user}`, "login");
  return decision.allowed;
}
