import { createGuard } from "@quorumguard/sdk-node";

const guard = createGuard({ policies: { tokens: { limit: 3_000, window: "1m" } } });

/** Stands for a language model, which knows what an answer takes once it is there. */
async function complete(
  prompt: string,
  signal: AbortSignal,
): Promise<{ readonly text: string; readonly used: number }> {
  signal.throwIfAborted();
  return { text: `an answer to ${prompt}`, used: 740 };
}

async function answer(user: string, prompt: string): Promise<string> {
  await using tokens = await guard.reserve({ key: user, policy: "tokens", cost: 2_000 }, { ttl: "2m" });
  if (!tokens.allowed) return `${tokens.remaining} tokens are left: try again in ${tokens.retryAfterMs} ms`;
  const { text, used } = await complete(prompt, tokens.signal);
  await tokens.commit(used);
  return text;
}

const both = [answer("docs:user:1", "a question"), answer("docs:user:1", "another one beside it")];
for (const text of await Promise.all(both)) console.log(text);
console.log(await answer("docs:user:1", "another one after it"));
console.log((await guard.peek({ key: "docs:user:1", policy: "tokens" })).remaining);

await guard.close();
