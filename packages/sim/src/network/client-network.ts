import {
  type StreamConnection,
  type StreamHandlers,
  type StreamTransport,
  TransportError,
} from "@quorumguard/sdk-core";
import { type ClusterNode, createSessionHandler, type SessionHandler, type SessionStream } from "../production.ts";
import type { Process } from "../world/process.ts";
import type { Random } from "../world/random.ts";
import type { World } from "../world/world.ts";
import { type Channel, createChannel } from "./channel.ts";
import type { Links } from "./links.ts";
import type { DeathKind } from "./peer-network.ts";
import { answerUnary } from "./unary-answer.ts";

/** A node's side of the client network: what its listeners are in production. */
export interface ListeningNode {
  readonly nodeId: number;
  readonly machine: string;
  readonly process: Process;
  readonly node: ClusterNode;
  readonly sessionTtlMs: number;
}

/** What an observer is told about messages as they reach the client: the only place where acknowledgements count. */
export interface ClientTap {
  request(client: string, stream: number, message: Uint8Array): void;
  response(client: string, stream: number, message: Uint8Array): void;
}

/** Streams and unary calls between clients and nodes, over links that may be cut. */
export interface ClientNetwork {
  listen(node: ListeningNode): void;
  died(nodeId: number, kind: DeathKind): void;
  transport(machine: string, process: Process): StreamTransport;
  /** Breaks every stream of a client, losing what is on its way. */
  breakStreams(machine: string): void;
  readonly brokenStreams: number;
}

interface ClientStream {
  readonly id: number;
  readonly machine: string;
  readonly process: Process;
  readonly handlers: StreamHandlers;
  server: ListeningNode | null;
  handler: SessionHandler | null;
  up: Channel | null;
  down: Channel | null;
  /** What the client sent before the connection stood. */
  waiting: Uint8Array[];
  sentAny: boolean;
  open: boolean;
}

/** The address under which clients know a node. */
export const endpointOf = (nodeId: number): string => `node-${nodeId}:7400`;

