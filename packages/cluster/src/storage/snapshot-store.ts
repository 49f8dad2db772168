import type { FileSystem } from "./file-system.ts";
import type { LogPosition } from "./log-view.ts";
import { readPieces, readSnapshotHeader } from "./snapshot-file.ts";
import { createImageWriter, createReceiver } from "./snapshot-writers.ts";
import type { SnapshotMeta, SnapshotReader, SnapshotWriter } from "./storage.ts";
import { rejoinAdvice, StorageError } from "./storage-error.ts";

/** Folder of the snapshots. */
export const snapshotFolder = "snapshots";
const snapshotName = /^(\d{20})-(\d{20})\.snap$/;

/** A snapshot on disk and who reads it. */
interface Stored {
  readonly meta: SnapshotMeta;
  path: string;
  readers: number;
}

/**
 * The snapshots of a node: `snapshots/<index>-<term>.snap` counts, `.received` is whole and waits for the log to switch
 * to it, `.part` is being written. Keeps the newest, and any that is still being read.
 */
export class SnapshotStore {
  private readonly files: FileSystem;
  private readonly clusterId: string;
  private newest: Stored | null = null;
  private readonly stale = new Set<Stored>();
  private parts = 0;
  /** File operations happen one after the other, so that a reader never opens a name that is being changed. */
  private busy: Promise<void> = Promise.resolve();

  constructor(files: FileSystem, clusterId: string) {
    this.files = files;
    this.clusterId = clusterId;
  }

  get current(): SnapshotMeta | null {
    return this.newest?.meta ?? null;
  }

  /**
   * Finds the newest snapshot and removes what never counted. A received one counts if the log switched to it.
   * @throws {StorageError} if the newest is damaged, or the one that the log restarted at is missing.
   */
  async recover(reset: LogPosition | null): Promise<void> {
    const names = await this.files.list(snapshotFolder);
    let best = names.filter((name) => snapshotName.test(name)).at(-1) ?? null;
    const received = reset === null ? null : `${baseName(reset)}.received`;
    if (reset !== null && (best === null || indexOf(best) < reset.index)) {
      if (received === null || !names.includes(received)) {
        const problem = `the snapshot at index ${reset.index}, term ${reset.term}, is missing and the log starts at it; ${rejoinAdvice}`;
        throw new StorageError(snapshotFolder, null, problem);
      }
      best = `${baseName(reset)}.snap`;
      await this.files.rename(`${snapshotFolder}/${received}`, `${snapshotFolder}/${best}`);
    }
    if (best !== null) await this.load(`${snapshotFolder}/${best}`);
    await this.files.flushFolder(snapshotFolder);
    for (const name of names) {
      if (name !== best && name !== received) await this.files.remove(`${snapshotFolder}/${name}`);
    }
    if (received !== null && names.includes(received) && best !== `${baseName(reset ?? zero)}.snap`) {
      await this.files.remove(`${snapshotFolder}/${received}`);
    }
  }

  /** An image of our own state machine; after its commit it is the newest, and `published` is called. */
  write(meta: SnapshotMeta, published: () => void): Promise<SnapshotWriter> {
    const part = this.partPath(meta);
    return createImageWriter(this.files, part, meta, this.clusterId, () =>
      this.exclusively(async () => {
        if (this.newest !== null && this.newest.meta.index >= meta.index) return this.files.remove(part);
        const path = `${snapshotFolder}/${baseName(meta)}.snap`;
        await this.files.rename(part, path);
        await this.files.flushFolder(snapshotFolder);
        await this.replace({ meta, path, readers: 0 }, published);
      }),
    );
  }

  receive(meta: SnapshotMeta): Promise<SnapshotWriter> {
    const part = this.partPath(meta);
    return createReceiver(this.files, part, meta, this.clusterId, () =>
      this.exclusively(async () => {
        await this.files.rename(part, `${snapshotFolder}/${baseName(meta)}.received`);
        await this.files.flushFolder(snapshotFolder);
      }),
    );
  }

  /** The log switched, durably, to a received snapshot. */
  install(meta: SnapshotMeta): Promise<void> {
    return this.exclusively(async () => {
      const path = `${snapshotFolder}/${baseName(meta)}.snap`;
      await this.files.rename(`${snapshotFolder}/${baseName(meta)}.received`, path);
      await this.files.flushFolder(snapshotFolder);
      await this.replace({ meta, path, readers: 0 }, () => {});
    });
  }

  async open(): Promise<SnapshotReader | null> {
    let reader: SnapshotReader | null = null;
    await this.exclusively(async () => {
      if (this.newest !== null) reader = await this.reader(this.newest);
    });
    return reader;
  }

  async settled(): Promise<void> {
    await this.busy;
  }

  private async reader(stored: Stored): Promise<SnapshotReader> {
    const path = stored.path;
    const handle = await this.files.open(path, { create: false });
    const header = await readSnapshotHeader(handle, path);
    stored.readers += 1;
    let open = true;
    return {
      meta: stored.meta,
      bytes: await handle.size(),
      pieces: () => readPieces(handle, path, header),
      read: (position, length) => handle.read(position, length),
      close: async () => {
        if (!open) return;
        open = false;
        await handle.close();
        stored.readers -= 1;
        await this.exclusively(() => this.removeStale());
      },
    };
  }

  private async load(path: string): Promise<void> {
    const handle = await this.files.open(path, { create: false });
    try {
      const header = await readSnapshotHeader(handle, path);
      if (header.clusterId !== this.clusterId) {
        const problem = `the snapshot is of cluster ${header.clusterId}, this folder of ${this.clusterId}; move it away`;
        throw new StorageError(path, 32, problem);
      }
      await handle.flush();
      this.newest = { meta: header.meta, path, readers: 0 };
    } finally {
      await handle.close();
    }
  }

  private async replace(stored: Stored, published: () => void): Promise<void> {
    if (this.newest !== null) this.stale.add(this.newest);
    this.newest = stored;
    published();
    await this.removeStale();
  }

  private async removeStale(): Promise<void> {
    for (const stored of this.stale) {
      if (stored.readers > 0) continue;
      this.stale.delete(stored);
      await this.files.remove(stored.path);
    }
  }

  private exclusively(work: () => Promise<void>): Promise<void> {
    const result = this.busy.then(work);
    this.busy = result.catch(() => {});
    return result;
  }

  private partPath(meta: SnapshotMeta): string {
    this.parts += 1;
    return `${snapshotFolder}/${baseName(meta)}-${this.parts}.part`;
  }
}

const zero: LogPosition = { index: 0, term: 0 };

function baseName(position: LogPosition): string {
  return `${String(position.index).padStart(20, "0")}-${String(position.term).padStart(20, "0")}`;
}

function indexOf(name: string): number {
  return Number(name.slice(0, 20));
}
