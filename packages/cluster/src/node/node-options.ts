import type { Bounds, CallBatch, CallOrigin, Limiter } from "@quorumguard/limiter";
import type { NodeId } from "@quorumguard/raft";
import type { FileSystem } from "../storage/file-system.ts";
import type { PeerTransport } from "../transport/peer-transport.ts";
import { wholeNumber } from "../whole-number.ts";
import type { Clock } from "./clock.ts";
import type { CallSink, Member } from "./node.ts";
import type { NodeLog } from "./node-log.ts";
import type { ClientAddressOf } from "./topology-board.ts";

/** What a node needs to run. Everything it could reach by itself, from the clock to the disk, is handed in. */
export interface NodeOptions extends NodeTimings, NodeLimits {
  readonly nodeId: NodeId;
  /** The members that found the cluster together, this one included: the same list on every node. Absent if it joins. */
  readonly founders?: readonly Member[];
  /** A newcomer to a cluster that has formed: its id was never a member's, and its folder is empty. Default false. */
  readonly join?: boolean;
  /** Where this node's peers reach it, in the form of the transport, once that runs. Default empty: the transport knows. */
  readonly peerAddress?: () => string;
  /** Where this node reaches a peer, whatever address that peer is known by; empty: nothing special. */
  readonly peerAddressOf?: (nodeId: NodeId) => string;
  /** Where clients reach a member. Default: as `founders` say. */
  readonly clientAddressOf?: ClientAddressOf;
  readonly files: FileSystem;
  readonly transport: PeerTransport;
  readonly clock: Clock;
  /** A number in [0, 1). Elections draw their timeouts from it: seeds must differ between nodes. */
  readonly random: () => number;
  /** For nonces and identities: from a cryptographic source, except in simulations. */
  readonly randomBytes: (length: number) => Uint8Array;
  /** Replicated limits that this node proposes when it begins to lead; what is absent stays as it is. */
  readonly bounds?: Partial<Bounds>;
  /**
   * Start with a folder whose acknowledged data is damaged: what is sound is kept, and the other nodes repair the rest before this
   * one votes. Default false: the start fails and names the file.
   */
  readonly repairDamage?: boolean;
  readonly log?: NodeLog;
  /** Answers what {@link ClusterNode.ask} was asked, while this node leads. Default: with nothing. */
  readonly answer?: (question: Uint8Array, limiter: Limiter, stampUs: number) => Uint8Array;
  /**
   * Shown every batch that this node, as the leader, is about to decide, with whom to tell; returns who is told instead. The
   * columns are only valid during the call. Default: nobody looks.
   */
  readonly watch?: (limiter: Limiter, origin: CallOrigin, batch: CallBatch, sink: CallSink) => CallSink;
  /** The node cannot go on (storage failed, wrong disk, formats it does not know) and has stopped speaking. */
  readonly onFatal: (error: Error) => void;
  /** The cluster goes on without this node, which has stopped taking part; it only answers who asks that this is so. */
  readonly onRemoved?: () => void;
}

/** Intervals in milliseconds. They should agree on all nodes, but safety does not depend on it. */
export interface NodeTimings {
  /** One tick, the unit that the other two are counted in: 1 to 1,000 milliseconds. Default 10. */
  readonly tickMs?: number;
  /** Between heartbeats of an idle leader: `tickMs` to 60,000 milliseconds, rounded to whole ticks. Default 30. */
  readonly heartbeatMs?: number;
  /**
   * Silence after which a follower campaigns, drawn anew each time from [n, 2n): three heartbeats to 600,000
   * milliseconds, rounded to whole ticks. Default 150, as in §9.3 of the Raft thesis.
   */
  readonly electionMs?: number;
}

/** Bounds of what this node holds in memory or writes at once. They may differ between nodes. */
export interface NodeLimits {
  /** Items in one log entry, 1,024 to 1,048,576. Default 16,384. */
  readonly maxEntryItems?: number;
  /** Bytes of one log entry, 64 KiB to 16 MiB. Default 1 MiB. */
  readonly maxEntryBytes?: number;
  /**
   * Items proposed or forwarded and not yet decided, 1 to 16,777,216; more are refused as overloaded. Default 262,144.
   */
  readonly maxPendingItems?: number;
  /**
   * Bytes of memory that the log may take, or twice those of the last snapshot if that is more, before another is cut: 1 KiB
   * to 1 TiB. Default 32 MiB.
   */
  readonly snapshotLogBytes?: number;
  /**
   * Entries kept behind a snapshot for followers that are a little late, 0 to 10,000,000, but no more of them than half of
   * `snapshotLogBytes` hold, or as many bytes as the snapshot has. Default 10,000.
   */
  readonly trailingEntries?: number;
  /** Bytes of one file of the log, 64 KiB to 1 GiB, rounded down to a multiple of 512. Default 16 MiB. */
  readonly segmentBytes?: number;
  /** How long a forwarded call without a deadline may wait for the leader, 1 to 600,000 milliseconds. Default 5,000. */
  readonly forwardTimeoutMs?: number;
}

