import { createGuard } from "@quorumguard/sdk-node";

const first = createGuard();
const afterRestart = createGuard();

// A worker takes an order from a queue, asks, dies; another worker takes the same order again.
const once = await first.allow("docs:orders", 10, "1m", { requestId: "order-4711" });
const again = await afterRestart.allow("docs:orders", 10, "1m", { requestId: "order-4711" });
const other = await afterRestart.allow("docs:orders", 10, "1m", { requestId: "order-4712" });
console.log(once.remaining, again.remaining, other.remaining);

await first.close();
await afterRestart.close();
