import { createGuard } from "@quorumguard/sdk-node";

const guard = createGuard({
  policies: {
    api: { limit: 100, window: "1s" },
    // Guessing passwords while nobody can count is worse than no logins.
    login: { limit: 5, window: "1m", onUnavailable: "deny" },
  },
});

guard.on("degraded", ({ reason }) => console.error(`without the cluster: ${reason}`));
guard.on("recovered", ({ degradedForMs }) => console.error(`again, after ${degradedForMs} ms`));

/** What the rest of the service asks. */
export async function mayLogIn(user: string): Promise<boolean> {
  const decision = await guard.allow(`user:${user}`, "login");
  return decision.allowed;
}
