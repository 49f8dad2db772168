import { createGuard } from "@quorumguard/sdk-node";

const guard = createGuard();

for (let call = 1; call <= 4; call += 1) {
  const decision = await guard.allow("docs:window", 3, "10s");
  const { allowed, remaining, resetAfterMs, retryAfterMs } = decision;
  const answer = allowed ? "yes" : `no, again in ${retryAfterMs} ms`;
  console.log(`${call}: ${answer} (${remaining} left, all in ${resetAfterMs} ms)`);
}

await guard.close();
