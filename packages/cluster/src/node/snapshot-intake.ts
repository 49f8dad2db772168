import type { SnapshotWriter } from "../storage/storage.ts";
import type { SnapshotSink } from "../transport/peer-transport.ts";
import type { Clock } from "./clock.ts";

/** How long half an image is kept for its sender to come back. Milliseconds. */
const keepMs = 60_000;

/** What half an image is kept by, and whom its loss is told. */
export interface SnapshotIntakeParts {
  readonly clock: Clock;
  readonly failed: (error: Error) => void;
}

/** Half an image, and the attempt that writes to it. */
interface Partial {
  /** Equal only for the same bytes; null: nobody can go on with it. */
  readonly key: string | null;
  readonly writer: SnapshotWriter;
  position: number;
  attempt: number;
  /** The last piece; the next attempt begins behind it. */
  written: Promise<void>;
  cancelExpiry: () => void;
}

/**
 * Takes images of the state from peers, one at a time. When its connection breaks, an image is kept for a while, and the sender goes
 * on with it where it broke; another image takes its place.
 */
export class SnapshotIntake {
  readonly #parts: SnapshotIntakeParts;
  #partial: Partial | null = null;
  #attempts = 0;
  /** Offers are judged one after the other. */
  #busy: Promise<unknown> = Promise.resolve();

  constructor(parts: SnapshotIntakeParts) {
    this.#parts = parts;
  }

  /**
   * Where an offered image goes. `open` begins its file, unless there is a part of it; `taken` is asked once it is whole, checked and
   * durable.
   */
  begin(key: string | null, open: () => Promise<SnapshotWriter>, taken: () => Promise<boolean>): Promise<SnapshotSink> {
    const sink = this.#busy.then(() => this.#begin(key, open, taken));
    this.#busy = sink.catch(() => {});
    return sink;
  }

  /** Nothing more comes: what is there of an image is removed. */
  close(): Promise<void> {
    return this.#busy.then(() => this.#drop());
  }

  async #begin(
    key: string | null,
    open: () => Promise<SnapshotWriter>,
    taken: () => Promise<boolean>,
  ): Promise<SnapshotSink> {
    this.#attempts += 1;
    const attempt = this.#attempts;
    let partial = this.#partial;
    if (partial !== null && key !== null && partial.key === key) {
      partial.cancelExpiry();
      partial.attempt = attempt;
      await partial.written;
    }
    // The piece that was being written may have been too much for the disk.
    partial = this.#partial;
    if (partial === null || key === null || partial.key !== key) {
      await this.#drop();
      partial = {
        key,
        writer: await open(),
        position: 0,
        attempt,
        written: Promise.resolve(),
        cancelExpiry: () => {},
      };
      this.#partial = partial;
    }
    return this.#sink(partial, attempt, taken);
  }

  #sink(partial: Partial, attempt: number, taken: () => Promise<boolean>): SnapshotSink {
    const isCurrent = (): boolean => this.#partial === partial && partial.attempt === attempt;
    const assertCurrent = (): void => {
      if (!isCurrent()) throw new Error("another connection goes on with this snapshot, or brings a newer one");
    };
    return {
      position: partial.position,
      write: async (piece) => {
        assertCurrent();
        const work = partial.writer.write(piece);
        partial.written = work.then(
          () => {
            partial.position += piece.length;
          },
          // What a failed write left of the file is nothing to go on with.
          () => (this.#partial === partial ? this.#discard() : undefined),
        );
        await work;
        await partial.written;
      },
      finish: async () => {
        assertCurrent();
        this.#partial = null;
        await partial.writer.commit();
        return taken();
      },
      abort: () => {
        if (isCurrent()) void this.#drop();
      },
      suspend: () => {
        if (!isCurrent()) return;
        if (partial.key === null) void this.#drop();
        else partial.cancelExpiry = this.#parts.clock.setTimer(() => isCurrent() && void this.#drop(), keepMs);
      },
    };
  }

  async #drop(): Promise<void> {
    await this.#partial?.written;
    await this.#discard();
  }

  /** Never fails: a file that cannot be removed is the end of the node. */
  async #discard(): Promise<void> {
    const partial = this.#partial;
    this.#partial = null;
    if (partial === null) return;
    partial.cancelExpiry();
    await partial.writer.abort().catch((error: unknown) => this.#parts.failed(error as Error));
  }
}
