import { isIPv4, isIPv6 } from "node:net";
import { type Bounds, boundRanges } from "@quorumguard/limiter";
import { type TokenKeySet, tokenBounds } from "@quorumguard/proto";
import type { NodeId } from "@quorumguard/raft";
import type { NodeLog } from "../node/node-log.ts";
import type { NodeLimits, NodeTimings } from "../node/node-options.ts";
import type { FileSystem } from "../storage/file-system.ts";
import { parseAddress } from "../transport/tcp-options.ts";
import { checkText } from "./check-text.ts";
import { InvalidField, shown } from "./invalid-field.ts";
import { serverDefaults } from "./server-defaults.ts";
import type { TlsMaterial } from "./tls-material.ts";

/** A host and a TCP port, to listen on or to connect to. */
export interface HostPort {
  /** A host name, or an IPv4 or IPv6 address without brackets; to listen on all addresses, 0.0.0.0 or `::`. */
  readonly host: string;
  /** 0 to 65535; 0, for listening only: any free port. */
  readonly port: number;
}

/** A founder and its peer address, as every node of the cluster is told. */
export interface Founder extends HostPort {
  /** The node's id, 1 to 2^53-1; no two of a cluster have the same. */
  readonly nodeId: NodeId;
}

/**
 * Certificate, key and authority for connections between nodes, as PEM. Both sides show a certificate of the authority,
 * whatever host it names: the authority must sign nothing but nodes of this cluster. TLS 1.3 alone is spoken.
 */
export interface PeerTls {
  /** This node's certificate, with those in between up to the authority. */
  readonly cert: Buffer;
  /** The private key of `cert`, without a passphrase. */
  readonly key: Buffer;
  /** The authority that signed the certificates of all nodes. */
  readonly ca: Buffer;
}

/** What a server needs. Fields marked "all nodes" must be the same on every node of a cluster. */
export interface ServerOptions {
  /** This node: one of `cluster`, or with `join` an id that is larger than any that was ever a member's. */
  readonly nodeId: NodeId;
  /** The founders, this node included, 1 to 9 of them. All founders. Default none: this node joins. */
  readonly cluster?: readonly Founder[];
  /**
   * In place of `cluster`, for a newcomer to a cluster that has formed: peer addresses of some of its members. It waits there
   * until it is added. Default none.
   */
  readonly join?: readonly HostPort[];
  /** The folder for log and snapshots; created if absent. Not needed if `files` is given. */
  readonly dataFolder?: string;
  /** A file system in place of the folder. The server does not close it. */
  readonly files?: FileSystem;
  /** Where to listen for gRPC. Default 127.0.0.1:7400. */
  readonly grpc?: HostPort;
  /** Where to listen for peers. Default: this node's address in `cluster`; with `join` 127.0.0.1:7401. */
  readonly peer?: HostPort;
  /** Where to listen for Connect, gRPC-Web and JSON. Default 127.0.0.1:7402. */
  readonly http?: HostPort;
  /** host:port at which the other nodes reach this one. Default: its address in `cluster`; with `join` what it is bound to. */
  readonly advertisePeer?: string;
  /** host:port at which clients reach the gRPC listener. Default: what it is bound to. */
  readonly advertiseGrpc?: string;
  /** http(s)://host:port at which clients reach the HTTP listener. Default: what it is bound to. */
  readonly advertiseHttp?: string;
  /**
   * Certificate and key for clients, of both listeners. Default none: clients speak plain text, on loopback only unless
   * `insecure`.
   */
  readonly tls?: TlsMaterial;
  /**
   * Certificate, key and authority for connections between nodes. Default none: nodes speak plain text to each other,
   * on loopback only unless `insecure`. All nodes have one of the same authority, or none.
   */
  readonly peerTls?: PeerTls;
  /** Allows plain text off loopback. Default false. */
  readonly insecure?: boolean;
  /**
   * Start with a folder whose acknowledged data is damaged: what is sound is kept, and the other nodes bring the rest before this
   * one votes. Default false: the start fails and names the file.
   */
  readonly repair?: boolean;
  /** Origins of pages that may call from a browser, or "*". Default none. */
  readonly corsOrigins?: readonly string[];
  /** Session streams open at once, 1 to 1,000,000; as many watches of the topology beside them, and as many of the health. Default 10,000. */
  readonly maxStreams?: number;
  /** HTTP connections open at once, and as many of gRPC, 1 to 1,000,000. Default 10,000. */
  readonly maxConnections?: number;
  /** How long a stop waits for what is in flight, 0 to 600,000 milliseconds. Default 5,000. */
  readonly drainTimeoutMs?: number;
  /**
   * Replicated limits that a leader proposes when it begins to lead: they change once a node that has them leads. All nodes.
   * Default: those of the cluster stay as they are.
   */
  readonly bounds?: Partial<Bounds>;
  /**
   * A file of policies in YAML or JSON that this node keeps in force while it leads, and follows as it changes. The same file on
   * all nodes. Default none.
   */
  readonly policyFile?: string;
  /**
   * The keys that callers' tokens are verified with: a file with a JWKS, which is read again when it changes, or the set itself.
   * Then every call needs a token, or a certificate that `tls.clientCa` vouches for. The same on all nodes. Default none: whoever
   * reaches the listeners may do everything, and tokens are not looked at.
   */
  readonly tokenKeys?: string | TokenKeySet;
  /** Whom tokens must be for: 1 to 128 bytes, the same on all nodes. Default "quorumguard". */
  readonly tokenAudience?: string;
  /**
   * Calls that the holder of visitors' tokens may make on this node, 1 to 1,000,000 a second: those with tokens that are bound to
   * keys, policies or one call, of one subject together. 5 s worth of them may come at once. A request is as many calls as it has
   * checks, or as it begins 4 KiB, if that is more. Default 100.
   */
  readonly tokenCallsPerSecond?: number;
  /**
   * Different keys, under each policy by itself, that the holder of visitors' tokens may use on this node, 1 to 1,000,000 a minute:
   * each takes room in the cluster, which is for all. Tokens that are bound to one key need no such bound. Default 1,200.
   */
  readonly visitorKeysPerMinute?: number;
  /** Intervals and local bounds of the node itself. Default: that of each field. */
  readonly node?: NodeTimings & NodeLimits;
  /** Shows memory, event loop and the like among the metrics. Default true. */
  readonly processMetrics?: boolean;
  /** Receives what the node has to say to its operator. Default: nothing is said. */
  readonly log?: NodeLog;
}

