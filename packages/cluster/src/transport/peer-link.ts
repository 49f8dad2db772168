import type { Socket } from "node:net";
import { dial } from "./dial.ts";
import { FrameReader, writeFrame } from "./framing.ts";
import type { PeerHandlers } from "./peer-transport.ts";
import { decodeAnswer, encodePreface, Purpose } from "./preface.ts";
import type { PeerAddress, ResolvedTcpOptions } from "./tcp-options.ts";

/** Pings go out so often; a peer that answers none of {@link maxPings} in a row is cut off, since TCP alone would wait minutes. */
const pingMs = 250;
const maxPings = 6;
/** Pauses between dials grow from the first to the second, in milliseconds. */
const firstPauseMs = 5;
const longestPauseMs = 250;
/**
 * Dials without a pause after a connection that was up: the kernel takes a dead process' connections and its listener from it one after
 * the other, and what is dialled in between is accepted, and reset.
 */
const eagerDials = 3;
/** A peer that refuses us will hardly change its mind at once. */
const refusedPauseMs = 1_000;
/** Answers from the acceptor are this short. */
const maxAnswerBytes = 4_096;
const noBytes = new Uint8Array(0);

/** The connection that this node dials to one peer, and sends on; kept up for as long as the node runs. */
export class PeerLink {
  readonly #options: ResolvedTcpOptions;
  readonly #peer: PeerAddress;
  readonly #handlers: PeerHandlers;
  #socket: Socket | null = null;
  /** The peer accepted our hello on this connection. */
  #accepted = false;
  #corked = false;
  #pings = 0;
  #pauseMs = firstPauseMs;
  #cancelDial: () => void = () => {};
  #cancelTimer: () => void = () => {};
  /** Between two dials. */
  #isWaiting = false;
  /** The peer was up, and nobody has yet been told that its process is surely dead. */
  #mayDie = false;
  /** Dials that need no pause before them. */
  #eager = 0;
  #closed = false;
  #lastProblem = "";

  constructor(options: ResolvedTcpOptions, peer: PeerAddress, handlers: PeerHandlers) {
    this.#options = options;
    this.#peer = peer;
    this.#handlers = handlers;
  }

  open(): void {
    if (this.#closed) return;
    this.#isWaiting = false;
    this.#cancelTimer();
    this.#cancelDial = dial(
      this.#options,
      this.#peer,
      (socket) => this.#opened(socket),
      (error) => this.#failed(error),
    );
  }

  /** Where it dials. */
  get peer(): PeerAddress {
    return this.#peer;
  }

  /** There is reason to believe that the peer would listen now: does not wait for the next dial. */
  hurry(): void {
    if (this.#closed || this.#socket !== null || !this.#isWaiting) return;
    this.#pauseMs = firstPauseMs;
    this.open();
  }

  send(frame: Uint8Array): void {
    const socket = this.#socket;
    // Before the hello is answered, too: the acceptor reads it first, and forgets what follows a hello that it refuses.
    if (socket === null) return;
    if (socket.writableLength > this.#options.maxSendBufferBytes) return;
    if (!this.#corked) {
      this.#corked = true;
      socket.cork();
      // Runs when the caller's turn is over: all its frames leave in one write.
      process.nextTick(() => {
        this.#corked = false;
        socket.uncork();
      });
    }
    writeFrame(socket, frame);
  }

  close(): void {
    this.#closed = true;
    this.#cancelDial();
    this.#cancelTimer();
    this.#socket?.destroy();
    this.#socket = null;
  }

  #opened(socket: Socket): void {
    this.#socket = socket;
    this.#accepted = false;
    this.#corked = false;
    this.#pings = 0;
    const reader = new FrameReader(maxAnswerBytes);
    let refusal: string | null = null;
    socket.on("error", () => {});
    socket.on("data", (chunk: Buffer) => {
      try {
        reader.push(chunk, (frame) => {
          // Frames of no length answer our pings; the first frame of all is the answer to our hello.
          this.#pings = 0;
          if (this.#accepted || frame.length === 0) return true;
          refusal = decodeAnswer(frame);
          if (refusal === null) this.#welcome();
          else socket.destroy();
          return refusal === null;
        });
      } catch (error) {
        this.#options.log("warn", "peer-answer-garbled", { peer: this.#peer.nodeId, error: String(error) });
        socket.destroy();
      }
    });
    socket.once("close", () => this.#lost(socket, refusal));
    writeFrame(socket, encodePreface(Purpose.messages, this.#options.nodeId, this.#handlers.hello()));
    this.#pingLater();
  }

  #welcome(): void {
    this.#accepted = true;
    this.#mayDie = true;
    this.#pauseMs = firstPauseMs;
    this.#lastProblem = "";
    this.#options.log("info", "peer-connected", { peer: this.#peer.nodeId });
  }

  #pingLater(): void {
    this.#cancelTimer = this.#options.clock.setTimer(() => {
      const socket = this.#socket;
      if (socket === null) return;
      if (++this.#pings > maxPings) {
        this.#options.log("warn", "peer-silent", { peer: this.#peer.nodeId });
        socket.destroy();
        return;
      }
      writeFrame(socket, noBytes);
      this.#pingLater();
    }, pingMs);
  }

  #lost(socket: Socket, refusal: string | null): void {
    if (this.#socket !== socket) return;
    const wasUp = this.#accepted;
    this.#socket = null;
    this.#accepted = false;
    this.#cancelTimer();
    if (this.#closed) return;
    if (refusal !== null) {
      this.#problem("peer-refuses", refusal);
      this.#openLater(refusedPauseMs);
      this.#handlers.onRefused(this.#peer.nodeId, refusal);
      return;
    }
    if (!wasUp) {
      this.#openAgain();
      return;
    }
    this.#options.log("info", "peer-lost", { peer: this.#peer.nodeId });
    this.#handlers.onDown(this.#peer.nodeId, false);
    // At once: only a refused redial proves that the process is gone.
    this.#eager = eagerDials;
    this.#openAgain();
  }

  #failed(error: NodeJS.ErrnoException): void {
    if (this.#closed) return;
    if (error.code === "ECONNREFUSED" && this.#mayDie) {
      this.#mayDie = false;
      this.#eager = 0;
      this.#handlers.onDown(this.#peer.nodeId, true);
    }
    this.#problem("peer-unreachable", error.message);
    this.#openAgain();
  }

  #problem(event: string, reason: string): void {
    if (reason === this.#lastProblem) return;
    this.#lastProblem = reason;
    const { nodeId, host, port } = this.#peer;
    this.#options.log("warn", event, { peer: nodeId, address: `${host}:${port}`, reason });
  }

  #openAgain(): void {
    if (this.#eager === 0) {
      this.#openLater(this.#nextPauseMs());
      return;
    }
    this.#eager -= 1;
    this.open();
  }

  #nextPauseMs(): number {
    const pauseMs = this.#pauseMs;
    this.#pauseMs = Math.min(longestPauseMs, pauseMs * 2);
    return pauseMs;
  }

  #openLater(delayMs: number): void {
    this.#cancelTimer();
    this.#isWaiting = true;
    this.#cancelTimer = this.#options.clock.setTimer(() => this.open(), delayMs);
  }
}
