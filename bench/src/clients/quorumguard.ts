import { createGuard } from "@quorumguard/sdk-node";
import type { Client, ClientPlace } from "../client.ts";

/** What a client of the SDK may answer by itself. */
export interface SdkOptions {
  /** Admissions that were granted beforehand. */
  readonly lease: boolean;
  /** Denials that hold for sure. */
  readonly denialCache: boolean;
}

/** The SDK. Without a cluster it throws, so that nothing is counted that the cluster did not decide. */
export async function openQuorumGuard({ endpoints, rule }: ClientPlace, options: SdkOptions): Promise<Client> {
  const { limit } = rule;
  const guard = createGuard({
    endpoints,
    onUnavailable: "throw",
    timeoutMs: 10_000,
    // Leases are kept of as many keys as denials are.
    ...(options.denialCache ? {} : { maxRememberedKeys: 0 }),
    policies: { bench: { limit, window: `${rule.windowMs}ms`, algorithm: "token-bucket", lease: options.lease } },
  });
  await guard.ready({ timeoutMs: 10_000 });
  return {
    decisionsPerCall: 1,
    async call(key) {
      const decision = await guard.allow(key, "bench");
      if (decision.degraded) return "degraded";
      return decision.allowed ? "allowed" : "denied";
    },
    close: () => guard.close(),
  };
}
