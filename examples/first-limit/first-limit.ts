import { createGuard } from "@quorumguard/sdk-node";

const guard = createGuard(); // $QUORUMGUARD_ENDPOINTS, else the `quorumguard dev` that runs here

for (let call = 1; call <= 4; call += 1) {
  const decision = await guard.allow("user-42", 3, "1m"); // three a minute for this user
  if (decision.allowed) console.log(`call ${call}: go ahead, ${decision.remaining} left`);
  else console.log(`call ${call}: ${decision.reason}, try again in ${decision.retryAfterMs ?? "∞"} ms`);
}

await guard.close();
