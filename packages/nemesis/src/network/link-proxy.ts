import { once } from "node:events";
import { connect, createServer, type Server, type Socket } from "node:net";
import { Direction, type DirectionMode, passing } from "./direction.ts";

/** Told of the bytes that the dialling side of one connection sends, before anything happens to them. */
export type ConnectionTap = (chunk: Buffer) => void;

/** Whom a link leads from and to, and who listens in. */
export interface LinkProxyOptions {
  /** Where the link is dialled, on 127.0.0.1. */
  readonly port: number;
  /** Where it leads, on 127.0.0.1. */
  readonly targetPort: number;
  /** Called for each connection; returns what hears its bytes. */
  readonly tap?: () => ConnectionTap;
}

interface Connection {
  readonly forward: Direction;
  readonly backward: Direction;
  abort(): void;
}

/** One directed link: whoever dials its port reaches the target through it, as well as the link lets him. */
export class LinkProxy {
  readonly #options: LinkProxyOptions;
  readonly #connections = new Set<Connection>();
  #server: Server | null = null;
  /** Whether it shall take connections: it may be about to. */
  #wanted = false;
  #forward: DirectionMode = passing;
  #backward: DirectionMode = passing;
  #cuts = 0;

  constructor(options: LinkProxyOptions) {
    this.#options = options;
  }

  get port(): number {
    return this.#options.port;
  }

  /** How many connections were cut so far. */
  get cuts(): number {
    return this.#cuts;
  }

  /** Takes connections again. A refused dial is proof of death among peers: only the link to a dead process refuses. */
  async open(): Promise<void> {
    this.#wanted = true;
    if (this.#server !== null) return;
    const server = createServer({ allowHalfOpen: true, noDelay: true }, (socket) => this.#accept(socket));
    this.#server = server;
    server.listen(this.#options.port, "127.0.0.1");
    await once(server, "listening");
    // A server that is closed before it listens would listen all the same.
    if (!this.#wanted) this.refuse();
  }

  /** Refuses connections from now on; those that are open stay. */
  refuse(): void {
    this.#wanted = false;
    if (this.#server?.listening !== true) return;
    this.#server.close();
    this.#server = null;
  }

  /** How bytes of open and of new connections fare: `forward` those of the dialling side. */
  shape(forward: DirectionMode, backward: DirectionMode): void {
    this.#forward = forward;
    this.#backward = backward;
    for (const connection of this.#connections) {
      connection.forward.mode = forward;
      connection.backward.mode = backward;
    }
  }

  /** Resets every open connection. */
  cut(): void {
    for (const connection of [...this.#connections]) {
      this.#cuts += 1;
      connection.abort();
    }
  }

  close(): void {
    this.refuse();
    this.cut();
  }

  #accept(dialler: Socket): void {
    const target = connect({ port: this.#options.targetPort, host: "127.0.0.1", allowHalfOpen: true, noDelay: true });
    const abort = () => {
      this.#connections.delete(connection);
      for (const socket of [dialler, target]) if (!socket.destroyed) socket.resetAndDestroy();
    };
    for (const socket of [dialler, target]) {
      socket.on("error", () => {});
      socket.on("close", (failed) => {
        if (failed || (dialler.destroyed && target.destroyed)) abort();
      });
    }
    const tap = this.#options.tap?.() ?? null;
    const connection: Connection = {
      forward: new Direction(dialler, target, this.#forward, abort, tap),
      backward: new Direction(target, dialler, this.#backward, abort, null),
      abort,
    };
    this.#connections.add(connection);
  }
}
