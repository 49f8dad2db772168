import { createServer as createPlainServer, type Server, type Socket } from "node:net";
import { createServer as createTlsServer } from "node:tls";
import type { NodeId } from "@quorumguard/raft";
import { asBuffers } from "./dial.ts";
import { FrameReader, writeFrame } from "./framing.ts";
import type { PeerHandlers } from "./peer-transport.ts";
import { decodePreface, encodeAnswer, Purpose } from "./preface.ts";
import { SnapshotReceiver } from "./snapshot-receiver.ts";
import type { ResolvedTcpOptions } from "./tcp-options.ts";

/** A stranger that does not say hello within this time is cut off. Milliseconds. */
const helloTimeoutMs = 2_000;
const noBytes = new Uint8Array(0);

/** Whoever took this port for another one gets an answer that says so, since a closed connection looks like an outage. */
const httpAnswer =
  "HTTP/1.1 400 Bad Request\r\nContent-Type: text/plain\r\nConnection: close\r\n\r\n" +
  "This is the peer port of a QuorumGuard node. Clients use its gRPC port (7400 by default) or its HTTP port (7402).\n";

/** No peer's first bytes read like this: as a length they would be far beyond any frame. */
function isHttp(chunk: Buffer): boolean {
  return /^(PRI \*|GET |HEAD |POST |PUT |OPTIONS )/.test(chunk.toString("latin1", 0, 8));
}

/** Accepts peers' connections, and receives on them. */
export class PeerListener {
  readonly #options: ResolvedTcpOptions;
  readonly #handlers: PeerHandlers;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  /** Who said hello on which of them. */
  readonly #speakers = new Map<Socket, NodeId>();

  constructor(options: ResolvedTcpOptions, handlers: PeerHandlers) {
    this.#options = options;
    this.#handlers = handlers;
    const accept = (socket: Socket): void => this.#accept(socket);
    const { tls } = options;
    this.#server =
      tls === undefined
        ? createPlainServer({ noDelay: true }, accept)
        : createTlsServer(
            { ...asBuffers(tls), requestCert: true, rejectUnauthorized: true, minVersion: "TLSv1.3", noDelay: true },
            accept,
          );
    this.#server.maxConnections = options.maxConnections;
    this.#server.on("tlsClientError", (error: Error, socket: Socket) => {
      options.log("warn", "peer-handshake-failed", { address: socket.remoteAddress, error: error.message });
    });
  }

  listen(): Promise<number> {
    const { host, port } = this.#options.listen;
    return new Promise((resolve, reject) => {
      this.#server.once("error", reject);
      this.#server.listen(port, host, () => {
        this.#server.removeListener("error", reject);
        this.#server.on("error", (error) => this.#options.log("error", "peer-listener", { error: error.message }));
        const address = this.#server.address();
        resolve(typeof address === "object" && address !== null ? address.port : port);
      });
    });
  }

  close(): Promise<void> {
    return new Promise((resolve) => {
      this.#server.close(() => resolve());
      for (const socket of this.#sockets) socket.destroy();
    });
  }

  /** Cuts off whatever this peer sends on: it has to say hello again. */
  drop(peer: NodeId): void {
    for (const [socket, speaker] of this.#speakers) if (speaker === peer) socket.destroy();
  }

  #accept(socket: Socket): void {
    this.#sockets.add(socket);
    socket.on("error", () => {});
    socket.once("close", () => {
      this.#sockets.delete(socket);
      this.#speakers.delete(socket);
    });
    const cancel = this.#options.clock.setTimer(() => this.#close(socket, "no hello in time"), helloTimeoutMs);
    socket.once("close", cancel);
    const reader = new FrameReader(this.#options.maxFrameBytes);
    let take: ((frame: Uint8Array) => void) | null = null;
    socket.on("data", (chunk: Buffer) => {
      if (take === null && isHttp(chunk)) {
        this.#options.log("warn", "peer-connection-closed", { address: socket.remoteAddress ?? "", reason: "HTTP" });
        socket.end(httpAnswer);
        return;
      }
      try {
        reader.push(chunk, (frame) => {
          if (socket.destroyed) return false;
          if (take !== null) {
            take(frame);
            return true;
          }
          cancel();
          take = this.#greet(socket, frame);
          return take !== null;
        });
      } catch (error) {
        this.#close(socket, error instanceof Error ? error.message : String(error));
      }
    });
  }

  /** Answers the first frame. Returns what takes the others, or null if there shall be none. */
  #greet(socket: Socket, first: Uint8Array): ((frame: Uint8Array) => void) | null {
    const preface = decodePreface(first);
    if (preface === null) {
      this.#close(socket, "not a QuorumGuard peer");
      return null;
    }
    const { from, purpose, hello } = preface;
    const refusal = this.#handlers.onHello(from, hello);
    writeFrame(socket, encodeAnswer(refusal));
    if (refusal !== null) {
      // Who refused has said so where it matters, once.
      this.#options.log("debug", "peer-turned-away", { from, reason: refusal });
      socket.end();
      return null;
    }
    this.#speakers.set(socket, from);
    if (purpose === Purpose.snapshot) {
      const receiver = new SnapshotReceiver(socket, from, this.#handlers, this.#options);
      return (frame) => receiver.take(frame);
    }
    return (frame) => {
      if (frame.length === 0) writeFrame(socket, noBytes);
      else this.#handlers.onFrame(from, frame);
    };
  }

  #close(socket: Socket, reason: string): void {
    this.#options.log("warn", "peer-connection-closed", { address: socket.remoteAddress ?? "", reason });
    socket.destroy();
  }
}
