import { createGuard, GuardError } from "@quorumguard/sdk-node";

// Nothing listens at port 1.
const guard = createGuard({ endpoints: "127.0.0.1:1", timeoutMs: 200 });

for (const onUnavailable of ["local", "allow", "deny"] as const) {
  const decision = await guard.allow("docs:outage", 5, "1m", { onUnavailable });
  const { allowed, reason, source, degraded } = decision;
  console.log(onUnavailable, allowed, reason, source, degraded);
}

try {
  await guard.allow("docs:outage", 5, "1m", { onUnavailable: "throw" });
} catch (error) {
  if (!(error instanceof GuardError)) throw error;
  console.log("throw", error.code, error.applied, error.retry);
}

await guard.close();