/** Makes a network without nodes; they appear by `listen`. */
export function createClientNetwork(world: World, links: Links, random: Random, tap: ClientTap): ClientNetwork {
  const servers = new Map<string, ListeningNode>();
  /** Addresses whose machine is gone: nobody refuses a connection there, it just never comes to be. */
  const silent = new Set<string>();
  const streams = new Set<ClientStream>();
  let nextStream = 1;
  let broken = 0;

  links.onHeal((from, to) => {
    for (const stream of streams) {
      if (stream.machine === from && stream.server?.machine === to) stream.up?.release();
      if (stream.machine === to && stream.server?.machine === from) stream.down?.release();
    }
  });

  const reachable = (machine: string, server: ListeningNode) =>
    !links.isCut(machine, server.machine) && !links.isCut(server.machine, machine);

  /** Ends a stream on the client's side, once, at its own time. */
  function closeClient(stream: ClientStream, error: TransportError, delayUs: number): void {
    if (!streams.delete(stream)) return;
    stream.open = false;
    stream.up?.close();
    stream.down?.close();
    world.schedule(delayUs, stream.process, `stream ${stream.id} closed: ${error.kind}`, () =>
      stream.handlers.onClose(error),
    );
  }

  function closeServer(stream: ClientStream): void {
    const { handler, server } = stream;
    stream.handler = null;
    if (handler !== null && server !== null)
      world.schedule(100 + random.below(400), server.process, `stream ${stream.id} gone`, () => handler.onClose());
  }

  function breakStream(stream: ClientStream, why: string): void {
    if (!stream.open) return;
    broken++;
    closeServer(stream);
    closeClient(stream, new TransportError(stream.sentAny ? "unknown" : "not-sent", why), 100 + random.below(2_000));
  }

  function dial(stream: ClientStream, endpoint: string): void {
    const server = servers.get(endpoint);
    if (server === undefined || !reachable(stream.machine, server)) {
      const waits = silent.has(endpoint) || server !== undefined;
      const error = new TransportError("not-sent", waits ? "no connection in time" : "connection refused");
      closeClient(stream, error, waits ? 300_000 + random.below(300_000) : 100 + random.below(400));
      return;
    }
    world.schedule(2 * links.delayUs(random), server.process, `stream ${stream.id} accepted`, () => {
      if (stream.open) accept(stream, server);
    });
    // The connection attempt of a client has a bound of its own: the server may be paused, or die meanwhile.
    world.schedule(1_000_000, stream.process, `stream ${stream.id} connect timeout`, () => {
      if (stream.open && stream.handler === null)
        closeClient(stream, new TransportError("not-sent", "no connection in time"), 0);
    });
  }

  function accept(stream: ClientStream, server: ListeningNode): void {
    stream.server = server;
    const toServer = { from: stream.machine, to: server.machine };
    const toClient = { from: server.machine, to: stream.machine };
    // What retransmission cannot bring back ends the connection, once its ends notice.
    const torn = () => {
      world.schedule(300_000 + random.below(700_000), null, `stream ${stream.id} torn`, () =>
        breakStream(stream, "connection timed out"),
      );
    };
    stream.up = createChannel(world, links, random, server.process, toServer, torn);
    stream.down = createChannel(world, links, random, stream.process, toClient, torn);
    const session: SessionStream = {
      send: (message) => sendDown(stream, message.slice()),
      end(error) {
        stream.handler = null;
        const kind = error === undefined || error.code === "unavailable" ? "unknown" : "misconfigured";
        const failure = new TransportError(kind, error?.message ?? "ended by the node");
        stream.down?.send(`stream ${stream.id} ended`, () => closeClient(stream, failure, 0));
      },
    };
    stream.handler = createSessionHandler(server.node, session, { sessionTtlMs: server.sessionTtlMs });
    for (const message of stream.waiting.splice(0)) sendUp(stream, message);
  }

  function sendUp(stream: ClientStream, message: Uint8Array): void {
    stream.sentAny = true;
    world.trace.bytes(message);
    tap.request(stream.machine, stream.id, message);
    const breaks = random.chance(links.conditions.streamBreak);
    stream.up?.send(`request ${stream.id}`, () => {
      stream.handler?.onMessage(message);
      if (breaks) breakStream(stream, "connection reset");
    });
  }

  function sendDown(stream: ClientStream, message: Uint8Array): void {
    world.trace.bytes(message);
    const breaks = random.chance(links.conditions.streamBreak);
    stream.down?.send(`response ${stream.id}`, () => {
      // A reply that is lost on the way takes its connection with it.
      if (breaks) {
        breakStream(stream, "connection reset");
        return;
      }
      tap.response(stream.machine, stream.id, message);
      stream.handlers.onMessage(message);
    });
  }

  return {
    get brokenStreams() {
      return broken;
    },
    listen(node) {
      servers.set(endpointOf(node.nodeId), node);
      silent.delete(endpointOf(node.nodeId));
      // Streams to the node's former life learn from the new one that nobody knows them.
      for (const stream of [...streams])
        if (stream.server !== null && stream.server.nodeId === node.nodeId && stream.server !== node)
          breakStream(stream, "connection reset");
    },
    died(nodeId, kind) {
      const endpoint = endpointOf(nodeId);
      const server = servers.get(endpoint);
      if (server === undefined) return;
      servers.delete(endpoint);
      if (kind === "vanished") silent.add(endpoint);
      for (const stream of [...streams]) {
        if (stream.server !== server) continue;
        stream.handler = null;
        if (kind === "killed" && reachable(stream.machine, server)) breakStream(stream, "connection reset");
        else
          world.schedule(1_500_000 + random.below(1_000_000), null, `stream ${stream.id} keep-alive`, () =>
            breakStream(stream, "keep-alive timeout"),
          );
      }
    },
    transport(machine, process) {
      process.onDeath(() => {
        for (const stream of [...streams]) if (stream.process === process) breakStream(stream, "client died");
      });
      return {
        openSession: (endpoint, handlers) => openStream(machine, process, endpoint, handlers),
        unary(call) {
          const server = servers.get(call.endpoint);
          const usable = server !== undefined && reachable(machine, server) ? server : null;
          return answerUnary(world, links, random, process, usable, machine, call);
        },
        async close() {
          for (const stream of [...streams]) if (stream.process === process) breakStream(stream, "closed");
        },
      };
    },
    breakStreams(machine) {
      for (const stream of [...streams]) if (stream.machine === machine) breakStream(stream, "connection reset");
    },
  };

  function openStream(machine: string, process: Process, endpoint: string, handlers: StreamHandlers): StreamConnection {
    const stream: ClientStream = {
      id: nextStream++,
      machine,
      process,
      handlers,
      server: null,
      handler: null,
      up: null,
      down: null,
      waiting: [],
      sentAny: false,
      open: true,
    };
    streams.add(stream);
    dial(stream, endpoint);
    return {
      send(message) {
        if (!stream.open) return;
        if (stream.up === null) stream.waiting.push(message.slice());
        else sendUp(stream, message.slice());
      },
      close() {
        if (!stream.open) return;
        closeServer(stream);
        closeClient(stream, new TransportError("unknown", "closed by this client"), 0);
      },
    };
  }
}
