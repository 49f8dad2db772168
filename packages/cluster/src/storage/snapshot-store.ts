import type { FileSystem } from "./file-system.ts";
import type { LogPosition } from "./log-view.ts";
import { damagedSuffix, freeName } from "./set-aside.ts";
import { readPieces, readSnapshotHeader } from "./snapshot-file.ts";
import { createImageWriter, createReceiver } from "./snapshot-writers.ts";
import type { SnapshotMeta, SnapshotReader, SnapshotWriter } from "./storage.ts";
import { damage, StorageError } from "./storage-error.ts";

/** Folder of the snapshots, within the data folder. */
export const snapshotFolder = "snapshots";
const snapshotName = /^(\d{20})-(\d{20})\.snap$/;

/** A snapshot on disk and who reads it. */
interface Stored {
  readonly meta: SnapshotMeta;
  readonly bytes: number;
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
  /** Path of a received snapshot that the log was not told to switch to. */
  private staged: string | null = null;
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

  /** Bytes of its file; 0 if there is none. */
  get currentBytes(): number {
    return this.newest?.bytes ?? 0;
  }

  /**
   * Finds the newest snapshot and removes what never counted. A received one counts if the log switched to it.
   * @throws {StorageError} if the newest is damaged, or if the one that the log restarted at is missing, or one at
   * `atLeast` or later.
   */
  async recover(reset: LogPosition | null, atLeast: number): Promise<void> {
    const names = await this.files.list(snapshotFolder);
    let best = names.filter((name) => snapshotName.test(name)).at(-1) ?? null;
    if (reset !== null && (best === null || indexOf(best) <= reset.index)) {
      const name = `${baseName(reset)}.snap`;
      const received = `${baseName(reset)}.received`;
      if (names.includes(received)) {
        await this.files.rename(`${snapshotFolder}/${received}`, `${snapshotFolder}/${name}`);
      } else if (!names.includes(name)) {
        const problem = `the snapshot at index ${reset.index}, term ${reset.term}, is missing and the log starts at it`;
        throw damage(snapshotFolder, null, problem);
      }
      best = name;
    }
    if ((best === null ? 0 : indexOf(best)) < atLeast) {
      throw damage(snapshotFolder, null, `the snapshot at index ${atLeast} or a later one is missing`);
    }
    if (best !== null) await this.load(`${snapshotFolder}/${best}`);
    await this.files.flushFolder(snapshotFolder);
    await this.removeAllBut(best);
  }

  /**
   * Finds the newest snapshot that is sound to its last byte, and sets aside those that are not.
   * @returns what is wrong with the newest one, or null.
   * @throws {StorageError} if one is of another cluster or of a version that this build does not know.
   */
  async salvage(reset: LogPosition | null, atLeast: number): Promise<StorageError | null> {
    let problem: StorageError | null = null;
    const names = await this.files.list(snapshotFolder);
    const received = reset === null ? null : `${baseName(reset)}.received`;
    const candidates = names.filter((name) => snapshotName.test(name) || name === received);
    for (const name of candidates.reverse()) {
      const path = `${snapshotFolder}/${name}`;
      const fault = await this.faultOf(path);
      if (fault === null) {
        const whole = path.replace(/\.received$/, ".snap");
        if (whole !== path) await this.files.rename(path, whole);
        await this.load(whole);
        break;
      }
      problem ??= fault;
      await this.files.rename(path, await freeName(this.files, snapshotFolder, name));
    }
    await this.files.flushFolder(snapshotFolder);
    await this.removeAllBut(this.newest?.path.slice(snapshotFolder.length + 1) ?? null);
    if (problem === null && (this.newest?.meta.index ?? 0) < atLeast) {
      return damage(snapshotFolder, null, `the snapshot at index ${atLeast} or a later one is missing`);
    }
    return problem;
  }

  /** An image of our own state machine; after its commit it is the newest, and `published` is called. */
  write(meta: SnapshotMeta, published: () => Promise<void>): Promise<SnapshotWriter> {
    const part = this.partPath(meta);
    return createImageWriter(this.files, part, meta, this.clusterId, () =>
      this.exclusively(async () => {
        if (this.newest !== null && this.newest.meta.index >= meta.index) return this.files.remove(part);
        const path = `${snapshotFolder}/${baseName(meta)}.snap`;
        await this.files.rename(part, path);
        await this.files.flushFolder(snapshotFolder);
        await this.replace(meta, path, published);
      }),
    );
  }

