import type { Random } from "../world/random.ts";
import { createInode, type Inode, type LossMode } from "./inode.ts";

/** An operation on folders: visible at once, durable only once its folder is flushed. */
interface FolderChange {
  readonly folder: string;
  readonly apply: (tree: Tree) => void;
}

interface Tree {
  readonly files: Map<string, Inode>;
  readonly folders: Set<string>;
}

/**
 * A disk that keeps what was flushed and forgets the rest when power fails. It outlives the processes that use it: a
 * killed process loses nothing that it had written, since the page cache is the machine's.
 */
export interface VirtualDisk {
  file(path: string): Inode | undefined;
  create(path: string): Inode;
  list(folder: string): readonly string[];
  makeFolder(folder: string): void;
  rename(from: string, to: string): void;
  remove(path: string): void;
  flushFolder(folder: string): void;
  /** Only what was flushed is sure to be there afterwards; the rest comes back or not, torn or whole, as the seed says. */
  losePower(random: Random, modes?: readonly LossMode[]): void;
  /** A new disk in its place. */
  wipe(): void;
}

/** An error as Node's file system throws it: callers tell cases apart by its code. */
export function fileError(code: "ENOENT" | "EEXIST" | "EBADF", operation: string, path: string): Error {
  return Object.assign(new Error(`${code}: ${operation} "${path}"`), { code });
}

/** "" names the data folder itself, however it is written. */
export function normalPath(path: string): string {
  return path
    .split("/")
    .filter((part) => part !== "" && part !== ".")
    .join("/");
}

function folderOf(path: string): string {
  const slash = path.lastIndexOf("/");
  return slash < 0 ? "" : path.slice(0, slash);
}

/** Everything that may become of what was not flushed. */
export const lossModes: readonly LossMode[] = [
  "all-lost",
  "all-lost",
  "all-kept",
  "front-kept",
  "some-sectors-kept",
  "torn",
];

/** A disk without files, on which power loss takes what was not flushed. */
export function createVirtualDisk(): VirtualDisk {
  let now: Tree = { files: new Map(), folders: new Set([""]) };
  let platter: Tree = { files: new Map(), folders: new Set([""]) };
  let changes: FolderChange[] = [];

  function change(folder: string, apply: (tree: Tree) => void): void {
    apply(now);
    changes.push({ folder, apply });
  }

  return {
    file: (path) => now.files.get(normalPath(path)),
    create(path) {
      const name = normalPath(path);
      if (!now.folders.has(folderOf(name))) throw fileError("ENOENT", "create", path);
      if (now.files.has(name)) throw fileError("EEXIST", "create", path);
      const inode = createInode();
      change(folderOf(name), (tree) => tree.files.set(name, inode));
      return inode;
    },
    list(folder) {
      const prefix = normalPath(folder);
      const names: string[] = [];
      for (const path of [...now.files.keys(), ...now.folders])
        if (path !== "" && folderOf(path) === prefix) names.push(path.slice(prefix === "" ? 0 : prefix.length + 1));
      return names.sort();
    },
    makeFolder(folder) {
      const name = normalPath(folder);
      if (!now.folders.has(name)) change(folderOf(name), (tree) => tree.folders.add(name));
    },
    rename(from, to) {
      const source = normalPath(from);
      const target = normalPath(to);
      const inode = now.files.get(source);
      if (inode === undefined) throw fileError("ENOENT", "rename", from);
      if (!now.folders.has(folderOf(target))) throw fileError("ENOENT", "rename", to);
      // By name, not by inode: after a crash the creation of `from` may itself be gone.
      change(folderOf(target), (tree) => {
        if (tree.files.get(source) !== inode) return;
        tree.files.delete(source);
        tree.files.set(target, inode);
      });
    },
    remove(path) {
      const name = normalPath(path);
      const inode = now.files.get(name);
      if (inode === undefined) throw fileError("ENOENT", "remove", path);
      change(folderOf(name), (tree) => {
        if (tree.files.get(name) === inode) tree.files.delete(name);
      });
    },
    flushFolder(folder) {
      const name = normalPath(folder);
      for (const made of changes) if (made.folder === name) made.apply(platter);
      changes = changes.filter((made) => made.folder !== name);
    },
    losePower(random, modes = lossModes) {
      const mode = random.pick(modes);
      const keepFirst = random.below(changes.length + 1);
      for (const [at, made] of changes.entries()) {
        // Journals keep the order of changes in one folder: what comes back is a front of them, or all, or none.
        if (mode === "all-kept" || (mode !== "all-lost" && at < keepFirst)) made.apply(platter);
      }
      changes = [];
      // A file whose folder never became durable is gone with it.
      for (const path of platter.files.keys()) if (!platter.folders.has(folderOf(path))) platter.files.delete(path);
      now = { files: new Map(platter.files), folders: new Set(platter.folders) };
      for (const [, inode] of [...now.files].sort(([one], [other]) => (one < other ? -1 : 1)))
        inode.losePower(random, random.pick(modes));
    },
    wipe() {
      now = { files: new Map(), folders: new Set([""]) };
      platter = { files: new Map(), folders: new Set([""]) };
      changes = [];
    },
  };
}
