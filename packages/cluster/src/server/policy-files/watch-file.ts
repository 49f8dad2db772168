import { type FSWatcher, type Stats, watch } from "node:fs";
import { open, stat } from "node:fs/promises";
import { dirname, resolve } from "node:path";

/** Who is told of a watched file, one call after the other: none begins before the promise of the last one is settled. */
export interface FileListener {
  /** The file's text, now and after every change of it; the same text twice in a row is told once. */
  readonly changed: (text: string) => void | Promise<void>;
  /** The file cannot be read; told once until it can. */
  readonly unreadable: (error: Error) => void | Promise<void>;
}

/** How closely a file is watched. */
export interface WatchFileOptions {
  /** Between two looks that nothing prompted, in milliseconds. Default 1,000: for file systems that report nothing. */
  readonly pollMs?: number;
  /** The file must have been left alone for so long before it is read. Default 50: writers truncate first, and fill then. */
  readonly settleMs?: number;
  /** A larger file is not read. Default 1 MiB. */
  readonly maxBytes?: number;
}

/** A file that is being watched. */
export interface WatchedFile {
  /** Ends it, once what is being told has been told. */
  close(): Promise<void>;
}

/**
 * Watches a file by its name, not by its inode: editors write a new file and rename it over the old one, and Kubernetes swaps
 * a link in the folder. The folder's events only prompt a look; what counts is what the look finds, so that none that is missed matters.
 */
export function watchFile(file: string, listener: FileListener, options: WatchFileOptions = {}): WatchedFile {
  return new Watcher(resolve(file), listener, options);
}

class Watcher implements WatchedFile {
  readonly #file: string;
  readonly #listener: FileListener;
  readonly #pollMs: number;
  readonly #settleMs: number;
  readonly #maxBytes: number;
  #folder: FSWatcher | null = null;
  /** What the file was like when it was last read. */
  #seen = "";
  #text: string | null = null;
  #complained = false;
  #closed = false;
  /** Ends the pause between two looks. */
  #wake: () => void = () => {};
  /** Something happened while nobody paused. */
  #prompted = false;
  readonly #looking: Promise<void>;

  constructor(file: string, listener: FileListener, options: WatchFileOptions) {
    this.#file = file;
    this.#listener = listener;
    this.#pollMs = options.pollMs ?? 1_000;
    this.#settleMs = options.settleMs ?? 50;
    this.#maxBytes = options.maxBytes ?? 1_048_576;
    this.#looking = this.#run();
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#folder?.close();
    this.#wake();
    await this.#looking;
  }

  async #run(): Promise<void> {
    while (!this.#closed) {
      this.#prompted = false;
      this.#openFolder();
      await this.#look();
      await this.#pause(this.#pollMs);
    }
  }

  async #look(): Promise<void> {
    try {
      let like = await this.#likeness();
      if (like === this.#seen) return;
      for (let last = ""; like !== last && !this.#closed; ) {
        last = like;
        await new Promise((done) => setTimeout(done, this.#settleMs));
        like = await this.#likeness();
      }
      const text = await this.#read();
      this.#seen = like;
      this.#complained = false;
      if (text === this.#text || this.#closed) return;
      this.#text = text;
      await this.#listener.changed(text);
    } catch (error) {
      // What was read before is told again once the file is back: whoever was told that it is gone should hear of it.
      this.#seen = "";
      this.#text = null;
      if (this.#complained || this.#closed) return;
      this.#complained = true;
      await this.#listener.unreadable(error instanceof Error ? error : new Error(String(error)));
    }
  }

  /** Everything by which a change shows. */
  async #likeness(): Promise<string> {
    const { dev, ino, size, mtimeMs, ctimeMs } = await stat(this.#file);
    return [dev, ino, size, mtimeMs, ctimeMs].join(" ");
  }

  async #read(): Promise<string> {
    const handle = await open(this.#file, "r");
    try {
      const stats: Stats = await handle.stat();
      if (!stats.isFile()) throw new Error(`${this.#file} is not a file`);
      if (stats.size > this.#maxBytes) {
        throw new Error(`${this.#file} has ${stats.size} bytes: it may have ${this.#maxBytes} at most`);
      }
      return await handle.readFile("utf8");
    } finally {
      await handle.close();
    }
  }

  #openFolder(): void {
    if (this.#folder !== null) return;
    try {
      const folder = watch(dirname(this.#file), { persistent: false }, () => {
        this.#prompted = true;
        this.#wake();
      });
      // The folder itself may go, and come back: the next round looks for it again, and until then there is the poll.
      folder.on("error", () => {
        folder.close();
        if (this.#folder === folder) this.#folder = null;
      });
      this.#folder = folder;
    } catch {
      this.#folder = null;
    }
  }

  #pause(ms: number): Promise<void> {
    if (this.#prompted || this.#closed) return Promise.resolve();
    return new Promise((done) => {
      const timer = setTimeout(done, ms);
      this.#wake = () => {
        clearTimeout(timer);
        done();
      };
    });
  }
}
