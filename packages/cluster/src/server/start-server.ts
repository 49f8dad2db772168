import { randomBytes } from "node:crypto";
import { hostname } from "node:os";
import type { NodeId } from "@quorumguard/raft";
import type { Clock } from "../node/clock.ts";
import { createNode } from "../node/create-node.ts";
import type { ClusterNode, NodeHandle } from "../node/node.ts";
import { createSystemClock } from "../node/system-clock.ts";
import type { FileSystem } from "../storage/file-system.ts";
import { openNodeFileSystem } from "../storage/node-file-system.ts";
import { formatAddress } from "../transport/tcp-options.ts";
import { createTcpTransport } from "../transport/tcp-transport.ts";
import { AddressBook, type ClientAddresses, checkAddresses, exchangeAddresses } from "./address-exchange.ts";
import { createAdminHandlers } from "./admin-handlers.ts";
import { answerAdmin } from "./admin-questions.ts";
import { createClusterHandlers } from "./cluster-handlers.ts";
import { type GrpcListener, startGrpcServer } from "./grpc-server.ts";
import { type HttpListener, startHttpServer } from "./http-server.ts";
import { isListenError, listenError } from "./listen-error.ts";
import { createNodeMetrics, type NodeMetrics } from "./metrics.ts";
import { createPolicyHandlers } from "./policy-handlers.ts";
import {
  type HostPort,
  type ResolvedServerOptions,
  resolveServerOptions,
  type ServerOptions,
} from "./server-options.ts";
import { folderError } from "./start-error.ts";
import type { AccessGate } from "./tokens/access-gate.ts";
import type { OpenAccess } from "./tokens/open-access.ts";
import { createScopedAdmin } from "./tokens/scoped-admin.ts";
import { createScopedGuard } from "./tokens/scoped-guard.ts";
import { Sampler } from "./top-keys/sampler.ts";
import { TopKeys } from "./top-keys/top-keys.ts";
import { watchDecisions } from "./top-keys/watch-decisions.ts";
import { createGuardHandlers } from "./unary-handlers.ts";
import { version } from "./version.ts";

/** A node that runs with its three listeners, until it is stopped or its storage fails. */
export interface RunningServer {
  /** What to ask and tell the node itself. */
  readonly node: NodeHandle;
  /** The port that the gRPC listener is bound to. */
  readonly grpcPort: number;
  /** The port that the HTTP listener is bound to. */
  readonly httpPort: number;
  /** The port that the listener for other nodes is bound to. */
  readonly peerPort: number;
  /** Where clients reach it. */
  readonly addresses: ClientAddresses;
  /** Hands over, tells sessions to move, finishes what is in flight, closes. Any number of times. */
  stop(): Promise<void>;
  /** Resolves if the node had to stop by itself, with the reason: storage failed, or the folder is another node's. */
  readonly failed: Promise<Error>;
  /** Resolves if the node was removed from its cluster. It takes no part any more; to stop it is left to its owner. */
  readonly removed: Promise<void>;
}

/** A server for who runs nodes as a test does: with all of the node, and an end without any farewell. */
export interface OwnedServer extends RunningServer {
  readonly node: ClusterNode;
  /** Closes everything at once, as if the process had ended: nothing is handed over, and calls in flight break off. */
  abort(): Promise<void>;
}

/** Decisions that the sketch of top keys looks at; of more, a sample. Each costs about a microsecond. */
const watchedPerSecond = 10_000;

/** How long connections may linger after the node has drained, in milliseconds. */
const closeGraceMs = 250;

/**
 * Starts a node and its listeners. Resolves once all ports listen and the log is recovered; the cluster may still be
 * forming, which `/readyz` and the health service tell.
 *
 * @throws {InvalidField} when an option is out of bounds.
 * @throws {StartError} when a port or the data folder cannot be had; it names the option and what to do.
 * @throws {StorageError} when the data folder is damaged, another node's, or in use.
 */
export function startServer(options: ServerOptions): Promise<RunningServer> {
  return startOwnedServer(options, createSystemClock());
}

/** Starts what {@link startServer} starts, on a clock that is handed in. */
export async function startOwnedServer(options: ServerOptions, clock: Clock): Promise<OwnedServer> {
  const resolved = resolveServerOptions(options);
  const closers: (() => Promise<void>)[] = [];
  try {
    return await start(resolved, clock, closers);
  } catch (error) {
    for (const close of closers.reverse()) await close().catch(() => {});
    throw error;
  }
}

