import type { NodeId } from "@quorumguard/raft";
import type { PeerHandlers, PeerTransport, SnapshotSource } from "../transport/peer-transport.ts";

/** Peers of one process that hand frames to each other in order, each in a macrotask of its own, with cuts at will. */
export interface MemoryNetwork {
  endpoint(nodeId: NodeId): PeerTransport;
  /** Nothing passes between the two from now on; both are told. */
  cut(a: NodeId, b: NodeId): void;
  heal(a: NodeId, b: NodeId): void;
}

/** Who was turned away asks again after so long. Milliseconds. */
const redialMs = 30;

interface Endpoint {
  readonly nodeId: NodeId;
  handlers: PeerHandlers | null;
}

export function createMemoryNetwork(): MemoryNetwork {
  const endpoints = new Map<NodeId, Endpoint>();
  const cuts = new Set<string>();
  /** Links that are being dialled, or will be dialled again. */
  const dials = new Set<string>();
  /** Hellos that were welcome, as "from>to". */
  const accepted = new Set<string>();
  const link = (a: NodeId, b: NodeId): string => (a < b ? `${a}-${b}` : `${b}-${a}`);
  const open = (a: NodeId, b: NodeId): boolean => !cuts.has(link(a, b)) && endpoints.get(b)?.handlers != null;

  /** Both ends dial: each says hello to the other. Whoever is turned away asks again. */
  const connect = (a: Endpoint, b: Endpoint): void => {
    if (a.handlers === null || b.handlers === null || cuts.has(link(a.nodeId, b.nodeId))) return;
    const key = link(a.nodeId, b.nodeId);
    dials.add(key);
    const welcome = [greet(a, b), greet(b, a)].every(Boolean);
    if (welcome) dials.delete(key);
    else setTimeout(() => redial(a, b), redialMs).unref();
  };

  const greet = (from: Endpoint, to: Endpoint): boolean => {
    if (from.handlers === null || to.handlers === null) return true;
    const refusal = to.handlers.onHello(from.nodeId, from.handlers.hello());
    if (refusal === null) accepted.add(`${from.nodeId}>${to.nodeId}`);
    else from.handlers.onRefused(to.nodeId, refusal);
    return refusal === null;
  };

  const redial = (a: Endpoint, b: Endpoint): void => {
    dials.delete(link(a.nodeId, b.nodeId));
    if (endpoints.get(a.nodeId) === a && endpoints.get(b.nodeId) === b) connect(a, b);
  };

  const forget = (a: NodeId, b: NodeId): void => {
    accepted.delete(`${a}>${b}`);
    accepted.delete(`${b}>${a}`);
  };

  /** As a dial takes its time, so does this: never within the call that asked for it. */
  const connectSoon = (a: Endpoint, to: NodeId): void => {
    const b = endpoints.get(to);
    if (b === undefined || dials.has(link(a.nodeId, to))) return;
    if (accepted.has(`${a.nodeId}>${to}`) && accepted.has(`${to}>${a.nodeId}`)) return;
    dials.add(link(a.nodeId, to));
    setImmediate(() => redial(a, b));
  };

  const endpoint = (nodeId: NodeId): PeerTransport => {
    const self: Endpoint = { nodeId, handlers: null };
    return {
      async start(handlers) {
        endpoints.set(nodeId, self);
        self.handlers = handlers;
        for (const peer of endpoints.values()) if (peer !== self) connect(self, peer);
      },
      addPeer: (peer) => connectSoon(self, peer),
      removePeer(peer) {
        const other = endpoints.get(peer);
        if (other === undefined || !accepted.has(`${peer}>${nodeId}`)) return;
        forget(nodeId, peer);
        setImmediate(() => {
          other.handlers?.onDown(nodeId, false);
          connectSoon(other, nodeId);
        });
      },
      send(to, frame) {
        if (self.handlers === null || !open(nodeId, to)) return;
        setImmediate(() => {
          if (self.handlers !== null && open(nodeId, to)) endpoints.get(to)!.handlers?.onFrame(nodeId, frame);
        });
      },
      sendSnapshot: (to, head, source) => sendSnapshot(nodeId, endpoints.get(to), head, source),
      async close() {
        if (self.handlers === null) return;
        self.handlers = null;
        for (const peer of endpoints.keys()) forget(nodeId, peer);
        // A closed listener refuses the redial, which proves the death.
        for (const peer of endpoints.values()) {
          if (peer !== self && !cuts.has(link(nodeId, peer.nodeId))) peer.handlers?.onDown(nodeId, true);
        }
      },
    };
  };
  return {
    endpoint,
    cut(a, b) {
      cuts.add(link(a, b));
      forget(a, b);
      endpoints.get(a)?.handlers?.onDown(b, false);
      endpoints.get(b)?.handlers?.onDown(a, false);
    },
    heal(a, b) {
      cuts.delete(link(a, b));
      const [one, other] = [endpoints.get(a), endpoints.get(b)];
      if (one !== undefined && other !== undefined) connect(one, other);
    },
  };
}

async function sendSnapshot(
  from: NodeId,
  to: Endpoint | undefined,
  head: Uint8Array,
  source: SnapshotSource,
): Promise<boolean> {
  const sink = (await to?.handlers?.onSnapshot(from, head)) ?? null;
  if (sink === null) return false;
  const chunk = 4_096;
  for (let at = 0; at < source.bytes; at += chunk) {
    await sink.write(await source.read(at, Math.min(chunk, source.bytes - at)));
  }
  return sink.finish();
}