/** {@link ServerOptions} with defaults filled in and bounds checked. */
export interface ResolvedServerOptions extends ServerOptions {
  readonly cluster: readonly Founder[];
  readonly join: readonly HostPort[];
  readonly grpc: HostPort;
  readonly peer: HostPort;
  readonly http: HostPort;
  readonly corsOrigins: readonly string[];
  readonly maxStreams: number;
  readonly maxConnections: number;
  readonly drainTimeoutMs: number;
  readonly tokenAudience: string;
  readonly tokenCallsPerSecond: number;
  readonly visitorKeysPerMinute: number;
  readonly processMetrics: boolean;
  readonly log: NodeLog;
}

/**
 * Fills in every default and checks every bound, before anything is opened.
 *
 * @throws {InvalidField} naming field, value and bound.
 */
export function resolveServerOptions(options: ServerOptions): ResolvedServerOptions {
  const own = checkCluster(options);
  if (options.files === undefined && (options.dataFolder ?? "") === "") {
    throw new InvalidField("dataFolder", shown("missing"), "give the folder for log and snapshots");
  }
  const resolved: ResolvedServerOptions = {
    ...options,
    cluster: options.cluster ?? [],
    join: options.join ?? [],
    grpc: checkHostPort("grpc", options.grpc ?? defaultAddress(serverDefaults.grpc)),
    peer: checkHostPort("peer", options.peer ?? own),
    http: checkHostPort("http", options.http ?? defaultAddress(serverDefaults.http)),
    corsOrigins: options.corsOrigins ?? [],
    maxStreams: within("maxStreams", options.maxStreams ?? 10_000, 1, 1_000_000),
    maxConnections: within("maxConnections", options.maxConnections ?? 10_000, 1, 1_000_000),
    drainTimeoutMs: within("drainTimeoutMs", options.drainTimeoutMs ?? serverDefaults.drainTimeoutMs, 0, 600_000),
    tokenAudience: options.tokenAudience ?? serverDefaults.tokenAudience,
    tokenCallsPerSecond: within(
      "tokenCallsPerSecond",
      options.tokenCallsPerSecond ?? serverDefaults.tokenCallsPerSecond,
      1,
      1_000_000,
    ),
    visitorKeysPerMinute: within(
      "visitorKeysPerMinute",
      options.visitorKeysPerMinute ?? serverDefaults.visitorKeysPerMinute,
      1,
      1_000_000,
    ),
    processMetrics: options.processMetrics ?? true,
    log: options.log ?? (() => {}),
  };
  for (const name of Object.keys(options.bounds ?? {}) as (keyof Bounds)[]) {
    const value = options.bounds?.[name];
    if (value !== undefined) within(`bounds.${name}`, value, ...boundRanges[name]);
  }
  checkText(resolved.tokenAudience, "tokenAudience", 1, tokenBounds.maxNameBytes);
  for (const field of ["tokenAudience", "tokenCallsPerSecond", "visitorKeysPerMinute"] as const) {
    if (options[field] === undefined || options.tokenKeys !== undefined) continue;
    throw new InvalidField(field, options[field], "without tokenKeys no token is looked at; give both");
  }
  checkOrigins(resolved.corsOrigins);
  checkExposure(resolved);
  return resolved;
}

