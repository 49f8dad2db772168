import { createGuard } from "@quorumguard/sdk-node";

const guard = createGuard({
  policies: { api: { limit: 10_000, window: "1m", lease: true } },
});

const sources = new Map<string, number>();
const untilMs = performance.now() + 1_500;
while (performance.now() < untilMs) {
  const { source } = await guard.allow("docs:leased", "api");
  sources.set(source, (sources.get(source) ?? 0) + 1);
  // One thing after the other, as a server does.
  await new Promise((resolve) => setTimeout(resolve, 1));
}
const leased = sources.get("lease") ?? 0;
const asked = sources.get("quorum") ?? 0;
console.log(`most by leases: ${leased > asked}`);

await guard.close();
