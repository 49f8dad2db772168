import type { FileHandle, FileSystem } from "../storage/file-system.ts";

/** What a write replaced, for as long as a power failure would bring it back. */
interface Replaced {
  readonly position: number;
  readonly bytes: Buffer;
  readonly size: number;
}

interface Inode {
  /** Its room; behind `size` all zeros. */
  bytes: Buffer;
  size: number;
  readonly unflushed: Replaced[];
}

/** Names as they are now, or as they are on disk. */
interface Tree {
  readonly files: Map<string, Inode>;
  readonly folders: Set<string>;
}

/**
 * A disk in memory that forgets, when its power fails, exactly what was not flushed. It outlives the node that uses it, and
 * leaves nothing behind on the machine.
 */
export class MemoryDisk implements FileSystem {
  #now: Tree = { files: new Map(), folders: new Set([""]) };
  #durable: Tree = { files: new Map(), folders: new Set([""]) };

  /** Writes without a flush, and changes of names in folders without one, are gone. Whoever used the disk must not go on. */
  losePower(): void {
    const folders = new Set([...this.#durable.folders].filter((folder) => this.#durable.folders.has(folderOf(folder))));
    const files = new Map([...this.#durable.files].filter(([path]) => folders.has(folderOf(path))));
    this.#durable = { files, folders };
    this.#now = { files: new Map(files), folders: new Set(folders) };
    for (const inode of files.values()) {
      for (let replaced = inode.unflushed.pop(); replaced !== undefined; replaced = inode.unflushed.pop()) {
        replaced.bytes.copy(inode.bytes, replaced.position);
        if (replaced.size < inode.size) inode.bytes.fill(0, replaced.size, inode.size);
        inode.size = replaced.size;
      }
    }
  }

  async open(path: string, options: { readonly create: boolean }): Promise<FileHandle> {
    const { files, folders } = this.#now;
    const found = files.get(path);
    if (options.create) {
      if (found !== undefined) throw failure("EEXIST", "the file exists", path);
      if (!folders.has(folderOf(path))) throw failure("ENOENT", "no such folder", path);
      const made: Inode = { bytes: Buffer.alloc(0), size: 0, unflushed: [] };
      files.set(path, made);
      return handleOf(made);
    }
    if (found === undefined) throw failure("ENOENT", "no such file", path);
    return handleOf(found);
  }

  async list(folder: string): Promise<readonly string[]> {
    const paths = [...this.#now.files.keys(), ...this.#now.folders];
    const inside = paths.filter((path) => path !== "" && folderOf(path) === folder);
    return inside.map((path) => path.slice(folder === "" ? 0 : folder.length + 1)).sort();
  }

  async makeFolder(folder: string): Promise<void> {
    const parent = folderOf(folder);
    if (!this.#now.folders.has(parent)) await this.makeFolder(parent);
    this.#now.folders.add(folder);
  }

  async rename(from: string, to: string): Promise<void> {
    const inode = this.#now.files.get(from);
    if (inode === undefined) throw failure("ENOENT", "no such file", from);
    this.#now.files.delete(from);
    this.#now.files.set(to, inode);
  }

  async remove(path: string): Promise<void> {
    if (!this.#now.files.delete(path)) throw failure("ENOENT", "no such file", path);
  }

  async flushFolder(folder: string): Promise<void> {
    const lies = (path: string) => path !== "" && folderOf(path) === folder;
    for (const path of this.#durable.files.keys()) if (lies(path)) this.#durable.files.delete(path);
    for (const [path, inode] of this.#now.files) if (lies(path)) this.#durable.files.set(path, inode);
    for (const path of this.#now.folders) if (lies(path)) this.#durable.folders.add(path);
  }
}

function handleOf(inode: Inode): FileHandle {
  return {
    size: async () => inode.size,
    read: async (position, length) =>
      Buffer.from(inode.bytes.subarray(position, Math.min(inode.size, position + length))),
    write: async (position, pieces) => {
      const end = pieces.reduce((sum, piece) => sum + piece.length, position);
      const { size } = inode;
      inode.unflushed.push({ position, bytes: Buffer.from(inode.bytes.subarray(position, Math.min(size, end))), size });
      if (end > inode.bytes.length) {
        // Twice as much, so that a file that grows by small writes is not copied with each of them.
        inode.bytes = Buffer.concat([inode.bytes], Math.max(end, 2 * inode.bytes.length));
      }
      let at = position;
      for (const piece of pieces) {
        inode.bytes.set(piece, at);
        at += piece.length;
      }
      inode.size = Math.max(size, end);
    },
    flush: async () => {
      inode.unflushed.length = 0;
    },
    close: async () => {},
  };
}

function folderOf(path: string): string {
  return path.includes("/") ? path.slice(0, path.lastIndexOf("/")) : "";
}

function failure(code: string, problem: string, path: string): Error {
  return Object.assign(new Error(`${code}: ${problem}, "${path}"`), { code });
}
