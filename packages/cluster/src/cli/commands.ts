import { boundRanges, countingAlgorithmNames, defaultBounds } from "@quorumguard/limiter";
import { edgeLimits } from "../server/edge-limits.ts";
import { serverDefaults } from "../server/server-defaults.ts";
import type { CommandSpec } from "./command-spec.ts";
import {
  help,
  reaching,
  tokenAudience,
  tokenCallsPerSecond,
  tokenKeys,
  used,
  visitorKeysPerMinute,
} from "./common-specs.ts";
import { banLiftSpec, banListSpec, explainSpec, topSpec } from "./key-specs.ts";
import { logLevels } from "./log-levels.ts";
import { logDumpSpec, logVerifySpec } from "./log-specs.ts";
import {
  memberAddSpec,
  memberListSpec,
  memberPromoteSpec,
  memberRemoveSpec,
  memberReplaceSpec,
} from "./member-specs.ts";
import {
  namespace,
  policyDeleteSpec,
  policyDiffSpec,
  policyGetSpec,
  policyHistorySpec,
  policyPutSpec,
  policyRollbackSpec,
  policyWatchSpec,
} from "./policy-specs.ts";
import { tokenKeyNewSpec, tokenNewSpec } from "./token-specs.ts";

/** `quorumguard dev`. */
export const devSpec = {
  name: "dev",
  summary: "a cluster on this machine, to try things out",
  examples: [{ command: "quorumguard dev" }],
  operands: [],
  flags: [
    { name: "nodes", value: "N", text: "how many nodes: 1, 3 or 5", default: 3, bounds: [1, 5] },
    {
      name: "port",
      value: "N",
      text: "first port: a node takes N for gRPC, N+1 for the other nodes and N+2 for HTTP, the next node 10 further",
      default: 7_400,
      bounds: [1, 65_480],
    },
    {
      name: "data",
      value: "FOLDER",
      text: "keep the data there",
      otherwise: "a temporary folder, removed at the end",
    },
    tokenKeys,
    tokenAudience,
    tokenCallsPerSecond,
    visitorKeysPerMinute,
    { name: "json", text: "every event as one JSON line on standard output" },
    help,
  ],
  notes: [
    "Nodes are processes of their own and are not restarted: kill one and watch another take over. Ctrl-C ends all.",
  ],
  exitStatuses: [
    { status: 0, text: "ended because it was asked to" },
    { status: 1, text: "all nodes ended by themselves, or one failed while it stopped" },
    used,
  ],
} as const satisfies CommandSpec;

