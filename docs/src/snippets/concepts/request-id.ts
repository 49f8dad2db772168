import { createGuard } from "@quorumguard/sdk-node";

const policies = { orders: { limit: 10, window: "1m" } } as const;
const worker = createGuard({ policies });
const afterRestart = createGuard({ policies });

// A worker takes an order from a queue, asks, and dies; another one takes it again.
const once = await worker.allow("docs:shop-1", "orders", { requestId: "orders:4711" });
const again = await afterRestart.allow("docs:shop-1", "orders", { requestId: "orders:4711" });
const other = await afterRestart.allow("docs:shop-1", "orders", { requestId: "orders:4712" });
console.log(once.remaining, again.remaining, other.remaining);

await worker.close();
await afterRestart.close();
