import type { PeerHandlers, PeerTransport, SnapshotSource } from "../production.ts";
import type { Process } from "../world/process.ts";
import type { Random } from "../world/random.ts";
import { createRepeatedNotes } from "../world/repeated-notes.ts";
import type { World } from "../world/world.ts";
import { type Channel, createChannel } from "./channel.ts";
import type { Links } from "./links.ts";
import { sendSnapshotAcross } from "./snapshot-copy.ts";

/** How a process ends, as its peers see it: a killed one's sockets close, a vanished machine says nothing. */
export type DeathKind = "killed" | "vanished";

/** The connections between nodes, with the faults that a real network has. */
export interface PeerNetwork {
  /** The transport of one life of a node. */
  transport(nodeId: number, machine: string, process: Process, newer?: () => boolean): PeerTransport;
  /** To be called when a process is gone, however it went. */
  died(nodeId: number, kind: DeathKind): void;
  /** Breaks the connection between two nodes; both dial again. */
  breakConnection(one: number, other: number): void;
}

/** What a peer network must know about frames, and whom it tells. */
export interface PeerNetworkOptions {
  /** Whether a frame carries Raft messages only: those may come twice or out of order, others keep the contract of a connection. */
  readonly isRaftFrame: (frame: Uint8Array) => boolean;
  /** Told of every frame that is sent, before anything happens to it. */
  readonly tap: (from: number, to: number, frame: Uint8Array) => void;
  /** Told of every frame that arrives, before the node is. */
  readonly received: (from: number, to: number, frame: Uint8Array) => void;
  /** A node has taken a snapshot that came over the network. */
  readonly installed: (to: number) => void;
  /** Counts what was done to frames. */
  readonly count: (fault: "loss" | "duplicate" | "reorder") => void;
  /** Bytes of a snapshot that travel at once. */
  readonly pieceBytes: number;
  /** A node refused what a release of the future said to it. */
  readonly refusedNewer: () => void;
  /** A snapshot is on its way, or no longer. */
  readonly copying: (from: number, to: number, going: boolean) => void;
}

interface Endpoint {
  readonly nodeId: number;
  readonly machine: string;
  readonly process: Process;
  readonly handlers: PeerHandlers;
  /** Whether it speaks a version of the future. */
  readonly newer: () => boolean;
  listening: boolean;
}

/** The first frame on a connection has its version at 4, every other one at 1. */
const helloVersionAt = 4;
const frameVersionAt = 1;

/** The same bytes from a release of the future. */
function ofTheFuture(bytes: Uint8Array, versionAt: number): Uint8Array {
  const copy = bytes.slice();
  copy[versionAt] = 0xfe;
  return copy;
}

interface Connection {
  readonly ends: readonly [Endpoint, Endpoint];
  /** Indexed by the receiving end. */
  readonly channels: readonly [Channel, Channel];
  /** Whether that end has accepted the other's hello. */
  readonly accepted: [boolean, boolean];
  open: boolean;
}

const pairKey = (one: number, other: number) => (one < other ? `${one}-${other}` : `${other}-${one}`);