/** {@link NodeOptions} with every default filled in and every bound checked. */
export interface ResolvedNodeOptions extends Omit<NodeOptions, keyof NodeTimings>, Required<NodeTimings> {
  readonly maxEntryItems: number;
  readonly maxEntryBytes: number;
  readonly maxPendingItems: number;
  readonly snapshotLogBytes: number;
  readonly trailingEntries: number;
  readonly forwardTimeoutMs: number;
  readonly repairDamage: boolean;
  readonly log: NodeLog;
  readonly answer: NonNullable<NodeOptions["answer"]>;
  readonly watch: NonNullable<NodeOptions["watch"]>;
  readonly join: boolean;
  readonly peerAddress: () => string;
  readonly peerAddressOf: (nodeId: NodeId) => string;
  readonly clientAddressOf: ClientAddressOf;
  readonly onRemoved: () => void;
  readonly heartbeatTicks: number;
  readonly electionTicks: number;
  /** Founders' ids, ascending; none if this node joins. */
  readonly founderIds: readonly NodeId[];
}

/** Fills in every default and checks every bound. @throws {RangeError} naming the field, its value and its bound. */
export function resolveNodeOptions(options: NodeOptions): ResolvedNodeOptions {
  const tickMs = wholeNumber("tickMs", options.tickMs ?? 10, 1, 1_000);
  const heartbeatMs = wholeNumber("heartbeatMs", options.heartbeatMs ?? 30, tickMs, 60_000);
  const electionMs = wholeNumber("electionMs", options.electionMs ?? 150, 3 * heartbeatMs, 600_000);
  const { nodeId, founders = [], join = false } = options;
  const founderIds = founders.map((member) => member.nodeId).sort((a, b) => a - b);
  wholeNumber("nodeId", nodeId, 1, Number.MAX_SAFE_INTEGER);
  if (join ? founderIds.length > 0 : founderIds.length === 0 || founderIds.length > 9) {
    const bound = join ? "a node that joins is no founder" : "1 to 9 are allowed";
    throw new RangeError(`founders: ${founderIds.length} given, ${bound}`);
  }
  for (const [i, id] of founderIds.entries()) {
    wholeNumber("founders[].nodeId", id, 1, Number.MAX_SAFE_INTEGER);
    if (founderIds[i - 1] === id) throw new RangeError(`founders: node id ${id} is given twice`);
  }
  if (!join && !founderIds.includes(nodeId)) {
    throw new RangeError(`nodeId: ${nodeId} is not among the founders ${founderIds.join(", ")}`);
  }
  return {
    ...options,
    tickMs,
    heartbeatMs,
    electionMs,
    heartbeatTicks: Math.max(1, Math.round(heartbeatMs / tickMs)),
    electionTicks: Math.max(3, Math.round(electionMs / tickMs)),
    founderIds,
    maxEntryItems: wholeNumber("maxEntryItems", options.maxEntryItems ?? 16_384, 1_024, 1_048_576),
    maxEntryBytes: wholeNumber("maxEntryBytes", options.maxEntryBytes ?? 1_048_576, 65_536, 16_777_216),
    maxPendingItems: wholeNumber("maxPendingItems", options.maxPendingItems ?? 262_144, 1, 16_777_216),
    snapshotLogBytes: wholeNumber("snapshotLogBytes", options.snapshotLogBytes ?? 33_554_432, 1_024, 2 ** 40),
    trailingEntries: wholeNumber("trailingEntries", options.trailingEntries ?? 10_000, 0, 10_000_000),
    forwardTimeoutMs: wholeNumber("forwardTimeoutMs", options.forwardTimeoutMs ?? 5_000, 1, 600_000),
    repairDamage: options.repairDamage ?? false,
    log: options.log ?? (() => {}),
    answer: options.answer ?? (() => new Uint8Array(0)),
    watch: options.watch ?? ((_limiter, _origin, _batch, sink) => sink),
    join,
    peerAddress: options.peerAddress ?? (() => ""),
    peerAddressOf: options.peerAddressOf ?? (() => ""),
    clientAddressOf: options.clientAddressOf ?? clientAddresses(founders),
    onRemoved: options.onRemoved ?? (() => {}),
  };
}

function clientAddresses(founders: readonly Member[]): ClientAddressOf {
  const unknown = { grpcEndpoint: "", httpUrl: "" };
  return (nodeId) => founders.find((founder) => founder.nodeId === nodeId) ?? unknown;
}
