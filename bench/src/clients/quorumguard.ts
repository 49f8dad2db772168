import { create, toBinary } from "@bufbuild/protobuf";
import { PutPoliciesRequestSchema } from "@quorumguard/proto";
import { createGuard, type Decision, type Guard } from "@quorumguard/sdk-node";
import type { Client, ClientPlace } from "../client.ts";
import { createGrpcCaller } from "./grpc-caller.ts";

/** What a client of the SDK may answer by itself. */
export interface SdkOptions {
  /** Admissions that were granted beforehand. */
  readonly lease: boolean;
  /** Denials that hold for sure. */
  readonly denialCache: boolean;
}

/**
 * Puts a policy of its own into the cluster, as operators do: then the rate of its buckets is one, and their denials hold for
 * sure. Returns its name.
 */
async function putPolicy({ endpoints, rule }: ClientPlace): Promise<string> {
  const name = `bench-${rule.limit}-${rule.windowMs}`;
  const policy = { name, algorithm: "token-bucket", limit: rule.limit, burst: rule.limit, windowMs: rule.windowMs };
  const caller = createGrpcCaller(endpoints, "/quorumguard.v1.PolicyService/PutPolicies");
  try {
    const request = create(PutPoliciesRequestSchema, { document: { policies: [policy] } });
    await caller.call(toBinary(PutPoliciesRequestSchema, request));
  } finally {
    caller.close();
  }
  return name;
}

/** The SDK where the policy is the cluster's, and the guard brings none. */
export async function openQuorumGuardOfCluster(place: ClientPlace): Promise<Client> {
  const policy = await putPolicy(place);
  const guard = createGuard({ endpoints: place.endpoints, onUnavailable: "throw", timeoutMs: 10_000 });
  await guard.ready({ timeoutMs: 10_000 });
  return clientOf(guard, policy);
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
  return clientOf(guard, "bench");
}

function clientOf<P extends string>(guard: Guard<P>, policy: P): Client<Decision> {
  return {
    decisionsPerCall: 1,
    call: (key) => guard.allow(key, policy),
    outcomeOf({ allowed, degraded }) {
      if (degraded) return "degraded";
      return allowed ? "allowed" : "denied";
    },
    close: () => guard.close(),
  };
}
