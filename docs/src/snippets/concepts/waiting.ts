import { createGuard } from "@quorumguard/sdk-node";

const guard = createGuard();
const partner = { key: "docs:partner-api", limit: 2, window: "1s" } as const;

async function callPartner(order: string): Promise<void> {
  const turn = await guard.wait(partner, { timeoutMs: 10_000 });
  console.log(turn.allowed ? `${order} goes` : `${order} would have to wait for ${turn.retryAfterMs} ms`);
}

await Promise.all(["first", "second", "third", "fourth"].map(callPartner));

const hourly = await guard.wait({ ...partner, window: "1h", cost: 2 }, { timeoutMs: 50 });
const later = await guard.wait({ ...partner, window: "1h" }, { timeoutMs: 50 });
console.log(`an hour's limit: ${hourly.allowed}, then ${later.allowed}`);

await guard.close();
