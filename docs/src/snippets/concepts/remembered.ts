import { createGuard } from "@quorumguard/sdk-node";

const guard = createGuard();
const ask = () => guard.allow("docs:remembered", 1, "1h");

for (let call = 1; call <= 3; call += 1) {
  const { allowed, source } = await ask();
  console.log(`${call}: ${allowed} (${source})`);
}

await guard.reset({ key: "docs:remembered", limit: 1, window: "1h" });
console.log(`after a reset: ${(await ask()).allowed}`);

await guard.close();
