import type { Socket } from "node:net";
import type { NodeId } from "@quorumguard/raft";
import { PeerLink } from "./peer-link.ts";
import { PeerListener } from "./peer-listener.ts";
import type { PeerHandlers, PeerTransport } from "./peer-transport.ts";
import { sendSnapshot } from "./snapshot-connection.ts";
import { type PeerAddress, parseAddress, resolveTcpOptions, type TcpTransportOptions } from "./tcp-options.ts";

/** A {@link PeerTransport} over TCP or mutual TLS, between processes. */
export interface TcpTransport extends PeerTransport {
  /** The port that is listened on, once started. */
  readonly port: number;
}

/**
 * Makes the transport of a node. Each node dials every peer, sends on the connections that it dialled and receives on those that
 * it accepted, so that two nodes never argue about which of two connections counts. A frame is its length (u32, little-endian)
 * and its bytes; an empty one is a ping.
 *
 * A refused redial is taken for the death of the peer's process. Do not put a proxy between peers that refuses connections while
 * the node behind it lives: elections would begin needlessly (they would still be safe).
 * @throws {RangeError} when an option is out of bounds.
 */
export function createTcpTransport(options: TcpTransportOptions): TcpTransport {
  const resolved = resolveTcpOptions(options);
  const links = new Map<NodeId, PeerLink>();
  const contacts: PeerLink[] = [];
  const snapshots = new Set<Socket>();
  let listener: PeerListener | null = null;
  let handlers: PeerHandlers | null = null;
  let port = options.listen.port;
  let isClosed = false;
  const keepUp = (given: PeerHandlers, peer: PeerAddress): void => {
    const link = new PeerLink(resolved, peer, given);
    links.set(peer.nodeId, link);
    link.open();
  };
  return {
    get port() {
      return port;
    },
    async start(given) {
      handlers = given;
      listener = new PeerListener(resolved, given);
      port = await listener.listen();
      if (isClosed) return;
      for (const peer of resolved.peers) if (!links.has(peer.nodeId)) keepUp(given, peer);
      if (links.size > 0) return;
      for (const contact of resolved.contacts) {
        const link = new PeerLink(resolved, { nodeId: 0, ...contact }, given);
        contacts.push(link);
        link.open();
      }
    },
    addPeer(nodeId, address) {
      const known = links.get(nodeId);
      const at = parseAddress(address) ?? known?.peer ?? resolved.peers.find((peer) => peer.nodeId === nodeId);
      if (handlers === null || isClosed || at === undefined || nodeId === resolved.nodeId) return;
      for (const contact of contacts.splice(0)) contact.close();
      if (known !== undefined && known.peer.host === at.host && known.peer.port === at.port) {
        known.hurry();
        return;
      }
      known?.close();
      keepUp(handlers, { nodeId, host: at.host, port: at.port });
    },
    removePeer(nodeId) {
      links.get(nodeId)?.close();
      links.delete(nodeId);
      listener?.drop(nodeId);
    },
    send(to, frame) {
      links.get(to)?.send(frame);
    },
    async sendSnapshot(to, head, source) {
      const given = handlers;
      if (given === null) return false;
      const route = {
        options: resolved,
        peer: () => (isClosed ? undefined : links.get(to)?.peer),
        hello: () => given.hello(),
        track: (socket: Socket) => {
          snapshots.add(socket);
          socket.once("close", () => snapshots.delete(socket));
        },
      };
      return sendSnapshot(route, head, source);
    },
    async close() {
      isClosed = true;
      for (const link of [...links.values(), ...contacts]) link.close();
      for (const socket of snapshots) socket.destroy();
      await listener?.close();
    },
  };
}
