import { createGuard } from "@quorumguard/sdk-node";

const guard = createGuard({
  policies: {
    // 60 a minute on average, at most 3 at once: a token a second comes back.
    email: { algorithm: "token-bucket", limit: 60, window: "1m", burst: 3 },
  },
});

for (let call = 1; call <= 4; call += 1) {
  const decision = await guard.allow("docs:bucket", "email");
  const { allowed, remaining, resetAfterMs, retryAfterMs } = decision;
  const answer = allowed ? "yes" : `no, again in ${retryAfterMs} ms`;
  console.log(`${call}: ${answer} (${remaining} left, all in ${resetAfterMs} ms)`);
}

await guard.close();