/** Makes a network without nodes; they appear when their transports start. */
export function createPeerNetwork(
  world: World,
  links: Links,
  random: Random,
  options: PeerNetworkOptions,
): PeerNetwork {
  const endpoints = new Map<number, Endpoint>();
  const connections = new Map<string, Connection>();
  const redials = new Set<string>();
  const noteRefusal = createRepeatedNotes(world.trace);

  links.onHeal((from, to) => {
    for (const connection of connections.values())
      for (const side of [0, 1] as const)
        if (connection.ends[side].machine === to && connection.ends[1 - side]!.machine === from)
          connection.channels[side].release();
  });

  /** Both ends dial; the simulated network needs only one dial, repeated until it works. */
  function redial(one: number, other: number, delayUs: number): void {
    const key = pairKey(one, other);
    if (redials.has(key)) return;
    redials.add(key);
    world.schedule(delayUs, null, `dial ${key}`, () => {
      redials.delete(key);
      connect(one, other);
    });
  }

  function connect(one: number, other: number): void {
    const ends = [endpoints.get(one), endpoints.get(other)];
    const [left, right] = ends;
    // A node that is down dials when it starts again.
    if (left?.listening !== true || right?.listening !== true) return;
    const cut = links.isCut(left.machine, right.machine) || links.isCut(right.machine, left.machine);
    if (cut || left.process.paused || right.process.paused) {
      redial(one, other, 50_000 + random.below(50_000));
      return;
    }
    const before = connections.get(pairKey(one, other));
    if (before?.open === true) closeConnection(before, () => false);
    const connection: Connection = {
      ends: [left, right],
      channels: [
        createChannel(world, links, random, left.process, { from: right.machine, to: left.machine }),
        createChannel(world, links, random, right.process, { from: left.machine, to: right.machine }),
      ],
      accepted: [false, false],
      open: true,
    };
    connections.set(pairKey(one, other), connection);
    greet(connection, 0);
    greet(connection, 1);
  }

  /** The end `side` says hello; the other one accepts it or closes. */
  function greet(connection: Connection, side: 0 | 1): void {
    const sender = connection.ends[side];
    const receiver = connection.ends[side === 0 ? 1 : 0];
    world.schedule(0, sender.process, `hello to ${receiver.nodeId}`, () => {
      if (!connection.open) return;
      const said = sender.handlers.hello();
      const hello = sender.newer() ? ofTheFuture(said, helloVersionAt) : said;
      world.trace.bytes(hello);
      connection.channels[side === 0 ? 1 : 0].send(`hello from ${sender.nodeId}`, () => {
        const refusal = receiver.handlers.onHello(sender.nodeId, hello);
        if (refusal === null) {
          connection.accepted[side === 0 ? 1 : 0] = true;
          return;
        }
        noteRefusal(world.nowUs, `node-${receiver.nodeId} refuses node-${sender.nodeId}: ${refusal}`);
        if (sender.newer()) options.refusedNewer();
        closeConnection(connection, () => false);
        world.schedule(100, sender.process, `refused by ${receiver.nodeId}`, () => {
          if (sender.listening) sender.handlers.onRefused(receiver.nodeId, refusal);
        });
        redial(sender.nodeId, receiver.nodeId, 100_000 + random.below(100_000));
      });
    });
  }

  /** @param refused Whether the end that is told finds nobody listening on redial. */
  function closeConnection(connection: Connection, refused: (told: Endpoint) => boolean): void {
    if (!connection.open) return;
    connection.open = false;
    for (const channel of connection.channels) channel.close();
    for (const side of [0, 1] as const) {
      const told = connection.ends[side];
      const gone = connection.ends[side === 0 ? 1 : 0];
      if (!connection.accepted[side] || !told.listening || !told.process.alive) continue;
      const isRefused = refused(told);
      world.schedule(100 + random.below(400), told.process, `down ${gone.nodeId} refused=${isRefused}`, () => {
        if (told.listening) told.handlers.onDown(gone.nodeId, isRefused);
      });
    }
  }

  function died(nodeId: number, kind: DeathKind): void {
    const endpoint = endpoints.get(nodeId);
    if (endpoint === undefined) return;
    endpoint.listening = false;
    endpoints.delete(nodeId);
    for (const connection of connections.values()) {
      const side = connection.ends.indexOf(endpoint);
      if (side < 0 || !connection.open) continue;
      const peer = connection.ends[1 - side]!;
      if (kind === "killed") {
        // The FIN, and the answer to the redial, need a way through.
        const heard = !links.isCut(endpoint.machine, peer.machine) && !links.isCut(peer.machine, endpoint.machine);
        if (heard) closeConnection(connection, () => true);
      }
      // Whoever was not told notices by keep-alive, unless the node is back before that.
      if (connection.open)
        world.schedule(1_500_000 + random.below(1_000_000), null, `keep-alive ${nodeId}`, () =>
          closeConnection(connection, () => false),
        );
    }
  }

  function sendFrame(from: Endpoint, to: number, frame: Uint8Array): void {
    const connection = connections.get(pairKey(from.nodeId, to));
    if (connection?.open !== true) return;
    const side = connection.ends.indexOf(from);
    if (side < 0 || !connection.accepted[side as 0 | 1]) return;
    const receiver = connection.ends[1 - side]!;
    const channel = connection.channels[1 - side]!;
    const copy = from.newer() ? ofTheFuture(frame, frameVersionAt) : frame.slice();
    world.trace.bytes(copy);
    const deliver = () => {
      if (!connection.accepted[(1 - side) as 0 | 1] || !receiver.listening) return;
      if (!from.newer()) options.received(from.nodeId, to, frame);
      try {
        receiver.handlers.onFrame(from.nodeId, copy);
      } catch (error) {
        // Garbage ends the connection. Nobody here sends any but a release of the future.
        if (!from.newer()) throw error;
        options.refusedNewer();
        closeConnection(connection, () => false);
        redial(from.nodeId, to, 100_000 + random.below(100_000));
      }
    };
    options.tap(from.nodeId, to, frame);
    if (links.drops?.(from.nodeId, to, frame) === true) return;
    const label = `frame from ${from.nodeId}`;
    const { loss, duplicate, reorder } = links.conditions;
    if (random.chance(loss)) {
      options.count("loss");
      return;
    }
    if (!options.isRaftFrame(copy)) {
      channel.send(label, deliver);
      return;
    }
    if (random.chance(duplicate)) {
      options.count("duplicate");
      channel.sendLoose(`${label} again`, random.below(20_000), deliver);
    }
    if (random.chance(reorder)) {
      options.count("reorder");
      channel.sendLoose(label, random.below(5_000), deliver);
    } else channel.send(label, deliver);
  }

  const wires: Wires = {
    endpoints,
    isOpen: (one, other) => connections.get(pairKey(one, other))?.open === true,
    dial: (one, other, withinUs) => redial(one, other, 200 + random.below(withinUs)),
    hangUp: (one, other) => closeConnection(connections.get(pairKey(one, other))!, () => false),
    died: (nodeId) => died(nodeId, "killed"),
    sendFrame,
    sendSnapshot(from, to, head, source) {
      options.copying(from.nodeId, to.nodeId, true);
      const sent = sendSnapshotAcross(world, links, random, { from, to }, head, source, options);
      return sent.finally(() => options.copying(from.nodeId, to.nodeId, false));
    },
  };

  return {
    transport: (nodeId, machine, process, newer = () => false) =>
      createTransport(wires, (handlers) => ({ nodeId, machine, process, handlers, newer, listening: true }), nodeId),
    died,
    breakConnection(one, other) {
      const connection = connections.get(pairKey(one, other));
      if (connection?.open !== true) return;
      closeConnection(connection, () => false);
      redial(one, other, 1_000 + random.below(20_000));
    },
  };
}

