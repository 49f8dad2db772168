import { once } from "node:events";
import { connect, createServer, type Server, type Socket } from "node:net";

/** Where everything of a test cluster listens. */
export const host = "127.0.0.1";
/** How often, and at what distance in milliseconds, a link asks for its port again that somebody else has. */
const maxAttempts = 250;
const attemptMs = 20;
/** Links take ports below those from which systems take ports for outgoing connections: none is lost while a node is down. */
const [lowestPort, ports] = [10_000, 20_000];

/** One directed link: who dials its port reaches the target through it, as well as the link lets him. */
export class Link {
  /** Where it leads; not known before the target listens. */
  #target: Promise<number>;
  #lead: (port: number) => void = () => {};
  #port = 0;
  #server: Server | null = null;
  #held = false;
  readonly #connections = new Set<Connection>();

  constructor() {
    this.#target = this.#unknownTarget();
  }

  /** The port to dial; the same over closings and openings. */
  get port(): number {
    return this.#port;
  }

  /** Takes connections; at first on any free port. */
  async open(): Promise<void> {
    for (let attempt = 1; this.#server === null; attempt += 1) {
      const port = this.#port === 0 ? lowestPort + Math.floor(Math.random() * ports) : this.#port;
      try {
        this.#server = await listen(port, (socket) => void this.#accept(socket).catch(() => socket.destroy()));
        this.#port = port;
      } catch (error) {
        // Somebody else has it; who took it while nobody listened there may give it back.
        if ((error as NodeJS.ErrnoException).code !== "EADDRINUSE" || attempt === maxAttempts) throw error;
        if (this.#port !== 0) await new Promise((resolve) => setTimeout(resolve, attemptMs));
      }
    }
  }

  /** The target listens there. */
  leadTo(port: number): void {
    this.#lead(port);
    this.#target = Promise.resolve(port);
  }

  /** Nothing passes either way while it is held; then everything does, in order, as after a retransmission. */
  set held(held: boolean) {
    this.#held = held;
    for (const connection of this.#connections) connection.held = held;
  }

  /** Resets all connections; those who dial are refused, as by a machine whose process is gone. Resolves once that is so. */
  async close(): Promise<void> {
    const server = this.#server;
    this.#server = null;
    const closed = server === null ? null : once(server, "close");
    server?.close();
    this.reset();
    this.#target = this.#unknownTarget();
    await closed;
  }

  /** Resets all connections. */
  reset(): void {
    for (const connection of [...this.#connections]) connection.abort();
  }

  #unknownTarget(): Promise<number> {
    return new Promise((resolve) => {
      this.#lead = resolve;
    });
  }

  async #accept(dialler: Socket): Promise<void> {
    const connection = new Connection(dialler, this.#held, () => this.#connections.delete(connection));
    this.#connections.add(connection);
    connection.reach(await this.#target);
  }
}

async function listen(port: number, accept: (socket: Socket) => void): Promise<Server> {
  const server = createServer({ allowHalfOpen: true, noDelay: true, pauseOnConnect: true }, accept);
  server.listen(port, host);
  await once(server, "listening");
  return server;
}

class Connection {
  readonly #dialler: Socket;
  readonly #ended: () => void;
  #target: Socket | null = null;
  #held: boolean;
  #over = false;

  constructor(dialler: Socket, held: boolean, ended: () => void) {
    this.#dialler = dialler;
    this.#held = held;
    this.#ended = ended;
    this.#watch(dialler);
  }

  set held(held: boolean) {
    this.#held = held;
    this.#flow();
  }

  reach(port: number): void {
    if (this.#over) return;
    const target = connect({ port, host, allowHalfOpen: true, noDelay: true });
    this.#target = target;
    this.#watch(target);
    carry(this.#dialler, target, () => this.#flow());
    carry(target, this.#dialler, () => this.#flow());
    this.#flow();
  }

  abort(): void {
    this.#over = true;
    this.#ended();
    for (const socket of [this.#dialler, this.#target]) if (socket?.destroyed === false) socket.resetAndDestroy();
  }

  #watch(socket: Socket): void {
    socket.on("error", () => {});
    socket.on("close", (failed) => {
      if (failed || (this.#dialler.destroyed && this.#target?.destroyed !== false)) this.abort();
    });
  }

  /** Back-pressure: what is held stays with its sender, as far as its buffers reach. */
  #flow(): void {
    const target = this.#target;
    if (target === null || this.#over) return;
    for (const [from, to] of [
      [this.#dialler, target],
      [target, this.#dialler],
    ] as const) {
      if (this.#held || to.writableNeedDrain) from.pause();
      else from.resume();
    }
  }
}

function carry(from: Socket, to: Socket, flow: () => void): void {
  from.on("data", (chunk: Buffer) => {
    if (!to.destroyed && !to.write(chunk)) flow();
  });
  from.on("end", () => to.end());
  to.on("drain", flow);
}
