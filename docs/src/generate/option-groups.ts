import type { Api } from "./api/read-api.ts";
import type { OptionGroup } from "./options.ts";
import { readInterface, readObject, type SourceDeclaration } from "./source/declarations.ts";

/** The node's options and the flags of `quorumguard node` that set them. A test compares it with the table of flags. */
export const flagsOfNodeOptions: Readonly<Record<string, readonly string[]>> = {
  nodeId: ["id"],
  cluster: ["cluster"],
  join: ["join"],
  dataFolder: ["data"],
  grpc: ["grpc"],
  peer: ["peer"],
  http: ["http"],
  advertisePeer: ["advertise-peer"],
  advertiseGrpc: ["advertise-grpc"],
  advertiseHttp: ["advertise-http"],
  tls: ["tls-cert", "tls-key", "tls-client-ca"],
  peerTls: ["peer-cert", "peer-key", "peer-ca"],
  insecure: ["insecure"],
  repair: ["repair"],
  policyFile: ["policies"],
  corsOrigins: ["cors-origin"],
  tokenAudience: ["token-audience"],
  tokenCallsPerSecond: ["token-calls-per-second"],
  visitorKeysPerMinute: ["visitor-keys-per-minute"],
  tokenKeys: ["token-keys"],
  drainTimeoutMs: ["drain-timeout"],
};

/** The same for the fields of `bounds`. */
export const flagsOfBounds: Readonly<Record<string, readonly string[]>> = {
  maxKeys: ["max-keys"],
  maxHolds: ["max-holds"],
};

/** Every group of options, from the interfaces that declare them. */
export function readOptionGroups(api: Api): readonly OptionGroup[] {
  const from = (entryPoint: string) => (name: string) => readInterface(api.nodeOf(entryPoint, name));
  return [...guardGroups(api, from), ...middlewareGroups(from), ...nodeGroups(from)];
}

type DeclarationsFrom = (entryPoint: string) => (name: string) => SourceDeclaration;

function guardGroups(api: Api, from: DeclarationsFrom): readonly OptionGroup[] {
  const core = from("packages/sdk-core/src/index.ts");
  const node = from("packages/sdk-node/src/index.ts");
  const edge = from("packages/sdk-web/src/edge.ts");
  const page = from("packages/sdk-web/src/index.ts");
  const guard = { whose: "the guard's", declaration: core("GuardOptions") };
  return [
    {
      title: "A guard",
      introduction:
        "`createGuard(options)` of the SDK for Node. Guards over `fetch` and in pages take some of these: their tables say which.",
      declaration: guard.declaration,
    },
    {
      title: "A guard in Node",
      introduction: "`createGuard` of `@quorumguard/sdk-node` takes these as well.",
      declaration: node("NodeGuardOptions"),
    },
    {
      title: "TLS of a guard in Node",
      introduction: "The fields of `tls`.",
      declaration: node("TlsOptions"),
    },
    {
      title: "A guard over fetch",
      introduction:
        "`createGuard` of `@quorumguard/sdk-web/edge` takes those of every guard, but for `routing`, `lease`, `maxRememberedKeys`, `reconcile` and `maxUnreportedCalls`, which need a stream; and these:",
      declaration: edge("EdgeGuardOptions"),
    },
    {
      title: "A guard in a page",
      introduction: "`createGuard` of `@quorumguard/sdk-web` takes these and no others.",
      declaration: page("BrowserGuardOptions"),
    },
    {
      title: "One call",
      introduction: "The last argument of `allow` and `allowAll`. What is left out is the guard's.",
      declaration: core("CallOptions"),
      inherits: guard,
    },
    {
      title: "A reservation",
      introduction: "The last argument of `reserve`, which takes those of a call as well.",
      declaration: core("ReserveOptions"),
    },
    {
      title: "A rule",
      introduction:
        "A limit per window. `allow(key, limit, window, options)` takes `algorithm` and `burst` among its options.",
      declaration: core("Rule"),
    },
    {
      title: "A policy",
      introduction: "A rule with a name, one of a guard's `policies`. It has a rule's fields, and:",
      declaration: core("Policy"),
      inherits: guard,
    },
    {
      title: "A check",
      introduction:
        "What `peek` and `allowAll` ask about. It has a rule's fields, or `policy`, the name of one of the guard's policies; and:",
      declaration: readObject(api.nodeOf("packages/sdk-core/src/index.ts", "Check")),
    },
  ];
}

function middlewareGroups(from: DeclarationsFrom): readonly OptionGroup[] {
  const middleware = from("packages/middleware/src/index.ts");
  return [
    {
      title: "Middleware",
      introduction: "`rateLimit(options)` of every framework, and the first argument of Next's `withRateLimit`.",
      declaration: middleware("RateLimitOptions"),
    },
    {
      title: "A limit of a route",
      introduction: "One of a middleware's `limits`, where the policy's name alone does not say enough.",
      declaration: middleware("RouteLimit"),
    },
    {
      title: "What is skipped",
      introduction: "A middleware's `skip`.",
      declaration: middleware("Skip"),
    },
  ];
}

function nodeGroups(from: DeclarationsFrom): readonly OptionGroup[] {
  const cluster = from("packages/cluster/src/index.ts");
  const limiter = from("packages/limiter/src/index.ts");
  return [
    {
      title: "A node",
      introduction:
        '`startServer(options)` of `@quorumguard/cluster`, and the flags of [`quorumguard node`](/reference/command-line/#quorumguard-node). Where "All nodes" stands, every node of a cluster must be told the same.',
      declaration: cluster("ServerOptions"),
      flags: flagsOfNodeOptions,
    },
    {
      title: "Replicated bounds of a node",
      introduction:
        "The fields of `bounds`: the same on every node, since every node must refuse the same calls. A leader proposes them through the log when it begins to lead, so change them with a rolling restart.",
      declaration: optionalFields(limiter("Bounds")),
      flags: flagsOfBounds,
    },
    {
      title: "Timings of a node",
      introduction: "Fields of `node`.",
      declaration: cluster("NodeTimings"),
    },
    {
      title: "Local bounds of a node",
      introduction: "Fields of `node` too.",
      declaration: cluster("NodeLimits"),
    },
    {
      title: "A test cluster",
      introduction:
        "`startTestCluster(options)` of `@quorumguard/cluster/testing`, for [your own tests](/start/testing-your-code/).",
      declaration: from("packages/cluster/src/testing-kit/index.ts")("TestClusterOptions"),
    },
  ];
}

/** `Partial` of a declaration. */
function optionalFields(declaration: SourceDeclaration): SourceDeclaration {
  return { ...declaration, fields: declaration.fields.map((field) => ({ ...field, optional: true })) };
}
