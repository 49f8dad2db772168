import type { Socket } from "node:net";
import type { NodeId } from "@quorumguard/raft";
import { dial } from "./dial.ts";
import { FrameReader, writeFrame } from "./framing.ts";
import type { PeerHandlers, SnapshotSink, SnapshotSource } from "./peer-transport.ts";
import { decodeAnswer, encodeAnswer, encodePreface, Purpose } from "./preface.ts";
import type { PeerAddress, ResolvedTcpOptions } from "./tcp-options.ts";

/** Bytes of a snapshot per frame. */
const chunkBytes = 262_144;
/** Frames waiting for the disk, above which the socket is paused. */
const maxWaiting = 4;
/** A snapshot of which nothing moved for so long is given up. Milliseconds. */
const idleTimeoutMs = 10_000;
const maxAnswerBytes = 4_096;
const noBytes = new Uint8Array(0);

/**
 * Sends a snapshot on a connection of its own: preface, head, pieces, an empty frame. The acceptor answers the preface, the head
 * and the end. Resolves with whether it took the whole.
 */
export function sendSnapshot(
  options: ResolvedTcpOptions,
  peer: PeerAddress,
  hello: Uint8Array,
  head: Uint8Array,
  source: SnapshotSource,
  track: (socket: Socket) => void,
): Promise<boolean> {
  return new Promise((resolve) => {
    const refuse = (reason: string): void => {
      options.log("warn", "snapshot-refused", { peer: peer.nodeId, reason });
      resolve(false);
    };
    const opened = (socket: Socket): void => {
      track(socket);
      socket.on("error", () => {});
      socket.setTimeout(idleTimeoutMs, () => socket.destroy());
      socket.once("close", () => resolve(false));
      const answers = new Answers(socket);
      converse(socket, answers, encodePreface(Purpose.snapshot, options.nodeId, hello), head, source)
        .then(
          (refusal) => (refusal === null ? resolve(true) : refuse(refusal)),
          (error: unknown) => refuse(String(error)),
        )
        .finally(() => socket.destroy());
    };
    dial(options, peer, opened, (error) => refuse(error.message));
  });
}

async function converse(
  socket: Socket,
  answers: Answers,
  preface: Uint8Array,
  head: Uint8Array,
  source: SnapshotSource,
): Promise<string | null> {
  writeFrame(socket, preface);
  const welcome = await answers.next();
  if (welcome !== null) return welcome;
  writeFrame(socket, head);
  const wanted = await answers.next();
  if (wanted !== null) return wanted;
  for (let at = 0; at < source.bytes; at += chunkBytes) {
    const piece = await source.read(at, Math.min(chunkBytes, source.bytes - at));
    if (socket.destroyed) return "the connection was lost";
    if (!writeFrame(socket, piece)) await drained(socket);
  }
  writeFrame(socket, noBytes);
  return answers.next();
}

/** Resolves when the socket takes more, or is gone. */
function drained(socket: Socket): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      socket.removeListener("drain", done);
      socket.removeListener("close", done);
      resolve();
    };
    socket.once("drain", done);
    socket.once("close", done);
    if (socket.destroyed) done();
  });
}

/** The acceptor's answers, in order. */
class Answers {
  readonly #ready: (string | null)[] = [];
  #waiting: ((answer: string | null) => void) | null = null;
  #closed = false;

  constructor(socket: Socket) {
    const reader = new FrameReader(maxAnswerBytes);
    socket.on("data", (chunk: Buffer) => {
      try {
        reader.push(chunk, (frame) => {
          this.#push(decodeAnswer(frame));
          return true;
        });
      } catch {
        socket.destroy();
      }
    });
    socket.once("close", () => {
      this.#closed = true;
      this.#push("the connection was lost");
    });
  }

  next(): Promise<string | null> {
    const answer = this.#ready.shift();
    if (answer !== undefined) return Promise.resolve(answer);
    if (this.#closed) return Promise.resolve("the connection was lost");
    return new Promise((resolve) => {
      this.#waiting = resolve;
    });
  }

  #push(answer: string | null): void {
    const waiting = this.#waiting;
    this.#waiting = null;
    if (waiting === null) this.#ready.push(answer);
    else waiting(answer);
  }
}

/** The accepting end: hands pieces to the sink one after the other, and holds the sender back while the disk is busy. */
export class SnapshotReceiver {
  readonly #socket: Socket;
  readonly #from: NodeId;
  readonly #handlers: PeerHandlers;
  readonly #options: ResolvedTcpOptions;
  readonly #waiting: Uint8Array[] = [];
  #sink: SnapshotSink | null = null;
  #busy = false;
  #over = false;

  constructor(socket: Socket, from: NodeId, handlers: PeerHandlers, options: ResolvedTcpOptions) {
    this.#socket = socket;
    this.#from = from;
    this.#handlers = handlers;
    this.#options = options;
    socket.setTimeout(idleTimeoutMs, () => socket.destroy());
    socket.once("close", () => this.#abort());
  }

  take(frame: Uint8Array): void {
    if (this.#over) return;
    this.#waiting.push(frame);
    if (this.#waiting.length >= maxWaiting) this.#socket.pause();
    if (this.#busy) return;
    this.#busy = true;
    this.#work().then(
      () => {
        this.#busy = false;
      },
      (error: unknown) => {
        this.#options.log("warn", "snapshot-not-received", { from: this.#from, error: String(error) });
        this.#socket.destroy();
        this.#abort();
      },
    );
  }

  async #work(): Promise<void> {
    for (let frame = this.#waiting.shift(); frame !== undefined && !this.#over; frame = this.#waiting.shift()) {
      if (this.#waiting.length < maxWaiting) this.#socket.resume();
      if (this.#sink === null) await this.#begin(frame);
      else if (frame.length > 0) await this.#sink.write(frame);
      else await this.#finish(this.#sink);
    }
  }

  async #begin(head: Uint8Array): Promise<void> {
    this.#sink = await this.#handlers.onSnapshot(this.#from, head);
    if (this.#sink === null) {
      this.#over = true;
      writeFrame(this.#socket, encodeAnswer("the snapshot is not wanted"));
      this.#socket.end();
    } else if (this.#over) {
      this.#sink.abort();
    } else {
      writeFrame(this.#socket, encodeAnswer(null));
    }
  }

  async #finish(sink: SnapshotSink): Promise<void> {
    const isTaken = await sink.finish();
    this.#over = true;
    if (this.#socket.destroyed) return;
    writeFrame(this.#socket, encodeAnswer(isTaken ? null : "the snapshot was not taken"));
    this.#socket.end();
  }

  #abort(): void {
    if (this.#over) return;
    this.#over = true;
    this.#sink?.abort();
  }
}
