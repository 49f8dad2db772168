import { createGuard } from "@quorumguard/sdk-node";

const guard = createGuard({
  policies: {
    api: { limit: 100, window: "1s" },
    // Guessing passwords while nobody can count is worse than a minute without logins.
    login: { limit: 5, window: "1m", onUnavailable: "deny" },
  },
});

guard.on("degraded", (event) => {
  if (event.type === "degraded") console.error(`limits are not the cluster's now: ${event.reason}`);
});
guard.on("recovered", (event) => {
  if (event.type === "recovered") console.error(`the cluster decides again, after ${event.degradedForMs} ms`);
});

// What a monitor should count: decisions by their source, of which `degraded` ones are worth an alarm.
export async function mayLogIn(user: string): Promise<boolean> {
  const decision = await guard.allow(`user:${user}`, "login");
  return decision.allowed;
}
