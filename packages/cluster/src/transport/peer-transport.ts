import type { NodeId } from "@quorumguard/raft";
import type { ImageOffer } from "./snapshot-frames.ts";

/**
 * Frames between nodes: length-prefixed bytes, in order per connection, lost with it. What they mean is the node's
 * business; the transport knows only who is at the other end. Snapshots have connections of their own, so that
 * heartbeats never queue behind them.
 */
export interface PeerTransport {
  /** Listens, and keeps a connection to every peer that it knows of. */
  start(handlers: PeerHandlers): Promise<void>;
  /**
   * Keeps a connection to this peer from now on, in place of one to another address. How an address reads is the transport's
   * business; empty: where it knows the peer to be. Told again of a peer that it cannot reach, it tries at once.
   */
  addPeer(peer: NodeId, address: string): void;
  /** Ends the connections to and from this peer, and dials it no more. If it dials, its hello is asked about as ever. */
  removePeer(peer: NodeId): void;
  /**
   * Sends a frame, or drops it if the peer is down or too far behind; Raft sends again. Frames of one turn share one
   * write.
   */
  send(to: NodeId, frame: Uint8Array): void;
  /** Sends a snapshot. Resolves with whether the peer said that it has it whole. */
  sendSnapshot(to: NodeId, head: Uint8Array, source: SnapshotSource): Promise<boolean>;
  /** Ends all connections; nothing is sent or handed over from then on. */
  close(): Promise<void>;
}

/** The bytes of a snapshot, read from front to back; with a tag, from anywhere. */
export interface SnapshotSource {
  /** Their number. */
  readonly bytes: number;
  /** Up to 255 bytes that are equal only if all of the snapshot is. With it, a broken transfer is gone on with. */
  readonly tag?: Uint8Array;
  /** Reads `length` bytes from `position`. */
  read(position: number, length: number): Promise<Uint8Array>;
}

/** Where a received snapshot goes, piece by piece. */
export interface SnapshotSink {
  /** How many bytes an earlier attempt has left: the next piece begins there. Default 0. */
  readonly position?: number;
  /** Takes the next piece. */
  write(piece: Uint8Array): Promise<void>;
  /** All is there. Resolves with whether it was taken. */
  finish(): Promise<boolean>;
  /** Nothing more comes: what was written is dropped. */
  abort(): void;
  /** The connection broke: what was written may be kept for another attempt. Without it, {@link abort} is called. */
  suspend?(): void;
}

/** What a node says to its peers, and what it does about what they say; called by the transport. */
export interface PeerHandlers {
  /** What to say first on every new connection; asked anew each time. */
  hello(): Uint8Array;
  /** A peer said hello. Returns why it is not welcome (the connection is then closed with that reason), or null. */
  onHello(from: NodeId, hello: Uint8Array): string | null;
  /**
   * Takes a frame, which is the handler's to keep. Throws when it is garbage: the connection is then closed with that
   * reason.
   */
  onFrame(from: NodeId, frame: Uint8Array): void;
  /**
   * The connection to a peer is gone. `refused`: an immediate redial was refused, which proves that its process is dead
   * (a killed process also closes idle sockets; only the redial proves it).
   */
  onDown(peer: NodeId, refused: boolean): void;
  /** A peer turned our hello away, with this reason. It will be asked again. `peer` is 0 for a contact whose id is not known. */
  onRefused(peer: NodeId, reason: string): void;
  /** A snapshot begins. Null: not wanted. Of an image that comes with a tag, the sink may hold a part already. */
  onSnapshot(from: NodeId, head: Uint8Array, image?: ImageOffer): Promise<SnapshotSink | null>;
}
