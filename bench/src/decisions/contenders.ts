import bench from "../../package.json" with { type: "json" };
import type { ClientName } from "../clients/index.ts";
import type { System } from "../system.ts";
import type { SystemName } from "../systems/index.ts";

/** One row of a table: a client, and what servers it asks. */
export interface Contender {
  readonly name: string;
  readonly system: SystemName;
  readonly client: ClientName;
  /** The npm packages that the client is made of. */
  readonly libraries: readonly (keyof typeof bench.dependencies)[];
  /** How it is used, in a sentence for the results. */
  readonly use: string;
  /** False: it stores what a decision would, but reads nothing and denies nothing, so that it can keep no limit. Default true. */
  readonly decides?: boolean;
  /** True: its servers are not stopped while others are measured, since a pause would be the end of them, or of their clients. Default false. */
  readonly runsOn?: boolean;
}

const sdk = { system: "quorumguard", libraries: ["@quorumguard/sdk-node"] } as const;
const unary = { libraries: ["@grpc/grpc-js"] } as const;
const bucket = "A Lua token bucket, one EVALSHA for each decision";

const redis = (persistence: "none" | "everysec" | "always") => {
  const kept = { none: "no persistence", everysec: "flushed every second", always: "flushed always" }[persistence];
  const both = { system: `redis-${persistence}`, libraries: ["ioredis"] } as const;
  return [
    { ...both, name: `redis, ${kept}`, client: "redis", use: `${bucket}.` },
    {
      ...both,
      name: `redis, ${kept}, auto-pipelined`,
      client: "redis-auto-pipelined",
      use: `${bucket}; ioredis gathers the commands of a turn.`,
    },
  ] as const satisfies readonly Contender[];
};

/** Our SDK with nothing but its defaults; leases are off by default. */
export const quorumGuard: Contender = {
  ...sdk,
  name: "quorumguard",
  client: "quorumguard",
  use: "The SDK; onUnavailable is throw.",
};

/** The SDK without its memory of denials: what the cluster itself takes. */
export const quorumGuardNoDenialCache: Contender = {
  ...sdk,
  name: "quorumguard, no denial cache",
  client: "quorumguard-no-denial-cache",
  use: "The SDK with maxRememberedKeys 0, so that every denial is the cluster's.",
};

/** The SDK where the policy is the cluster's: a bucket has one rate then, and what is denied is surely denied for a while. */
export const quorumGuardOfCluster: Contender = {
  ...sdk,
  name: "quorumguard, policy of the cluster",
  client: "quorumguard-of-cluster",
  use: "The SDK, and a policy that was put into the cluster, as the documentation advises where token buckets are attacked.",
};

/** The SDK where a policy lets it spend admissions that the cluster granted beforehand. */
export const quorumGuardLease: Contender = {
  ...sdk,
  name: "quorumguard, leased",
  client: "quorumguard-lease",
  use: "The SDK with a policy that allows leases.",
};

/** Our servers as any gRPC client sees them. */
export const quorumGuardUnary: Contender = {
  ...unary,
  name: "quorumguard, unary gRPC",
  system: "quorumguard",
  client: "quorumguard-unary",
  use: "No SDK: one unary Allow for each decision, asked of the leader.",
};

/** Redis at its quickest, without and with the client's pipelining. */
export const [redisNone, redisNonePipelined] = redis("none");

/** Every persistence, each with and without the client's pipelining. */
export const allRedis: readonly Contender[] = [...redis("none"), ...redis("everysec"), ...redis("always")];

/** The most used limiter of Node, over the Redis that is quickest. */
export const rateLimiterFlexible: Contender = {
  name: "rate-limiter-flexible, redis, no persistence",
  system: "redis-none",
  client: "rate-limiter-flexible",
  libraries: ["rate-limiter-flexible", "ioredis"],
  use: "RateLimiterRedis, fixed windows, inMemoryBlockOnConsumed as its documentation recommends.",
};

/** The limiter of serverless functions, over the same Redis instead of Upstash's own servers. */
export const upstash: Contender = {
  name: "@upstash/ratelimit, redis, no persistence",
  system: "redis-none",
  client: "upstash",
  libraries: ["@upstash/ratelimit", "ioredis"],
  use: "slidingWindow and all defaults, its ephemeral cache included, but for telemetry, which is off. A shim in place of its HTTP client calls ioredis, and leaves out the scripts' first line, which only Upstash's servers take.",
};

/** A store that commits by a quorum, as we do, asked for the least that a decision would take. */
export const etcdPuts: Contender = {
  ...unary,
  name: "etcd, puts",
  system: "etcd",
  client: "etcd-put",
  use: "One put of 16 bytes for each decision, asked of the leader, or of the next member after 500 ms without an answer; nothing is read, compared or denied.",
  decides: false,
};

/** The same, in batches as large as our stream's. */
export const etcdTransactions: Contender = {
  ...unary,
  name: "etcd, transactions of 64 puts",
  system: "etcd",
  client: "etcd-transaction",
  use: "64 puts of 16 bytes in one transaction, each counted as a decision; a call in flight is a transaction.",
  decides: false,
};

/** A limiter of several daemons that replicates nothing, in Go. */
export const gubernator: Contender = {
  ...unary,
  name: "gubernator, not replicated",
  system: "gubernator",
  client: "gubernator",
  use: "GetRateLimits with one token bucket in each call, BATCHING as by default.",
  // Who does not tell the registry for half a minute that it is there is taken out of it.
  runsOn: true,
};

/** A limiter on Raft, in Go. */
export const gopherGuard: Contender = {
  ...unary,
  name: "gopher-guard",
  system: "gopher-guard",
  client: "gopher-guard",
  use: "Check, a sliding-window log, asked of the leader.",
  // Another one leads after a pause, and nobody tells its clients.
  runsOn: true,
};

/** Which processes of its servers stand still while others are measured. */
export function pausablePids({ runsOn = false }: Contender, { pids }: Pick<System, "pids">): readonly number[] {
  return runsOn ? [] : pids();
}

/** What the results tell of a contender's client. */
export function clientConfiguration({ client, libraries, use }: Contender): Readonly<Record<string, unknown>> {
  const versions = libraries.map(
    (name) => `${name} ${bench.dependencies[name].replace("workspace:*", "of this repository")}`,
  );
  return { client, libraries: versions, use };
}