/** Where this node listens for its peers, unless it is told. */
function checkCluster({ nodeId, cluster = [], join = [], advertisePeer }: ServerOptions): HostPort {
  if (!Number.isSafeInteger(nodeId) || nodeId < 1) {
    throw new InvalidField("nodeId", nodeId, "it must be a whole number from 1 to 2^53-1");
  }
  if (advertisePeer !== undefined && parseAddress(advertisePeer) === null) {
    throw new InvalidField("advertisePeer", advertisePeer, "it must be host:port, such as 10.0.0.4:7401");
  }
  for (const [at, contact] of join.entries()) checkHostPort(`join[${at}]`, contact);
  if (join.length > 0) {
    if (cluster.length === 0) return defaultAddress(serverDefaults.peer);
    throw new InvalidField(
      "cluster",
      shown(`${cluster.length} nodes`),
      "a node that joins is no founder; leave it out",
    );
  }
  if (cluster.length < 1 || cluster.length > 9) {
    throw new InvalidField(
      "cluster",
      shown(`${cluster.length} nodes`),
      "it must have 1 to 9; 3 or 5 survive a failure",
    );
  }
  const seen = new Set<NodeId>();
  const addresses = new Set<string>();
  for (const founder of cluster) {
    const { nodeId: id, host, port } = founder;
    if (seen.has(id)) throw new InvalidField("cluster", shown(`a list with node ${id} twice`), "give each its own id");
    seen.add(id);
    checkHostPort(`cluster[${id}]`, founder);
    const address = `${host}:${port}`;
    // Port 0 is any that is free.
    if (port !== 0 && addresses.has(address)) {
      throw new InvalidField("cluster", shown(`a list with ${address} twice`), "give each node its own address");
    }
    addresses.add(address);
  }
  const own = cluster.find((founder) => founder.nodeId === nodeId);
  if (own !== undefined) return { host: own.host, port: own.port };
  throw new InvalidField("nodeId", nodeId, `it must be one of the cluster's: ${[...seen].join(", ")}`);
}

function defaultAddress(address: string): HostPort {
  const { hostname: host, port } = new URL(`tcp://${address}`);
  return { host, port: Number(port) };
}

function checkHostPort(field: string, address: HostPort): HostPort {
  if (address.host === "") throw new InvalidField(`${field}.host`, "", "give a host name or an address");
  within(`${field}.port`, address.port, 0, 65_535);
  return address;
}

function within(field: string, value: number, low: number, high: number): number {
  if (Number.isInteger(value) && value >= low && value <= high) return value;
  throw new InvalidField(field, value, `it must be a whole number from ${low} to ${high}`);
}

function checkOrigins(origins: readonly string[]): void {
  for (const origin of origins) {
    if (origin !== "*" && !(URL.canParse(origin) && new URL(origin).origin === origin)) {
      throw new InvalidField("corsOrigins", origin, 'it must be an origin such as "https://shop.example", or "*"');
    }
  }
}

/** Off loopback, calls and votes in plain text are a mistake unless somebody says otherwise (DESIGN §10). */
function checkExposure(options: ResolvedServerOptions): void {
  if (options.insecure === true) return;
  for (const field of ["grpc", "http"] as const) {
    const { host } = options[field];
    if (options.tls !== undefined || isLoopback(host)) continue;
    throw new InvalidField(
      `${field}.host`,
      host,
      "off loopback it needs TLS: give a certificate and key, or say insecure",
    );
  }
  if (options.peerTls !== undefined || isLoopback(options.peer.host)) return;
  const remedy = "off loopback peers need TLS: give a peer certificate, key and authority, or say insecure";
  throw new InvalidField("peer.host", options.peer.host, remedy);
}

/** Whether only this machine reaches the address. */
export function isLoopback(host: string): boolean {
  if (isIPv4(host)) return host.startsWith("127.");
  return isIPv6(host) ? host === "::1" : host === "localhost";
}
