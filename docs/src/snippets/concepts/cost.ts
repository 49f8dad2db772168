import { createGuard } from "@quorumguard/sdk-node";

const guard = createGuard();

const upload = await guard.allow("docs:megabytes", 100, "1h", { cost: 60 });
const second = await guard.allow("docs:megabytes", 100, "1h", { cost: 60 });
const never = await guard.allow("docs:megabytes", 100, "1h", { cost: 101 });
console.log(upload.allowed, upload.remaining);
console.log(second.allowed, second.remaining, second.retryAfterMs);
console.log(never.allowed, never.retryAfterMs);

await guard.close();
