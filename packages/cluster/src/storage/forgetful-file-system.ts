import { mkdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { asBuffer } from "./bytes.ts";
import type { FileHandle } from "./file-system.ts";
import { type NodeFileSystem, openNodeFileSystem } from "./node-file-system.ts";

/** Real files that nobody could find after a power failure live here until their folder is flushed. */
const limbo = "unflushed";

/**
 * Real files that forget, when the process is killed, exactly what a power failure would have taken: writes are kept in memory
 * until `flush`, creations, renames and removals until `flushFolder`. Reads see all of it, as a page cache lets them.
 * `kill -9` alone leaves the page cache intact and proves nothing about flushing; over this file system it does.
 *
 * Renames stay within a folder, and a folder's parent is the root: the storage needs no more.
 */
export async function openForgetfulFileSystem(options: { readonly root: string }): Promise<NodeFileSystem> {
  const base = await openNodeFileSystem(options);
  const limboPath = join(options.root, limbo);
  await rm(limboPath, { recursive: true, force: true });
  await mkdir(limboPath);
  return new ForgetfulFileSystem(base);
}

/** A file's volatile content: what is on disk, and the writes that are not. */
interface Inode {
  realPath: string;
  size: number;
  readonly unflushed: { readonly position: number; readonly bytes: Buffer }[];
  /** Flushes follow one another. */
  flushing: Promise<void>;
}

type Change =
  | { readonly kind: "create"; readonly name: string; readonly inode: Inode }
  | { readonly kind: "rename"; readonly from: string; readonly to: string; readonly inode: Inode }
  | { readonly kind: "remove"; readonly name: string }
  | { readonly kind: "folder"; readonly name: string; readonly folder: Folder };

/** A folder as this process sees it, and the changes that are not on disk. */
interface Folder {
  realPath: string;
  readonly files: Map<string, Inode>;
  readonly unflushed: Change[];
}

class ForgetfulFileSystem implements NodeFileSystem {
  private readonly base: NodeFileSystem;
  private readonly folders = new Map<string, Promise<Folder>>();
  private made = 0;
  /** Changes of names follow one another. */
  private busy: Promise<unknown> = Promise.resolve();

  constructor(base: NodeFileSystem) {
    this.base = base;
  }

  open(path: string, options: { readonly create: boolean }): Promise<FileHandle> {
    return this.exclusively(async () => {
      const { folder, name } = await this.locate(path);
      const known = folder.files.get(name);
      if (!options.create) {
        if (known === undefined) throw failure("ENOENT", "no such file", path);
        return new ForgetfulFileHandle(known, await this.base.open(known.realPath, { create: false }));
      }
      if (known !== undefined) throw failure("EEXIST", "the file exists", path);
      const realPath = this.limboPath();
      const handle = await this.base.open(realPath, { create: true });
      const inode: Inode = { realPath, size: 0, unflushed: [], flushing: Promise.resolve() };
      folder.files.set(name, inode);
      folder.unflushed.push({ kind: "create", name, inode });
      return new ForgetfulFileHandle(inode, handle);
    });
  }

  list(folder: string): Promise<readonly string[]> {
    return this.exclusively(async () => {
      const { files } = await this.folder(folder);
      const folders = folder === "" ? [...this.folders.keys()].filter((name) => name !== "") : [];
      return [...new Set([...files.keys(), ...folders])].sort();
    });
  }

  makeFolder(folder: string): Promise<void> {
    return this.exclusively(async () => {
      if (folder.includes("/")) throw failure("EINVAL", "folders are made in the root only", folder);
      const root = await this.folder("");
      if (this.folders.has(folder)) return;
      const realPath = this.limboPath();
      await this.base.makeFolder(realPath);
      const made: Folder = { realPath, files: new Map(), unflushed: [] };
      this.folders.set(folder, Promise.resolve(made));
      root.unflushed.push({ kind: "folder", name: folder, folder: made });
    });
  }

  rename(from: string, to: string): Promise<void> {
    return this.exclusively(async () => {
      const source = await this.locate(from);
      const target = await this.locate(to);
      if (source.folder !== target.folder) throw failure("EXDEV", "renames stay within a folder", to);
      const inode = source.folder.files.get(source.name);
      if (inode === undefined) throw failure("ENOENT", "no such file", from);
      source.folder.files.delete(source.name);
      source.folder.files.set(target.name, inode);
      source.folder.unflushed.push({ kind: "rename", from: source.name, to: target.name, inode });
    });
  }

  remove(path: string): Promise<void> {
    return this.exclusively(async () => {
      const { folder, name } = await this.locate(path);
      if (!folder.files.delete(name)) throw failure("ENOENT", "no such file", path);
      folder.unflushed.push({ kind: "remove", name });
    });
  }

  flushFolder(folder: string): Promise<void> {
    return this.exclusively(async () => {
      const flushed = await this.folder(folder);
      for (let change = flushed.unflushed.shift(); change !== undefined; change = flushed.unflushed.shift()) {
        await this.carryOut(flushed, change);
      }
      await this.base.flushFolder(flushed.realPath);
    });
  }

  async close(): Promise<void> {
    await this.busy;
    await this.base.close();
  }

  private async carryOut(folder: Folder, change: Change): Promise<void> {
    const real = (name: string) => (folder.realPath === "" ? name : `${folder.realPath}/${name}`);
    if (change.kind === "remove") return this.base.remove(real(change.name));
    if (change.kind === "rename") {
      await this.base.rename(real(change.from), real(change.to));
      change.inode.realPath = real(change.to);
    } else if (change.kind === "create") {
      await this.base.rename(change.inode.realPath, real(change.name));
      change.inode.realPath = real(change.name);
    } else {
      await this.base.rename(change.folder.realPath, change.name);
      for (const inode of change.folder.files.values()) {
        if (inode.realPath.startsWith(`${change.folder.realPath}/`)) {
          inode.realPath = change.name + inode.realPath.slice(change.folder.realPath.length);
        }
      }
      change.folder.realPath = change.name;
    }
  }

  private async locate(path: string): Promise<{ folder: Folder; name: string }> {
    const slash = path.lastIndexOf("/");
    const folder = slash < 0 ? "" : path.slice(0, slash);
    const root = await this.folder("");
    if (!this.folders.has(folder) && root !== undefined) throw failure("ENOENT", "no such folder", path);
    return { folder: await this.folder(folder), name: path.slice(slash + 1) };
  }

  private async folder(folder: string): Promise<Folder> {
    if (!this.folders.has("")) {
      this.folders.set("", this.load(""));
      await this.folders.get("");
    }
    return (await this.folders.get(folder)) ?? { realPath: folder, files: new Map(), unflushed: [] };
  }

  /** What the disk holds. Names in the root that are not files are folders. */
  private async load(folder: string): Promise<Folder> {
    const files = new Map<string, Inode>();
    for (const name of await this.base.list(folder)) {
      if (folder === "" && name === limbo) continue;
      const realPath = folder === "" ? name : `${folder}/${name}`;
      const size = await this.sizeOf(realPath);
      if (size === null) this.folders.set(realPath, this.load(realPath));
      else files.set(name, { realPath, size, unflushed: [], flushing: Promise.resolve() });
    }
    return { realPath: folder, files, unflushed: [] };
  }

  /** Null for a folder. */
  private async sizeOf(realPath: string): Promise<number | null> {
    try {
      const handle = await this.base.open(realPath, { create: false });
      const size = await handle.size();
      await handle.close();
      return size;
    } catch (error) {
      const { code, cause } = error as NodeJS.ErrnoException;
      if ((code ?? (cause as NodeJS.ErrnoException | undefined)?.code) === "EISDIR") return null;
      throw error;
    }
  }

  private limboPath(): string {
    this.made += 1;
    return `${limbo}/${this.made}`;
  }

  private exclusively<T>(work: () => Promise<T>): Promise<T> {
    const result = this.busy.then(work);
    this.busy = result.catch(() => {});
    return result;
  }
}

class ForgetfulFileHandle implements FileHandle {
  private readonly inode: Inode;
  private readonly base: FileHandle;

  constructor(inode: Inode, base: FileHandle) {
    this.inode = inode;
    this.base = base;
  }

  async size(): Promise<number> {
    return this.inode.size;
  }

  async read(position: number, length: number): Promise<Uint8Array> {
    const target = Buffer.alloc(Math.max(0, Math.min(length, this.inode.size - position)));
    // What is flushed while the disk is read is covered by the copy taken before.
    const unflushed = [...this.inode.unflushed];
    target.set(await this.base.read(position, target.length));
    for (const write of unflushed) {
      const from = Math.max(position, write.position);
      const to = Math.min(position + target.length, write.position + write.bytes.length);
      if (from < to) write.bytes.copy(target, from - position, from - write.position, to - write.position);
    }
    return target;
  }

  async write(position: number, pieces: readonly Uint8Array[]): Promise<void> {
    const bytes = Buffer.concat(pieces.map(asBuffer));
    this.inode.unflushed.push({ position, bytes });
    this.inode.size = Math.max(this.inode.size, position + bytes.length);
  }

  flush(): Promise<void> {
    const { inode } = this;
    const count = inode.unflushed.length;
    inode.flushing = inode.flushing.then(async () => {
      // An earlier flush may have taken some of these already; taking newer ones with them does no harm.
      const writes = inode.unflushed.slice(0, count);
      for (const write of writes) await this.base.write(write.position, [write.bytes]);
      await this.base.flush();
      inode.unflushed.splice(0, writes.length);
    });
    return inode.flushing;
  }

  async close(): Promise<void> {
    await this.inode.flushing.catch(() => {});
    await this.base.close();
  }
}

function failure(code: string, problem: string, path: string): Error {
  return Object.assign(new Error(`${code}: ${problem}, "${path}"`), { code });
}
