import type { NodeId } from "@quorumguard/raft";
import type { PeerTransport } from "../transport/peer-transport.ts";
import type { Clock } from "./clock.ts";
import type { Members } from "./members.ts";
import type { PeerBoard } from "./peer-board.ts";

/** What connections follow, and what they are made by. */
export interface PeerLinksParts {
  readonly nodeId: NodeId;
  readonly members: Members;
  readonly peers: PeerBoard;
  readonly transport: PeerTransport;
  readonly clock: Clock;
  /** How long a removed member is still talked to, so that it hears of its removal. Milliseconds. */
  readonly graceMs: number;
  /** Called once a former member is let go. */
  readonly dismissed: (nodeId: NodeId) => void;
}

/** Keeps board and transport in step with the members: who is one is listened to and dialled, who is one no more is let go. */
export class PeerLinks {
  readonly #parts: PeerLinksParts;
  readonly #leaving = new Map<NodeId, () => void>();
  #isOpen = false;

  constructor(parts: PeerLinksParts) {
    this.#parts = parts;
    for (const nodeId of parts.members.ids) parts.peers.admit(nodeId);
  }

  /** The transport runs: whoever is known is dialled, and from now on everyone who becomes known. */
  open(): void {
    this.#isOpen = true;
    this.sync();
  }

  close(): void {
    this.#isOpen = false;
    for (const cancel of this.#leaving.values()) cancel();
    this.#leaving.clear();
  }

  /** Members or their addresses have changed. */
  sync(): void {
    const { nodeId, members, peers } = this.#parts;
    for (const member of members.ids) if (member !== nodeId) this.#keep(member);
    for (const peer of peers.peers) if (members.wasRemoved(peer.nodeId)) this.#leave(peer.nodeId);
  }

  /** A node that is welcome, although this node's log does not name it yet. */
  meet(peer: NodeId): void {
    this.#keep(peer);
  }

  /** Dials where somebody may be, who is not to be listened to yet; {@link forget} ends it. */
  look(peer: NodeId, address: string): void {
    if (this.#isOpen) this.#parts.transport.addPeer(peer, address);
  }

  /** Nobody was found. */
  forget(peer: NodeId): void {
    if (this.#isOpen && !this.#parts.members.includes(peer)) this.#parts.transport.removePeer(peer);
  }

  #keep(peer: NodeId): void {
    const { peers, transport, members } = this.#parts;
    this.#leaving.get(peer)?.();
    this.#leaving.delete(peer);
    peers.admit(peer);
    if (this.#isOpen) transport.addPeer(peer, members.addressOf(peer));
  }

  #leave(peer: NodeId): void {
    if (!this.#isOpen || this.#leaving.has(peer)) return;
    const { clock, graceMs, peers, transport, dismissed } = this.#parts;
    const cancel = clock.setTimer(() => {
      this.#leaving.delete(peer);
      peers.dismiss(peer);
      transport.removePeer(peer);
      dismissed(peer);
    }, graceMs);
    this.#leaving.set(peer, cancel);
  }
}