  receive(meta: SnapshotMeta): Promise<SnapshotWriter> {
    const part = this.partPath(meta);
    return createReceiver(this.files, part, meta, this.clusterId, () =>
      this.exclusively(async () => {
        const path = `${snapshotFolder}/${baseName(meta)}.received`;
        await this.files.rename(part, path);
        await this.files.flushFolder(snapshotFolder);
        // The one before was never switched to, and now never will be.
        if (this.staged !== null && this.staged !== path) await this.files.remove(this.staged);
        this.staged = path;
      }),
    );
  }

  /** The log is about to switch to a received snapshot: it stays until {@link install}. */
  claim(meta: SnapshotMeta): void {
    if (this.staged === `${snapshotFolder}/${baseName(meta)}.received`) this.staged = null;
  }

  /** The log switched, durably, to a received snapshot. */
  install(meta: SnapshotMeta): Promise<void> {
    return this.exclusively(async () => {
      const path = `${snapshotFolder}/${baseName(meta)}.snap`;
      await this.files.rename(`${snapshotFolder}/${baseName(meta)}.received`, path);
      await this.files.flushFolder(snapshotFolder);
      await this.replace(meta, path, async () => {});
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
      // What a peer announced of its image is less than what is in it.
      meta: header.meta,
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
        throw foreign(path, header.clusterId, this.clusterId);
      }
      if (path !== `${snapshotFolder}/${baseName(header.meta)}.snap`) {
        const { index, term } = header.meta;
        throw damage(path, 16, `the snapshot is of index ${index}, term ${term}, and not what its name says`);
      }
      await handle.flush();
      this.newest = { meta: header.meta, bytes: await handle.size(), path, readers: 0 };
    } finally {
      await handle.close();
    }
  }

  /** Reads a snapshot whole. @throws {StorageError} if it is not damaged and yet cannot be used. */
  private async faultOf(path: string): Promise<StorageError | null> {
    const handle = await this.files.open(path, { create: false });
    try {
      const header = await readSnapshotHeader(handle, path);
      if (header.clusterId !== this.clusterId) throw foreign(path, header.clusterId, this.clusterId);
      const name = path.slice(snapshotFolder.length + 1).replace(/\.(received|snap)$/, "");
      if (name !== baseName(header.meta)) return damage(path, 16, "the snapshot is not what its name says");
      for await (const piece of readPieces(handle, path, header)) void piece;
      return null;
    } catch (error) {
      if (error instanceof StorageError && error.isDamage) return error;
      throw error;
    } finally {
      await handle.close();
    }
  }

  private async removeAllBut(kept: string | null): Promise<void> {
    for (const name of await this.files.list(snapshotFolder)) {
      if (name === kept || name.endsWith(damagedSuffix)) continue;
      await this.files.remove(`${snapshotFolder}/${name}`);
    }
  }

  private async replace(meta: SnapshotMeta, path: string, published: () => Promise<void>): Promise<void> {
    const bytes = await this.sizeOf(path);
    // A received snapshot may replace our own of the same index: then the rename already did away with that file.
    if (this.newest !== null && this.newest.path !== path) this.stale.add(this.newest);
    this.newest = { meta, bytes, path, readers: 0 };
    await published();
    await this.removeStale();
  }

  private async sizeOf(path: string): Promise<number> {
    const handle = await this.files.open(path, { create: false });
    try {
      return await handle.size();
    } finally {
      await handle.close();
    }
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

function baseName(position: LogPosition): string {
  return `${String(position.index).padStart(20, "0")}-${String(position.term).padStart(20, "0")}`;
}

function indexOf(name: string): number {
  return Number(name.slice(0, 20));
}

function foreign(path: string, found: string, expected: string): StorageError {
  return new StorageError(path, 32, `the snapshot is of cluster ${found}, this folder of ${expected}; move it away`);
}
