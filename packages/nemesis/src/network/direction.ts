import type { Socket } from "node:net";

/** What a link does with the bytes of one direction. */
export type DirectionMode =
  | { readonly kind: "pass" }
  /** Nothing arrives until it passes again; then everything does, in order, as after a retransmission. */
  | { readonly kind: "hold" }
  /** Nothing arrives, ever: the connection ends when the direction passes again. */
  | { readonly kind: "drop" }
  /** Everything arrives so much later. */
  | { readonly kind: "delay"; readonly ms: number };

/** Both ways pass, as on a healthy network. */
export const passing: DirectionMode = { kind: "pass" };

/** Carries the bytes of one direction of one connection. */
export class Direction {
  readonly #from: Socket;
  readonly #to: Socket;
  readonly #abort: () => void;
  #mode: DirectionMode;
  /** Null stands for the end of the stream. */
  readonly #queue: { readonly chunk: Buffer | null; readonly dueMs: number }[] = [];
  #timer: NodeJS.Timeout | null = null;
  #lost = false;

  constructor(from: Socket, to: Socket, mode: DirectionMode, abort: () => void, tap: ((chunk: Buffer) => void) | null) {
    this.#from = from;
    this.#to = to;
    this.#mode = mode;
    this.#abort = abort;
    from.on("data", (chunk: Buffer) => {
      tap?.(chunk);
      this.#take(chunk);
    });
    from.on("end", () => this.#take(null));
    to.on("drain", () => this.#flow());
    this.#flow();
  }

  set mode(mode: DirectionMode) {
    this.#mode = mode;
    // Bytes are missing from the middle of the stream: no transport would go on with it.
    if (this.#lost && mode.kind !== "drop") this.#abort();
    else this.#drain();
  }

  #take(chunk: Buffer | null): void {
    if (this.#mode.kind === "drop") {
      this.#lost = true;
      return;
    }
    const delayMs = this.#mode.kind === "delay" ? this.#mode.ms : 0;
    this.#queue.push({ chunk, dueMs: performance.now() + delayMs });
    this.#drain();
  }

  #drain(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    while (this.#mode.kind !== "hold" && this.#queue.length > 0) {
      const waitMs = this.#mode.kind === "delay" ? this.#queue[0]!.dueMs - performance.now() : 0;
      if (waitMs > 0) {
        this.#timer = setTimeout(() => this.#drain(), waitMs);
        break;
      }
      const { chunk } = this.#queue.shift()!;
      if (chunk === null) this.#to.end();
      else if (!this.#to.destroyed) this.#to.write(chunk);
    }
    this.#flow();
  }

  /** Back-pressure: what is held stays with its sender, as far as its buffers reach. */
  #flow(): void {
    if (this.#mode.kind === "hold" || this.#to.writableNeedDrain) this.#from.pause();
    else this.#from.resume();
  }
}
