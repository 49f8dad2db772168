import type { FileHandle, FileSystem } from "../storage/file-system.ts";

/** One process's way to its disk, which can be slow, stand still, or end. */
export class DiskGate implements FileSystem {
  readonly #disk: FileSystem;
  /** Flushes do not end. */
  readonly #stall = new Barrier();
  /** Nothing ends, since the process stands still. */
  readonly #hold = new Barrier();
  #gone = false;

  constructor(disk: FileSystem) {
    this.#disk = disk;
  }

  get stalled(): boolean {
    return this.#stall.closed;
  }

  set stalled(stalled: boolean) {
    this.#stall.closed = stalled;
  }

  set held(held: boolean) {
    this.#hold.closed = held;
  }

  /** The process is gone: what it has under way does not reach the disk any more. */
  cut(): void {
    this.#gone = true;
    this.#stall.closed = false;
    this.#hold.closed = false;
  }

  open(path: string, options: { readonly create: boolean }): Promise<FileHandle> {
    return this.#do(async () => {
      const handle = await this.#disk.open(path, options);
      return {
        size: () => this.#do(() => handle.size()),
        read: (position, length) => this.#do(() => handle.read(position, length)),
        write: (position, pieces) => this.#do(() => handle.write(position, pieces)),
        flush: () => this.#flush(() => handle.flush()),
        close: () => this.#do(() => handle.close()),
      };
    });
  }

  list(folder: string): Promise<readonly string[]> {
    return this.#do(() => this.#disk.list(folder));
  }

  makeFolder(folder: string): Promise<void> {
    return this.#do(() => this.#disk.makeFolder(folder));
  }

  rename(from: string, to: string): Promise<void> {
    return this.#do(() => this.#disk.rename(from, to));
  }

  remove(path: string): Promise<void> {
    return this.#do(() => this.#disk.remove(path));
  }

  flushFolder(folder: string): Promise<void> {
    return this.#flush(() => this.#disk.flushFolder(folder));
  }

  async #do<T>(operation: () => Promise<T>): Promise<T> {
    await this.#hold.passed();
    if (this.#gone) throw new Error("the node was killed");
    return operation();
  }

  async #flush(operation: () => Promise<void>): Promise<void> {
    // A disk answers later, in a turn of its own: what arrives meanwhile is the next batch.
    await new Promise((resolve) => setImmediate(resolve));
    await this.#stall.passed();
    return this.#do(operation);
  }
}

class Barrier {
  #gate: Promise<void> | null = null;
  #open: () => void = () => {};

  get closed(): boolean {
    return this.#gate !== null;
  }

  set closed(closed: boolean) {
    if (closed === (this.#gate !== null)) return;
    if (closed) {
      this.#gate = new Promise((resolve) => {
        this.#open = resolve;
      });
    } else {
      this.#gate = null;
      this.#open();
    }
  }

  async passed(): Promise<void> {
    while (this.#gate !== null) await this.#gate;
  }
}
