import { createGuard } from "@quorumguard/sdk-web/edge";

const guard = createGuard({
  // The HTTP ports of the nodes, or one URL of a proxy in front of them.
  endpoints: ["http://127.0.0.1:7402", "http://127.0.0.1:7412", "http://127.0.0.1:7422"],
});

const decision = await guard.allow("docs:edge", 100, "10s");
console.log(decision.allowed, decision.remaining, decision.source);