async function start(
  options: ResolvedServerOptions,
  clock: Clock,
  closers: (() => Promise<void>)[],
): Promise<OwnedServer> {
  const { files, close: closeFiles } = await openFiles(options);
  closers.push(closeFiles);
  let onFatal = (_error: Error) => {};
  const failed = new Promise<Error>((resolve) => {
    onFatal = resolve;
  });
  let onRemoved = () => {};
  const removed = new Promise<void>((resolve) => {
    onRemoved = resolve;
  });
  const addresses: { own: ClientAddresses } = { own: { grpcEndpoint: "", httpUrl: "" } };
  const book = new AddressBook();
  const { node, peerPort } = createServedNode(options, { files, clock }, book, () => addresses.own, {
    onFatal,
    onRemoved,
  });
  const metrics = createNodeMetrics(node, { process: options.processMetrics });
  const access = await openAccess(options, clock, metrics);
  closers.push(async () => access?.close());
  const listeners = await startListeners(options, node, { metrics, access: access?.gate ?? null }, closers);
  addresses.own = ownAddresses(options, listeners);
  book.learn(options.nodeId, addresses.own);
  closers.push(() => node.stop());
  await startNode(node, options.peer);
  const unwatch = watchServing(node, listeners);
  const followed = await followPolicies(options, node);
  closers.push(async () => followed?.close());
  let stopping: Promise<void> | null = null;
  failed.then((error) => {
    options.log("error", "fatal", { error: error.message });
    setServing(listeners, false);
  });
  return {
    node,
    grpcPort: listeners.grpc.port,
    httpPort: listeners.http.port,
    peerPort: peerPort(),
    addresses: addresses.own,
    failed,
    removed,
    stop() {
      unwatch();
      stopping ??= closeAll([followed, access]).then(() => stop(options, node, listeners, closeFiles));
      return stopping;
    },
    async abort() {
      unwatch();
      stopping ??= Promise.resolve();
      const { grpc, http } = listeners;
      const ends = [closeAll([followed, access]), grpc.close(0), http.close(0), node.stop().then(closeFiles)];
      for (const end of await Promise.allSettled(ends)) if (end.status === "rejected") throw end.reason;
    },
  };
}

/**
 * Null: everybody may do everything. What verifies tokens is loaded only where there are keys, so that other nodes start sooner.
 */
async function openAccess(
  options: ResolvedServerOptions,
  clock: Clock,
  metrics: NodeMetrics,
): Promise<OpenAccess | null> {
  const { tokenKeys } = options;
  if (tokenKeys === undefined) return null;
  const tokens = await import("./tokens/open-access.ts");
  return tokens.openAccess(tokenKeys, options, clock, metrics.refusedToken);
}

/** The same for policies in a file. */
async function followPolicies({ policyFile, log }: ResolvedServerOptions, node: ClusterNode): Promise<Closing | null> {
  if (policyFile === undefined) return null;
  const policies = await import("./policy-files/follow-policy-file.ts");
  return policies.followPolicyFile({ file: policyFile, node, log });
}

interface Closing {
  close(): Promise<void>;
}

/** What follows files ends first: nothing new is to come into force while the node stops. */
async function closeAll(followers: readonly (Closing | null)[]): Promise<void> {
  await Promise.all(followers.map((follower) => follower?.close()));
}

interface Listeners {
  readonly grpc: GrpcListener;
  readonly http: HttpListener;
}

async function openFiles(
  options: ResolvedServerOptions,
): Promise<{ readonly files: FileSystem; readonly close: () => Promise<void> }> {
  // What was handed in belongs to who handed it in.
  if (options.files !== undefined) return { files: options.files, close: async () => {} };
  const root = options.dataFolder ?? "";
  const files = await openNodeFileSystem({ root }).catch((error: unknown) => {
    throw folderError(root, error);
  });
  return { files, close: () => files.close() };
}

