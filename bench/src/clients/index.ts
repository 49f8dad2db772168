import type { Client, ClientPlace } from "../client.ts";

type Open = (place: ClientPlace) => Promise<Client>;

const sdk =
  (options: { readonly lease: boolean; readonly denialCache: boolean }): Open =>
  async (place) =>
    (await import("./quorumguard.ts")).openQuorumGuard(place, options);
const redis =
  (autoPipelining: boolean): Open =>
  async (place) =>
    (await import("./redis.ts")).openRedis(place, { autoPipelining });

/** Everything that asks, by the name that contenders call it. A process loads only its own. */
export const clients = {
  quorumguard: sdk({ lease: false, denialCache: true }),
  "quorumguard-no-denial-cache": sdk({ lease: false, denialCache: false }),
  "quorumguard-of-cluster": async (place) => (await import("./quorumguard.ts")).openQuorumGuardOfCluster(place),
  "quorumguard-lease": sdk({ lease: true, denialCache: true }),
  "quorumguard-unary": async (place) => (await import("./quorumguard-unary.ts")).openQuorumGuardUnary(place),
  redis: redis(false),
  "redis-auto-pipelined": redis(true),
  "rate-limiter-flexible": async (place) => (await import("./rate-limiter-flexible.ts")).openRateLimiterFlexible(place),
  upstash: async (place) => (await import("./upstash.ts")).openUpstash(place),
  "etcd-put": async (place) => (await import("./etcd.ts")).openEtcdPuts(place),
  "etcd-transaction": async (place) => (await import("./etcd.ts")).openEtcdTransactions(place),
  gubernator: async (place) => (await import("./go-limiters.ts")).openGubernator(place),
  "gopher-guard": async (place) => (await import("./go-limiters.ts")).openGopherGuard(place),
} as const satisfies Readonly<Record<string, Open>>;

/** The name of a client. */
export type ClientName = keyof typeof clients;
