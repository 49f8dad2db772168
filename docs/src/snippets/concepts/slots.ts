import { setTimeout as sleep } from "node:timers/promises";
import { createGuard } from "@quorumguard/sdk-node";

const guard = createGuard();
const slots = { key: "docs:exports", limit: 2, window: "10m", algorithm: "concurrency" } as const;

async function exportReport(name: string): Promise<string> {
  await using slot = await guard.reserve(slots);
  if (!slot.allowed) return `${name}: all ${slot.limit} slots are taken`;
  await sleep(20, undefined, { signal: slot.signal });
  return `${name}: done`;
}

console.log((await Promise.all(["a", "b", "c"].map(exportReport))).join(", "));
console.log(await exportReport("c"));

await guard.close();