function createServedNode(
  options: ResolvedServerOptions,
  { files, clock }: { readonly files: FileSystem; readonly clock: Clock },
  book: AddressBook,
  own: () => ClientAddresses,
  endings: { readonly onFatal: (error: Error) => void; readonly onRemoved: () => void },
): { node: ClusterNode; peerPort: () => number } {
  const transport = createTcpTransport({
    nodeId: options.nodeId,
    listen: options.peer,
    // Whom to dial is the node's to say: founders may be gone, and others have come.
    peers: [],
    contacts: options.join,
    clock,
    log: options.log,
    ...(options.peerTls === undefined ? {} : { tls: options.peerTls }),
  });
  const addressIn = (nodeId: NodeId): string => {
    const founder = options.cluster.find((candidate) => candidate.nodeId === nodeId);
    return founder === undefined ? "" : formatAddress(founder);
  };
  const nowMs = () => performance.now();
  const topKeys = new TopKeys({ nowMs });
  const sampler = new Sampler({ nowMs, random: Math.random, itemsPerSecond: watchedPerSecond });
  const node = createNode({
    ...options.node,
    watch: watchDecisions(topKeys, sampler),
    answer: (question, limiter, stampUs) =>
      answerAdmin({ nodeId: options.nodeId, topKeys }, question, limiter, stampUs),
    nodeId: options.nodeId,
    repairDamage: options.repair ?? false,
    ...(options.join.length > 0
      ? { join: true }
      : { founders: book.members(options.cluster.map((founder) => founder.nodeId)) }),
    clientAddressOf: (nodeId) => book.addressesOf(nodeId),
    peerAddress: () => options.advertisePeer ?? (addressIn(options.nodeId) || reachable(options.peer, transport.port)),
    peerAddressOf: addressIn,
    files,
    transport: exchangeAddresses(transport, book, own),
    clock,
    random: Math.random,
    randomBytes,
    log: options.log,
    ...endings,
    ...(options.bounds === undefined ? {} : { bounds: options.bounds }),
  });
  return { node, peerPort: () => transport.port };
}

async function startListeners(
  options: ResolvedServerOptions,
  node: ClusterNode,
  { metrics, access }: { readonly metrics: NodeMetrics; readonly access: AccessGate | null },
  closers: (() => Promise<void>)[],
): Promise<Listeners> {
  const { log, maxStreams, maxConnections, corsOrigins } = options;
  const measured = { meter: metrics.meter, monotonicMs: () => performance.now() };
  const handlers = createGuardHandlers(node, measured);
  const guard = access === null ? handlers : createScopedGuard(handlers, access);
  const cluster = createClusterHandlers(node, version);
  const scoped = <H extends object>(all: H) => createScopedAdmin(all, access === null ? () => {} : access.refused);
  const policies = scoped(createPolicyHandlers(node));
  const admin = scoped(createAdminHandlers(node));
  const session = {
    ...measured,
    ...(options.bounds?.sessionTtlUs === undefined
      ? {}
      : { sessionTtlMs: Math.ceil(options.bounds.sessionTtlUs / 1_000) }),
    ...(options.bounds?.maxResultsPerSession === undefined ? {} : { maxResults: options.bounds.maxResultsPerSession }),
  };
  const tls = options.tls ?? null;
  const grpc = await startGrpcServer({
    node,
    guard,
    cluster,
    policies,
    admin,
    session,
    log,
    access,
    maxStreams,
    maxConnections,
    tls,
    ...options.grpc,
  });
  closers.push(() => grpc.close(0));
  const http = await startHttpServer({
    node,
    guard,
    cluster,
    policies,
    admin,
    metrics,
    log,
    access,
    corsOrigins,
    maxConnections,
    tls,
    ...options.http,
  });
  closers.push(() => http.close(0));
  return { grpc, http };
}

async function startNode(node: ClusterNode, { host, port }: HostPort): Promise<void> {
  try {
    await node.start();
  } catch (error) {
    throw isListenError(error) ? listenError("peers", `${host}:${port}`, error) : error;
  }
}

/** Health follows the node: it serves while it knows a leader. */
function watchServing(node: ClusterNode, listeners: Listeners): () => void {
  const show = () => setServing(listeners, node.topology().leaderId !== 0);
  show();
  return node.onTopology(show);
}

function setServing({ grpc, http }: Listeners, serving: boolean): void {
  grpc.setServing(serving);
  http.setServing(serving);
}

async function stop(
  { log, drainTimeoutMs }: ResolvedServerOptions,
  node: ClusterNode,
  listeners: Listeners,
  closeFiles: () => Promise<void>,
): Promise<void> {
  log("info", "draining", {});
  setServing(listeners, false);
  listeners.grpc.drain();
  await node.drain(drainTimeoutMs);
  await Promise.all([listeners.grpc.close(closeGraceMs), listeners.http.close(closeGraceMs)]);
  await node.stop();
  await closeFiles();
  log("info", "stopped", {});
}

function ownAddresses(options: ResolvedServerOptions, { grpc, http }: Listeners): ClientAddresses {
  const scheme = options.tls === undefined ? "http" : "https";
  const addresses = {
    grpcEndpoint: options.advertiseGrpc ?? reachable(options.grpc, grpc.port),
    httpUrl: options.advertiseHttp ?? `${scheme}://${reachable(options.http, http.port)}`,
  };
  checkAddresses(addresses);
  return addresses;
}

/** Nobody can connect to "all addresses": the machine's name is the best guess then. */
function reachable({ host }: HostPort, port: number): string {
  return formatAddress({ host: host === "0.0.0.0" || host === "::" ? hostname() : host, port });
}
