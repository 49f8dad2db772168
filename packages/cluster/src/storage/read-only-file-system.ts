import { open as openFile, readdir, stat } from "node:fs/promises";
import { resolve as absolute, join } from "node:path";
import type { FileHandle, FileSystem } from "./file-system.ts";
import { holderOf, lockFileName } from "./folder-lock.ts";
import { misplaced, StorageError } from "./storage-error.ts";

/**
 * A data folder of this machine to look at: nothing in it can be changed, not even its lock.
 * @throws {StorageError} if there is no such folder, or a running process uses it: what it is writing would look like damage.
 */
export async function openReadOnlyFileSystem(folder: string): Promise<FileSystem> {
  const root = absolute(folder);
  const found = await stat(root).catch(() => null);
  if (found === null || !found.isDirectory()) throw new StorageError(root, null, "there is no such folder");
  const holder = await holderOf(root);
  if (holder !== null) {
    throw new StorageError(root, null, `${holder} uses the folder; stop it first, or look at a copy of the folder`);
  }
  return new ReadOnlyFileSystem(root);
}

class ReadOnlyFileSystem implements FileSystem {
  private readonly root: string;

  constructor(root: string) {
    this.root = root;
  }

  async open(path: string, options: { readonly create: boolean }): Promise<FileHandle> {
    if (options.create) throw refused(path);
    const full = join(this.root, path);
    // The system opens a folder for reading, and fails only when it is read.
    if ((await stat(full)).isDirectory()) throw misplaced(path, Object.assign(new Error(), { code: "EISDIR" }));
    const handle = await openFile(full, "r").catch((error: unknown) => {
      throw misplaced(path, error);
    });
    return {
      size: async () => (await handle.stat()).size,
      read: async (position, length) => {
        const target = Buffer.alloc(Math.max(0, Math.min(length, (await handle.stat()).size - position)));
        const { bytesRead } = await handle.read(target, 0, target.length, position);
        return target.subarray(0, bytesRead);
      },
      write: () => Promise.reject(refused(path)),
      flush: () => Promise.reject(refused(path)),
      close: () => handle.close(),
    };
  }

  async list(folder: string): Promise<readonly string[]> {
    try {
      const names = await readdir(join(this.root, folder));
      return names.filter((name) => folder !== "" || !name.startsWith(lockFileName)).sort();
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === "ENOENT") return [];
      throw misplaced(folder, error);
    }
  }

  makeFolder(folder: string): Promise<void> {
    return Promise.reject(refused(folder));
  }

  rename(from: string): Promise<void> {
    return Promise.reject(refused(from));
  }

  remove(path: string): Promise<void> {
    return Promise.reject(refused(path));
  }

  flushFolder(folder: string): Promise<void> {
    return Promise.reject(refused(folder));
  }
}

function refused(path: string): Error {
  return new Error(`${path}: the folder was opened for looking only`);
}
