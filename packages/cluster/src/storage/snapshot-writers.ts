import type { FileHandle, FileSystem } from "./file-system.ts";
import {
  encodePieceHeader,
  encodeSnapshotFooter,
  encodeSnapshotHeader,
  lastChecksum,
  readPieces,
  readSnapshotHeader,
} from "./snapshot-file.ts";
import type { SnapshotMeta, SnapshotWriter } from "./storage.ts";
import { repairAdvice, StorageError } from "./storage-error.ts";

/** Flushed in steps of this size: one flush of a large file would hold up those of the log. */
const flushEveryBytes = 4 << 20;

/** A file under construction: removed unless it is completed. */
class PartFile {
  readonly path: string;
  private readonly files: FileSystem;
  private readonly handle: FileHandle;
  private offset = 0;
  private unflushed = 0;
  private open = true;

  constructor(files: FileSystem, path: string, handle: FileHandle) {
    this.files = files;
    this.path = path;
    this.handle = handle;
  }

  async write(pieces: readonly Uint8Array[]): Promise<void> {
    if (!this.open) throw new Error(`${this.path}: the snapshot was committed or aborted before this write`);
    await this.handle.write(this.offset, pieces);
    for (const piece of pieces) {
      this.offset += piece.length;
      this.unflushed += piece.length;
    }
    if (this.unflushed < flushEveryBytes) return;
    this.unflushed = 0;
    await this.handle.flush();
  }

  /** Flushes, lets `check` read it, closes. Removed if any of that fails. */
  async finish(check: (handle: FileHandle) => Promise<void>): Promise<void> {
    if (!this.open) throw new Error(`${this.path}: the snapshot was committed or aborted before`);
    try {
      await this.handle.flush();
      await check(this.handle);
    } catch (error) {
      await this.discard();
      throw error;
    }
    this.open = false;
    await this.handle.close();
  }

  async discard(): Promise<void> {
    if (!this.open) return;
    this.open = false;
    await this.handle.close();
    await this.files.remove(this.path);
  }
}

/** Writes an image of our own; `publish` names the finished file. */
export async function createImageWriter(
  files: FileSystem,
  path: string,
  meta: SnapshotMeta,
  clusterId: string,
  publish: () => Promise<void>,
): Promise<SnapshotWriter> {
  const part = new PartFile(files, path, await files.open(path, { create: true }));
  const header = encodeSnapshotHeader(meta, clusterId);
  await part.write([header]).catch((error) => discardAndThrow(part, error));
  let seed = lastChecksum(header);
  let pieces = 0;
  let dataBytes = 0;
  return {
    async write(piece) {
      const pieceHeader = encodePieceHeader(piece, seed);
      await part.write([pieceHeader, piece]);
      seed = lastChecksum(pieceHeader);
      pieces += 1;
      dataBytes += piece.length;
    },
    async commit() {
      await part.write([encodeSnapshotFooter(pieces, dataBytes, seed)]);
      await part.finish(async () => {});
      await publish();
    },
    abort: () => part.discard(),
  };
}

/** Writes an image that a peer sends; before `publish`, all of it is checked. */
export async function createReceiver(
  files: FileSystem,
  path: string,
  meta: SnapshotMeta,
  clusterId: string,
  publish: () => Promise<void>,
): Promise<SnapshotWriter> {
  const part = new PartFile(files, path, await files.open(path, { create: true }));
  return {
    write: (piece) => part.write([piece]),
    async commit() {
      await part
        .finish((handle) => checkImage(handle, path, meta, clusterId))
        .catch((error: unknown) => {
          throw withoutAdvice(error);
        });
      await publish();
    },
    abort: () => part.discard(),
  };
}

/** @throws {StorageError} unless the file is a whole snapshot of this cluster, at the index and term announced. */
async function checkImage(handle: FileHandle, path: string, meta: SnapshotMeta, clusterId: string): Promise<void> {
  const header = await readSnapshotHeader(handle, path);
  if (header.clusterId !== clusterId) {
    throw new StorageError(path, 32, `the snapshot is of cluster ${header.clusterId}, this node of ${clusterId}`);
  }
  if (header.meta.index !== meta.index || header.meta.term !== meta.term) {
    const found = `index ${header.meta.index}, term ${header.meta.term}`;
    throw new StorageError(
      path,
      16,
      `the snapshot is of ${found}; announced was index ${meta.index}, term ${meta.term}`,
    );
  }
  for await (const piece of readPieces(handle, path, header)) void piece;
}

/** What a peer sent is nothing of ours: it is dropped, and there is nothing for an operator to do. */
function withoutAdvice(error: unknown): unknown {
  if (!(error instanceof StorageError && error.isDamage)) return error;
  return new StorageError(error.file, error.offset, error.problem.replace(`; ${repairAdvice}`, ""));
}

async function discardAndThrow(part: PartFile, error: unknown): Promise<never> {
  await part.discard();
  throw error;
}
