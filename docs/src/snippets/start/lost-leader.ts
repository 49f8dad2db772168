import { startTestCluster } from "@quorumguard/cluster/testing";

await using cluster = await startTestCluster();
const guard = cluster.createGuard({ onUnavailable: "throw", timeoutMs: 5_000 });

const before = await guard.allow("user:1", 5, "1h");
const lost = await cluster.kill("leader");
const after = await guard.allow("user:1", 5, "1h");
console.log(`${before.remaining} left, then ${after.remaining}`);

const leader = await cluster.waitForLeader();
await cluster.restart(lost);
console.log(leader === lost ? "the same leader" : "another leader", cluster.topology.members.length, "nodes");