/** `quorumguard node`. */
export const nodeSpec = {
  name: "node",
  summary: "run one node of a cluster",
  examples: [
    {
      command: [
        "quorumguard node --id 1 --data /var/lib/quorumguard \\",
        "  --cluster 1=10.0.0.1:7401,2=10.0.0.2:7401,3=10.0.0.3:7401 \\",
        "  --grpc 10.0.0.1:7400 --http 10.0.0.1:7402 --tls-cert node.pem --tls-key node.key \\",
        "  --peer-cert peer.pem --peer-key peer.key --peer-ca peers.pem",
      ].join("\n"),
      text: "the first of three machines; the others differ in --id, addresses and certificates",
    },
    {
      command: [
        "quorumguard node --id 4 --data /var/lib/quorumguard --join 10.0.0.1:7401,10.0.0.2:7401 \\",
        "  --peer 10.0.0.4:7401 --grpc 10.0.0.4:7400 --http 10.0.0.4:7402 --insecure",
      ].join("\n"),
      text: "a newcomer; it waits until quorumguard member add 4 has been run",
    },
  ],
  operands: [],
  flags: [
    {
      name: "id",
      value: "N",
      required: true,
      text: "this node's id: one of --cluster, or with --join one that no member ever had",
      bounds: [1, Number.MAX_SAFE_INTEGER],
    },
    {
      name: "cluster",
      value: "LIST",
      text: "the founders and their peer addresses, id=host:port with commas between, the same list on every node",
      otherwise: "--join has to be given",
    },
    {
      name: "join",
      value: "LIST",
      text: "in place of --cluster, for a newcomer: peer addresses of members, host:port with commas between",
      otherwise: "the node is a founder",
    },
    {
      name: "data",
      value: "FOLDER",
      required: true,
      text: "log and snapshots; created if absent, never shared",
    },
    {
      name: "grpc",
      value: "HOST:PORT",
      text: "where to listen for gRPC, which SDKs speak; port 0: any",
      default: serverDefaults.grpc,
    },
    {
      name: "http",
      value: "HOST:PORT",
      text: "where to listen for Connect, gRPC-Web, JSON, /metrics, /healthz and /readyz; port 0: any",
      default: serverDefaults.http,
    },
    {
      name: "peer",
      value: "HOST:PORT",
      text: "where to listen for the other nodes",
      otherwise: `this node's address in --cluster; with --join ${serverDefaults.peer}`,
    },
    {
      name: "advertise-peer",
      value: "HOST:PORT",
      text: "where the other nodes reach this one",
      otherwise: "its address in --cluster; with --join where it listens",
    },
    {
      name: "advertise-grpc",
      value: "HOST:PORT",
      text: "where clients reach this node's gRPC",
      otherwise: "where it listens",
    },
    {
      name: "advertise-http",
      value: "URL",
      text: "where clients reach this node's HTTP",
      otherwise: "where it listens",
    },
    { name: "tls-cert", value: "FILE", text: "certificate for clients of both ports, PEM; with --tls-key" },
    { name: "tls-key", value: "FILE", text: "its private key, PEM" },
    {
      name: "tls-client-ca",
      value: "FILE",
      text: "callers must show a certificate of this authority, PEM",
      otherwise: "they need not show one",
    },
    {
      name: "peer-cert",
      value: "FILE",
      text: "certificate for the other nodes, PEM; with --peer-key and --peer-ca",
    },
    { name: "peer-key", value: "FILE", text: "its private key, PEM" },
    { name: "peer-ca", value: "FILE", text: "the authority of all nodes' peer certificates, PEM" },
    tokenKeys,
    tokenAudience,
    tokenCallsPerSecond,
    visitorKeysPerMinute,
    { name: "insecure", text: "plain text off loopback; without TLS it is refused otherwise" },
    {
      name: "repair",
      text: "start with damaged data: what is sound is kept, and the other nodes bring the rest before this one votes",
    },
    {
      name: "policies",
      value: "FILE",
      text: "policies in YAML or JSON that this node keeps in force while it leads, and follows as they change; the same on all nodes",
      otherwise: "they are set with quorumguard policy put",
    },
    {
      name: "max-keys",
      value: "N",
      text: "keys with a live count that the cluster holds; a new one beyond is refused; the same on all nodes, in force once a node with it leads",
      otherwise: `as it was; ${defaultBounds.maxKeys} in a new cluster`,
      bounds: boundRanges.maxKeys,
    },
    {
      name: "max-holds",
      value: "N",
      text: "reservations, slots and leases open at once; one more is refused; like --max-keys",
      otherwise: `as it was; ${defaultBounds.maxHolds} in a new cluster`,
      bounds: boundRanges.maxHolds,
    },
    {
      name: "cors-origin",
      value: "ORIGIN",
      repeatable: true,
      text: "pages of this origin may call from a browser, * for all; any number of times",
      otherwise: "none may",
    },
    {
      name: "drain-timeout",
      value: "MS",
      text: "how long a stop waits for what is in flight, in milliseconds",
      default: serverDefaults.drainTimeoutMs,
      bounds: [0, 600_000],
    },
    {
      name: "log-level",
      value: "LEVEL",
      text: `${logLevels.join(", ")}; JSON lines on standard error`,
      default: "info",
      choices: logLevels,
    },
    {
      name: "stop-with-stdin",
      text: "stop when standard input ends, for whoever starts this as a child",
    },
    { name: "json", text: "print the addresses as one JSON line on standard output once they listen" },
    help,
  ],
  notes: [
    "SIGTERM or Ctrl-C: hands leadership over, finishes what is in flight, exits 0.",
    "A newcomer becomes a learner by quorumguard member add and a voter by member promote; restarted, it needs no other flags than before.",
  ],
  exitStatuses: [
    { status: 0, text: "stopped because it was asked to, or because it was removed from the cluster" },
    { status: 1, text: "failed: a port is taken, the data is damaged or in use, the disk refuses to flush" },
    used,
  ],
} as const satisfies CommandSpec;

