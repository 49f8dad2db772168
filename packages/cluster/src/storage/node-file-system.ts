import * as fs from "node:fs";
import { mkdir, open as openFile, readdir, rename, stat, unlink } from "node:fs/promises";
import { resolve as absolute, dirname, join } from "node:path";
import type { FileHandle, FileSystem } from "./file-system.ts";
import { type FolderLock, lockFileName, lockFolder } from "./folder-lock.ts";
import { misplaced, StorageError } from "./storage-error.ts";

/**
 * Up to this size a write goes to the page cache on the calling thread: some ten microseconds, where a round trip
 * through the thread pool costs more. Flushes never do.
 */
const blockingWriteBytes = 256 << 10;

/** Files under one folder of this machine, for one process alone. */
export interface NodeFileSystem extends FileSystem {
  /** Lets go of the folder. */
  close(): Promise<void>;
}

/** The folder that a {@link NodeFileSystem} stays in. */
export interface NodeFileSystemOptions {
  /** The data folder; created if absent. */
  readonly root: string;
}

/**
 * Opens a data folder on this machine and locks it.
 * @throws {StorageError} naming the process and the path if another running process holds the folder.
 */
export async function openNodeFileSystem(options: NodeFileSystemOptions): Promise<NodeFileSystem> {
  const root = absolute(options.root);
  await makeDurable(root);
  return new RealFileSystem(root, await lockFolder(root));
}

/** A folder that a power failure takes back would make its node forget that it ever voted. */
async function makeDurable(root: string): Promise<void> {
  const firstMade = await makeFolders(root);
  if (firstMade === undefined) return;
  for (let folder = root; folder !== dirname(firstMade); folder = dirname(folder)) await flushEntries(dirname(folder));
}

/**
 * Makes a folder and those above it. @returns the topmost that was made, if any. Node's own way tries for ever where the system says of a
 * folder that is there that it is not, as /proc does.
 */
async function makeFolders(folder: string): Promise<string | undefined> {
  try {
    await mkdir(folder);
    return folder;
  } catch (error) {
    if (await isFolder(folder)) return undefined;
    // The system says of a link that leads nowhere that it is there, and Node that nothing is behind it.
    await stat(folder).catch((missing: NodeJS.ErrnoException) => {
      if ((error as NodeJS.ErrnoException).code === "EEXIST") throw missing;
    });
    if ((error as NodeJS.ErrnoException).code !== "ENOENT" || dirname(folder) === folder) throw error;
  }
  const above = await makeFolders(dirname(folder));
  await mkdir(folder);
  return above ?? folder;
}

function isFolder(path: string): Promise<boolean> {
  return stat(path).then(
    (found) => found.isDirectory(),
    () => false,
  );
}

async function flushEntries(folder: string): Promise<void> {
  // Windows cannot open a folder, and journals its metadata by itself.
  if (process.platform === "win32") return;
  const handle = await openFile(folder, "r");
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

class RealFileSystem implements NodeFileSystem {
  private readonly root: string;
  private readonly lock: FolderLock;

  constructor(root: string, lock: FolderLock) {
    this.root = root;
    this.lock = lock;
  }

  async open(path: string, options: { readonly create: boolean }): Promise<FileHandle> {
    const flags = options.create ? "wx+" : "r+";
    const full = this.path(path);
    return new RealFileHandle(
      path,
      await new Promise<number>((resolve, reject) => {
        fs.open(full, flags, 0o600, (error, fd) => (error === null ? resolve(fd) : reject(misplaced(path, error))));
      }),
    );
  }

  async list(folder: string): Promise<readonly string[]> {
    try {
      const names = await readdir(this.path(folder));
      return names.filter((name) => folder !== "" || !name.startsWith(lockFileName)).sort();
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === "ENOENT") return [];
      throw misplaced(folder, error);
    }
  }

  async makeFolder(folder: string): Promise<void> {
    await mkdir(this.path(folder), { recursive: true });
  }

  rename(from: string, to: string): Promise<void> {
    return rename(this.path(from), this.path(to));
  }

  remove(path: string): Promise<void> {
    return unlink(this.path(path));
  }

  flushFolder(folder: string): Promise<void> {
    return flushEntries(this.path(folder));
  }

  close(): Promise<void> {
    return this.lock.release();
  }

  private path(path: string): string {
    if (path.split("/").some((part) => part === ".." || part === ".") || path.startsWith("/")) {
      throw new RangeError(`path "${path}" is not inside the data folder`);
    }
    return join(this.root, path);
  }
}

class RealFileHandle implements FileHandle {
  private readonly path: string;
  private readonly fd: number;
  private open = true;

  constructor(path: string, fd: number) {
    this.path = path;
    this.fd = fd;
  }

  size(): Promise<number> {
    return new Promise((resolve, reject) => {
      fs.fstat(this.fd, (error, stats) => (error === null ? resolve(stats.size) : reject(error)));
    });
  }

  async read(position: number, length: number): Promise<Uint8Array> {
    const available = Math.max(0, Math.min(length, (await this.size()) - position));
    const target = Buffer.allocUnsafeSlow(available);
    let done = 0;
    while (done < available) {
      const count = await this.readSome(target, done, position + done);
      if (count === 0) break;
      done += count;
    }
    return target.subarray(0, done);
  }

  async write(position: number, pieces: readonly Uint8Array[]): Promise<void> {
    let at = position;
    for (const piece of pieces) {
      const blocking = piece.length <= blockingWriteBytes;
      let done = 0;
      while (done < piece.length) {
        const count = blocking
          ? fs.writeSync(this.fd, piece, done, piece.length - done, at)
          : await this.writeSome(piece, done, at);
        if (count === 0) throw new StorageError(this.path, at, "the system wrote nothing and gave no reason");
        done += count;
        at += count;
      }
    }
  }

  flush(): Promise<void> {
    return new Promise((resolve, reject) => {
      fs.fdatasync(this.fd, (error) => (error === null ? resolve() : reject(error)));
    });
  }

  close(): Promise<void> {
    if (!this.open) return Promise.resolve();
    this.open = false;
    return new Promise((resolve, reject) => {
      fs.close(this.fd, (error) => (error == null ? resolve() : reject(error)));
    });
  }

  private readSome(target: Buffer, offset: number, position: number): Promise<number> {
    return new Promise((resolve, reject) => {
      fs.read(this.fd, target, offset, target.length - offset, position, (error, count) =>
        error === null ? resolve(count) : reject(error),
      );
    });
  }

  private writeSome(piece: Uint8Array, offset: number, position: number): Promise<number> {
    return new Promise((resolve, reject) => {
      fs.write(this.fd, piece, offset, piece.length - offset, position, (error, count) =>
        error === null ? resolve(count) : reject(error),
      );
    });
  }
}
