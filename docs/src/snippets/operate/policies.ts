import { createGuard } from "@quorumguard/sdk-node";

const guard = createGuard({
  policies: {
    login: { limit: 5, window: "1m" },
    search: { limit: 100, window: "1s", algorithm: "token-bucket", burst: 200 },
  },
});

const decision = await guard.allow("customer:7", "search");
// The limit in force: 100 from here, or what operators have set for the name or the key since.
console.log(decision.limit);

await guard.close();
