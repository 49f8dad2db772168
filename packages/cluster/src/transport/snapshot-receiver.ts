import type { Socket } from "node:net";
import type { NodeId } from "@quorumguard/raft";
import { writeFrame } from "./framing.ts";
import type { PeerHandlers, SnapshotSink } from "./peer-transport.ts";
import { idleTimeoutMs, maxWaitingFrames } from "./snapshot-connection.ts";
import { decodeOffer, decodePart, encodeReply, type Reply } from "./snapshot-frames.ts";
import type { ResolvedTcpOptions } from "./tcp-options.ts";

/** The accepting end: hands chunks to the sink one after the other, says how far it is, and asks again for what is damaged. */
export class SnapshotReceiver {
  readonly #socket: Socket;
  readonly #from: NodeId;
  readonly #handlers: PeerHandlers;
  readonly #options: ResolvedTcpOptions;
  readonly #waiting: Uint8Array[] = [];
  #sink: SnapshotSink | null = null;
  #position = 0;
  #bytes = 0;
  /** Asked for again; what was under way behind it is passed over. */
  #asked = false;
  #busy = false;
  #over = false;

  constructor(socket: Socket, from: NodeId, handlers: PeerHandlers, options: ResolvedTcpOptions) {
    this.#socket = socket;
    this.#from = from;
    this.#handlers = handlers;
    this.#options = options;
    socket.setTimeout(idleTimeoutMs, () => socket.destroy());
    socket.once("close", () => this.#interrupted());
  }

  take(frame: Uint8Array): void {
    if (this.#over) return;
    this.#waiting.push(frame);
    // The sender waits for words of ours; one that does not is held back by its socket.
    if (this.#waiting.length >= maxWaitingFrames) this.#socket.pause();
    if (this.#busy) return;
    this.#busy = true;
    this.#work().then(
      () => {
        this.#busy = false;
      },
      (error: unknown) => this.#failed(error),
    );
  }

  async #work(): Promise<void> {
    for (let frame = this.#waiting.shift(); frame !== undefined && !this.#over; frame = this.#waiting.shift()) {
      this.#socket.resume();
      if (this.#sink === null) await this.#begin(frame);
      else await this.#part(frame, this.#sink);
    }
  }

  async #begin(frame: Uint8Array): Promise<void> {
    const offered = decodeOffer(frame);
    if (offered === null) return this.#end({ kind: "refused", reason: "the offer is not understood" });
    const sink = await this.#handlers.onSnapshot(this.#from, offered.head, offered.offer);
    if (sink === null) return this.#end({ kind: "refused", reason: "the snapshot is not wanted" });
    this.#sink = sink;
    if (this.#over) return suspend(sink);
    this.#bytes = offered.offer.bytes;
    this.#position = sink.position ?? 0;
    this.#say({ kind: "from", position: this.#position });
  }

  async #part(frame: Uint8Array, sink: SnapshotSink): Promise<void> {
    const part = decodePart(frame);
    if (part === "end" && this.#position === this.#bytes) return this.#finish(sink);
    // What a sender that went back says twice is passed over, and so is what was under way behind a gap.
    if (typeof part === "object" && (part.position < this.#position || (part.position > this.#position && this.#asked)))
      return;
    if (typeof part === "string" || part.position > this.#position) {
      this.#asked = true;
      this.#say({ kind: "again", position: this.#position });
      return;
    }
    this.#asked = false;
    await sink.write(part.bytes);
    this.#position += part.bytes.length;
    this.#say({ kind: "held", position: this.#position });
  }

  async #finish(sink: SnapshotSink): Promise<void> {
    const isTaken = await sink.finish();
    this.#end(isTaken ? { kind: "taken" } : { kind: "refused", reason: "the snapshot was not taken" });
  }

  #failed(error: unknown): void {
    this.#options.log("warn", "snapshot-not-received", { from: this.#from, error: String(error) });
    if (!this.#over) this.#sink?.abort();
    this.#end({ kind: "refused", reason: String(error) });
  }

  #end(reply: Reply): void {
    this.#over = true;
    this.#say(reply);
    if (!this.#socket.destroyed) this.#socket.end();
  }

  #say(reply: Reply): void {
    if (!this.#socket.destroyed) writeFrame(this.#socket, encodeReply(reply));
  }

  #interrupted(): void {
    if (this.#over) return;
    this.#over = true;
    if (this.#sink !== null) suspend(this.#sink);
  }
}

/** Keeps what is there, if the sink can. */
function suspend(sink: SnapshotSink): void {
  if (sink.suspend === undefined) sink.abort();
  else sink.suspend();
}
