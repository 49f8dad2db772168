import { type Limiter, restoreLimiter } from "@quorumguard/limiter";
import { createMessage, EntryType, type Message, MessageType, type NodeId, type Snapshot } from "@quorumguard/raft";
import type { Storage } from "../storage/storage.ts";
import type { PeerTransport, SnapshotSink, SnapshotSource } from "../transport/peer-transport.ts";
import type { Clock } from "./clock.ts";
import type { Driver } from "./driver.ts";
import type { HashWatch } from "./hash-watch.ts";
import type { Leadership } from "./leadership.ts";
import type { NodeLog } from "./node-log.ts";
import { type Envelope, encodeMessage } from "./peer-codec.ts";
import { PieceReader, pieceSource } from "./piece-stream.ts";
import type { Snapshots } from "./snapshots.ts";

/** Marks the head of an image that replaces a state without touching the log. */
const resyncContext = new TextEncoder().encode("resync");
/** An odd follower is sent an image no more often than this, in milliseconds. */
const pauseMs = 2_000;
/** Bytes of log replayed onto a received image per tick. */
const replayBytes = 1_048_576;
const noData = new Uint8Array(0);

/** What a re-synchronization works with. */
export interface ResyncParts {
  readonly nodeId: NodeId;
  readonly driver: Driver;
  readonly storage: Storage;
  readonly transport: PeerTransport;
  readonly hashes: HashWatch;
  readonly leadership: Leadership;
  readonly snapshots: Snapshots;
  readonly clock: Clock;
  readonly log: NodeLog;
}

/**
 * What happens when a node's state differs from the majority's (SEMANTICS N5): the leader sends an odd follower its own image, and an
 * odd leader hands over, which makes it an odd follower. The log is sound, only what was made of it is not; so the
 * image replaces the state machine alone, and what the log has beyond it is applied to it again.
 */
export class Resync {
  readonly #parts: ResyncParts;
  readonly #sentMs = new Map<NodeId, number>();
  /** An image that is catching up with what the driver has applied, and the index that it has reached. */
  #incoming: { readonly limiter: Limiter; index: number } | null = null;
  #isReceiving = false;

  constructor(parts: ResyncParts) {
    this.#parts = parts;
  }

  /** A peer's envelope carries its newest checkpoint. Only a leader hears of all, so only a leader judges. */
  heard(from: NodeId, envelope: Envelope): void {
    const { driver, hashes, leadership, nodeId, log } = this.#parts;
    if (driver.role.state !== "leader") return;
    const verdict = hashes.heard(from, envelope.hashIndex, envelope.hash);
    if (verdict.kind !== "odd") return;
    log("error", "state-hash-differs", { index: verdict.index, odd: verdict.nodes });
    if (verdict.nodes.includes(nodeId)) leadership.handOver();
    else for (const odd of verdict.nodes) this.#send(odd);
  }

  /** Whether a snapshot message offers an image of this kind. */
  static isOffer(message: Message): boolean {
    const { context } = message;
    return context?.length === resyncContext.length && context.every((byte, i) => byte === resyncContext[i]);
  }

  receive(from: NodeId, snapshot: Snapshot): SnapshotSink | null {
    const { driver, log } = this.#parts;
    if (this.#isReceiving || this.#incoming !== null || from !== driver.role.leader) return null;
    this.#isReceiving = true;
    const restore = restoreLimiter();
    const reader = new PieceReader((piece) => restore.write(piece));
    log("error", "state-replaced-by-leader", { from, index: snapshot.index });
    return {
      write: async (bytes) => reader.push(bytes),
      finish: async () => {
        this.#isReceiving = false;
        this.#incoming = { limiter: restore.finish(), index: snapshot.index };
        driver.wake();
        return true;
      },
      abort: () => {
        this.#isReceiving = false;
      },
    };
  }

  /** Asked once per tick, within a turn: nothing is being applied meanwhile. */
  ticked(): void {
    const incoming = this.#incoming;
    const { driver, storage, snapshots, log } = this.#parts;
    if (incoming === null || driver.restoring || driver.appliedIndex < incoming.index) return;
    if (incoming.index < driver.appliedIndex) {
      const entries = storage.entries(incoming.index + 1, driver.appliedIndex + 1, replayBytes);
      if (typeof entries === "string") {
        log("warn", "resync-overtaken", { index: incoming.index, reason: entries });
        this.#incoming = null;
        return;
      }
      for (const { type, index, data } of entries) {
        if (type === EntryType.normal && data.length > 0) incoming.limiter.apply(index, data);
        incoming.index = index;
      }
    }
    if (incoming.index < driver.appliedIndex) return;
    this.#incoming = null;
    driver.replaceLimiter(incoming.limiter);
    log("info", "resynced", { index: incoming.index });
    // What this node's disk holds may be where the odd state came from.
    snapshots.cut().catch((error: unknown) => log("warn", "no-snapshot-after-resync", { error: String(error) }));
  }

  #send(to: NodeId): void {
    const { clock, log } = this.#parts;
    const nowMs = clock.monotonicMs();
    if (nowMs - (this.#sentMs.get(to) ?? Number.NEGATIVE_INFINITY) < pauseMs) return;
    this.#sentMs.set(to, nowMs);
    this.#sendImage(to).then(
      (ok) => log("info", "resync-sent", { to, ok }),
      (error: unknown) => log("warn", "resync-not-sent", { to, error: String(error) }),
    );
  }

  async #sendImage(to: NodeId): Promise<boolean> {
    const { nodeId, driver, storage, transport, snapshots } = this.#parts;
    await snapshots.cut();
    const reader = await storage.openSnapshot();
    if (reader === null) return false;
    try {
      const source: SnapshotSource = await pieceSource(() => reader.pieces());
      const head: Message = {
        ...createMessage(MessageType.snap, to),
        from: nodeId,
        term: driver.raft.term,
        context: resyncContext,
        snapshot: { ...reader.meta, data: noData },
      };
      return await transport.sendSnapshot(to, encodeMessage(head), source);
    } finally {
      await reader.close();
    }
  }
}