/** `quorumguard status`. */
export const statusSpec = {
  name: "status",
  summary: "what every member says of itself",
  examples: [{ command: "quorumguard status --endpoints 10.0.0.1:7400" }],
  operands: [],
  flags: [
    ...reaching,
    {
      name: "timeout",
      value: "MS",
      text: "how long each node has to answer, in milliseconds",
      default: 2_000,
      bounds: [1, 600_000],
    },
    { name: "json", text: "one JSON document on standard output" },
    help,
  ],
  notes: [],
  exitStatuses: [
    { status: 0, text: "every member answers and knows a leader" },
    { status: 1, text: "one does not" },
    used,
  ],
} as const satisfies CommandSpec;

/** `quorumguard allow`. */
export const allowSpec = {
  name: "allow",
  summary: "ask for one decision",
  examples: [
    { command: "quorumguard allow user:1 5 1m", text: "at most 5 per minute for user:1" },
    { command: "quorumguard allow user:1 --policy login", text: "as the cluster's policy login says" },
  ],
  operands: [
    { name: "KEY", text: `what is limited, 1 to ${edgeLimits.maxKeyBytes} bytes of UTF-8` },
    { name: "LIMIT", text: "how many per window; 0 denies always; none with --policy" },
    { name: "WINDOW", text: "500ms, 10s, 5m, 1h, 1d; 1ms to 400d; none with --policy" },
  ],
  flags: [
    {
      name: "policy",
      value: "NAME",
      text: "decide by this policy of the cluster's",
      otherwise: "by LIMIT and WINDOW",
    },
    { ...namespace, text: "whose keys and policies, up to 128 bytes" },
    { name: "cost", value: "N", text: "how many this takes", default: 1, bounds: [1, edgeLimits.maxCost] },
    {
      name: "algorithm",
      value: "NAME",
      text: `one of ${countingAlgorithmNames.join(", ")}`,
      otherwise: "sliding-window-log",
      choices: countingAlgorithmNames,
    },
    {
      name: "burst",
      value: "N",
      text: "how many at once, for token-bucket",
      otherwise: "LIMIT",
      bounds: [1, edgeLimits.maxLimit],
    },
    ...reaching,
    {
      name: "timeout",
      value: "MS",
      text: "how long to wait for a decision, in milliseconds",
      default: 1_000,
      bounds: [1, 600_000],
    },
    { name: "json", text: "the decision as one JSON line" },
    help,
  ],
  notes: [],
  exitStatuses: [
    { status: 0, text: "allowed" },
    { status: 3, text: "denied" },
    { status: 1, text: "no decision" },
    used,
  ],
} as const satisfies CommandSpec;

/** Every command of `quorumguard`, in the order in which a newcomer meets them. */
export const commands = [
  devSpec,
  nodeSpec,
  statusSpec,
  allowSpec,
  policyGetSpec,
  policyPutSpec,
  policyDiffSpec,
  policyHistorySpec,
  policyRollbackSpec,
  policyDeleteSpec,
  policyWatchSpec,
  explainSpec,
  topSpec,
  banListSpec,
  banLiftSpec,
  memberListSpec,
  memberAddSpec,
  memberPromoteSpec,
  memberRemoveSpec,
  memberReplaceSpec,
  tokenKeyNewSpec,
  tokenNewSpec,
  logVerifySpec,
  logDumpSpec,
] as const;

/** The command that the first of these words name, and the words after its name; null: they name none. */
export function commandOf(
  words: readonly string[],
): { readonly spec: (typeof commands)[number]; readonly rest: readonly string[] } | null {
  for (const spec of commands) {
    const named = spec.name.split(" ");
    if (named.every((part, at) => part === words[at])) return { spec, rest: words.slice(named.length) };
  }
  return null;
}

/** What holds for the program itself, besides its {@link commands}. */
export const program = {
  name: "quorumguard",
  summary: "an exact, replicated rate limiter",
  flags: [help, { name: "version", text: "the version" }],
} as const satisfies Pick<CommandSpec, "name" | "summary" | "flags">;