/** What a node's transport needs of the network. */
interface Wires {
  readonly endpoints: Map<number, Endpoint>;
  isOpen(one: number, other: number): boolean;
  dial(one: number, other: number, withinUs: number): void;
  hangUp(one: number, other: number): void;
  died(nodeId: number): void;
  sendFrame(from: Endpoint, to: number, frame: Uint8Array): void;
  sendSnapshot(from: Endpoint, to: Endpoint, head: Uint8Array, source: SnapshotSource): Promise<boolean>;
}

/** The transport of one life of a node. */
function createTransport(wires: Wires, listen: (handlers: PeerHandlers) => Endpoint, nodeId: number): PeerTransport {
  const { endpoints } = wires;
  let endpoint: Endpoint | null = null;
  return {
    async start(handlers) {
      endpoint = listen(handlers);
      endpoints.set(nodeId, endpoint);
      for (const other of endpoints.keys()) if (other !== nodeId) wires.dial(nodeId, other, 2_000);
    },
    addPeer(to) {
      // Whoever starts dials everyone; only who was turned away then has a reason to hurry.
      if (endpoint === null || endpoints.get(to)?.listening !== true) return;
      if (!wires.isOpen(nodeId, to)) wires.dial(nodeId, to, 2_000);
    },
    removePeer(to) {
      if (!wires.isOpen(nodeId, to)) return;
      wires.hangUp(nodeId, to);
      // It dials again, and is told why it is not welcome any more.
      wires.dial(to, nodeId, 20_000);
    },
    send(to, frame) {
      if (endpoint !== null) wires.sendFrame(endpoint, to, frame);
    },
    async sendSnapshot(to, head, source) {
      const target = endpoints.get(to);
      return endpoint !== null && target !== undefined && wires.sendSnapshot(endpoint, target, head, source);
    },
    async close() {
      if (endpoint?.listening === true) wires.died(nodeId);
    },
  };
}
