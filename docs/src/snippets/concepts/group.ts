import { createGuard } from "@quorumguard/sdk-node";

const guard = createGuard();

for (let call = 1; call <= 3; call += 1) {
  const { allowed, decisions } = await guard.allowAll([
    { key: "docs:user-7", limit: 2, window: "1m" },
    { key: "docs:tenant-3", limit: 100, window: "1m" },
  ]);
  const [user, tenant] = decisions;
  console.log(call, { allowed, user: user.remaining, tenant: tenant.remaining });
}

await guard.close();
