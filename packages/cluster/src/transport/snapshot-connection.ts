import type { Socket } from "node:net";
import { dial } from "./dial.ts";
import { FrameReader, writeFrame } from "./framing.ts";
import type { SnapshotSource } from "./peer-transport.ts";
import { decodeAnswer, encodePreface, Purpose } from "./preface.ts";
import { decodeReply, encodeChunk, encodeEnd, encodeOffer, type Reply } from "./snapshot-frames.ts";
import type { PeerAddress, ResolvedTcpOptions } from "./tcp-options.ts";

/** Bytes of a snapshot per frame. */
const chunkBytes = 262_144;
/** Bytes on their way that the receiver has not written yet: what bounds a transfer's memory, and its rate to the slower disk. */
const windowBytes = 4 * chunkBytes;
/** Frames that a receiver keeps while its disk is busy; a sender that keeps to the window never has so many. */
export const maxWaitingFrames = 8;
/** A snapshot of which nothing moved for so long is given up. Milliseconds. */
export const idleTimeoutMs = 10_000;
/** Attempts in a row of which nothing came, each after twice the pause of the one before. */
const maxFruitless = 4;
const firstPauseMs = 50;
/** A line that damages more than so many chunks of one attempt is no use. */
const maxAgain = 16;
const maxAnswerBytes = 4_096;

/** What sending needs of the transport. */
export interface SnapshotRoute {
  readonly options: ResolvedTcpOptions;
  /** Where the peer is now; undefined: nowhere any more, give up. */
  peer(): PeerAddress | undefined;
  hello(): Uint8Array;
  /** Is to close it when the transport closes. */
  track(socket: Socket): void;
}

/** How an attempt ended. `moved`: the receiver has more than before it. */
type Ending = Reply | { readonly kind: "lost"; readonly reason: string; readonly moved: boolean };

/**
 * Sends a snapshot on a connection of its own, in chunks under a checksum each, and goes on where the receiver is when a connection
 * breaks. Resolves with whether the receiver said that it has the whole.
 */
export async function sendSnapshot(route: SnapshotRoute, head: Uint8Array, source: SnapshotSource): Promise<boolean> {
  const { options } = route;
  for (let fruitless = 0; fruitless < maxFruitless; ) {
    const peer = route.peer();
    if (peer === undefined) return false;
    const ending = await attempt(route, peer, head, source);
    if (ending.kind === "taken") return true;
    const reason = "reason" in ending ? ending.reason : `an answer out of turn: ${ending.kind}`;
    if (ending.kind !== "lost") {
      options.log("warn", "snapshot-refused", { peer: peer.nodeId, reason });
      return false;
    }
    fruitless = ending.moved ? 0 : fruitless + 1;
    options.log("warn", "snapshot-interrupted", { peer: peer.nodeId, reason });
    await new Promise<void>((resolve) => options.clock.setTimer(resolve, firstPauseMs * 2 ** fruitless));
  }
  return false;
}

function attempt(route: SnapshotRoute, peer: PeerAddress, head: Uint8Array, source: SnapshotSource): Promise<Ending> {
  const { options } = route;
  return new Promise((resolve) => {
    const opened = (socket: Socket): void => {
      route.track(socket);
      socket.on("error", () => {});
      socket.setTimeout(idleTimeoutMs, () => socket.destroy());
      const sender = new SnapshotSender(socket, head, source, Math.min(chunkBytes, options.maxFrameBytes - 64));
      sender
        .run(encodePreface(Purpose.snapshot, options.nodeId, route.hello()))
        .then(resolve, (error: unknown) => {
          if (error instanceof ConnectionLost) resolve({ kind: "lost", reason: error.message, moved: sender.moved });
          else resolve({ kind: "refused", reason: String(error) });
        })
        .finally(() => socket.destroy());
    };
    dial(options, peer, opened, (error) => resolve({ kind: "lost", reason: error.message, moved: false }));
  });
}

/** The other end went away, or time ran out; what it has it keeps. */
class ConnectionLost extends Error {}

class SnapshotSender {
  readonly #socket: Socket;
  readonly #head: Uint8Array;
  readonly #source: SnapshotSource;
  readonly #chunkBytes: number;
  readonly #replies: Replies;
  #start = 0;
  #held = 0;

  constructor(socket: Socket, head: Uint8Array, source: SnapshotSource, chunk: number) {
    this.#socket = socket;
    this.#head = head;
    this.#source = source;
    this.#chunkBytes = chunk;
    this.#replies = new Replies(socket);
  }

  get moved(): boolean {
    return this.#held > this.#start;
  }

  async run(preface: Uint8Array): Promise<Reply> {
    writeFrame(this.#socket, preface);
    const welcome = decodeAnswer(await this.#replies.next());
    if (welcome !== null) return { kind: "refused", reason: welcome };
    const { bytes, tag } = this.#source;
    writeFrame(this.#socket, encodeOffer({ bytes, tag: tag ?? new Uint8Array(0) }, this.#head));
    const start = await this.#reply();
    if (start.kind !== "from") return start;
    if (start.position > bytes) return { kind: "refused", reason: `it asks for byte ${start.position} of ${bytes}` };
    this.#start = start.position;
    this.#held = start.position;
    return this.#stream();
  }

  async #stream(): Promise<Reply> {
    const { bytes } = this.#source;
    let next = this.#held;
    let again = 0;
    for (let isEnded = false; ; ) {
      while (next < bytes && next - this.#held < windowBytes) {
        const length = Math.min(this.#chunkBytes, bytes - next);
        writeFrame(this.#socket, encodeChunk(next, await this.#source.read(next, length)));
        next += length;
      }
      if (this.#held >= bytes && !isEnded) {
        isEnded = true;
        writeFrame(this.#socket, encodeEnd());
      }
      const reply = await this.#reply();
      if (reply.kind === "taken" || reply.kind === "refused") return reply;
      if (reply.position > next) return { kind: "refused", reason: `it has byte ${reply.position}, sent were ${next}` };
      this.#held = reply.position;
      if (reply.kind !== "again") continue;
      isEnded = false;
      again += 1;
      if (again > maxAgain) return { kind: "refused", reason: `${again} chunks were damaged on their way` };
      next = reply.position;
    }
  }

  async #reply(): Promise<Reply> {
    return decodeReply(await this.#replies.next());
  }
}

/** The receiver's frames, in order. */
class Replies {
  readonly #ready: Uint8Array[] = [];
  #waiting: { readonly resolve: (frame: Uint8Array) => void; readonly reject: (error: Error) => void } | null = null;
  #lost: Error | null = null;

  constructor(socket: Socket) {
    const reader = new FrameReader(maxAnswerBytes);
    socket.on("data", (chunk: Buffer) => {
      try {
        reader.push(chunk, (frame) => {
          this.#push(frame);
          return true;
        });
      } catch {
        socket.destroy();
      }
    });
    socket.once("close", () => {
      this.#lost = new ConnectionLost("the connection was lost");
      this.#waiting?.reject(this.#lost);
    });
  }

  next(): Promise<Uint8Array> {
    const frame = this.#ready.shift();
    if (frame !== undefined) return Promise.resolve(frame);
    if (this.#lost !== null) return Promise.reject(this.#lost);
    return new Promise((resolve, reject) => {
      this.#waiting = { resolve, reject };
    });
  }

  #push(frame: Uint8Array): void {
    const waiting = this.#waiting;
    this.#waiting = null;
    if (waiting === null) this.#ready.push(frame);
    else waiting.resolve(frame);
  }
}
