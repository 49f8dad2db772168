import type { FileHandle, FileSystem } from "./file-system.ts";

/** What a disk writes whole or not at all. */
const sectorBytes = 512;

interface Node {
  durable: Buffer;
  current: Buffer;
  unflushed: { readonly position: number; readonly bytes: Buffer }[];
}

/** What the disk is about to do; throwing makes it fail. */
export type Operation = "open" | "write" | "flush" | "rename" | "remove" | "flushFolder" | "read" | "size" | "list";

/** Thrown before a write: so much of it is written all the same. */
export class ShortWrite extends Error {
  readonly share: number;

  constructor(share: number) {
    super("ENOSPC: no space left on device");
    this.share = share;
  }
}

/** A change of names in a folder that is not durable before the folder is flushed. */
interface NameChange {
  readonly folder: string;
  readonly from: string | null;
  readonly to: string | null;
  readonly node: Node;
}

/** Something that a power failure may or may not take, independently of all else. */
interface Volatile {
  readonly kind: "sector" | "size" | "name";
  readonly path: string;
}

/** A disk at one moment: what it surely keeps, and what a power failure may or may not take. */
export interface Moment {
  /** In the order in which they were done. */
  readonly items: readonly Volatile[];
  /** What a power failure at that moment leaves if it spares the items for which `keeps` says so. Not to be changed. */
  after(keeps: (item: number) => boolean): ReadonlyMap<string, Buffer>;
}

/**
 * A disk in memory for the storage tests: it forgets, tears and reorders what was not flushed, fails on demand, and can
 * lose its power before any operation.
 */
export class TestDisk implements FileSystem {
  /** Handles that were opened and not closed. */
  openFiles = 0;
  /** Called before every operation that changes something. */
  before: (operation: Operation, path: string) => void = () => {};
  /** Called before every operation that only looks. */
  beforeLooking: (operation: Operation, path: string) => void = () => {};
  operations = 0;
  private readonly names: Map<string, Node>;
  private durableNames: Map<string, Node>;
  private nameChanges: NameChange[] = [];
  private powerFailsAt = Number.POSITIVE_INFINITY;
  private powerFailed: (() => void) | null = null;

  constructor(content: ReadonlyMap<string, Buffer> = new Map()) {
    this.names = new Map();
    for (const [path, bytes] of content) {
      this.names.set(path, { durable: bytes, current: Buffer.from(bytes), unflushed: [] });
    }
    this.durableNames = new Map(this.names);
  }

  /** All files as a reader sees them, copied. */
  content(): Map<string, Buffer> {
    return new Map([...this.names].map(([path, node]) => [path, Buffer.from(node.current)]));
  }

  /** The same disk and page cache as they are now, for another process: what this one still does is not seen there. */
  fork(): TestDisk {
    const twin = new TestDisk();
    const twins = new Map<Node, Node>();
    const twinOf = (node: Node): Node => {
      const known = twins.get(node);
      if (known !== undefined) return known;
      const made = { durable: node.durable, current: Buffer.from(node.current), unflushed: [...node.unflushed] };
      twins.set(node, made);
      return made;
    };
    for (const [path, node] of this.names) twin.names.set(path, twinOf(node));
    twin.durableNames = new Map([...this.durableNames].map(([path, node]) => [path, twinOf(node)]));
    twin.nameChanges = this.nameChanges.map((change) => ({ ...change, node: twinOf(change.node) }));
    return twin;
  }

  /** Resolves when the power fails, which it does before the operation of this number: nothing answers from then on. */
  cutPowerAt(operation: number): Promise<void> {
    this.powerFailsAt = operation;
    return new Promise((resolve) => {
      this.powerFailed = resolve;
    });
  }

  /**
   * The disk after a power failure now. Every unflushed sector was written or not, and every folder's unflushed changes were or
   * were not, as `chance` (true: it was) decides.
   */
  afterPowerFailure(chance: () => boolean): TestDisk {
    const content = new Map<string, Buffer>();
    const early = new Map<string, boolean>();
    for (const path of new Set([...this.names.keys(), ...this.durableNames.keys()])) {
      const folder = folderOf(path);
      if (!early.has(folder)) early.set(folder, chance());
      const node = (early.get(folder) ? this.names : this.durableNames).get(path);
      if (node !== undefined) content.set(path, torn(node, chance));
    }
    return new TestDisk(content);
  }

  /** This moment, for as long as it is wanted: what happens afterwards does not change it. */
  moment(): Moment {
    const durableNames = new Map([...this.durableNames].map(([path, node]) => [path, { node, durable: node.durable }]));
    const changes = [...this.nameChanges];
    const pathOf = new Map([...this.durableNames, ...this.names].map(([path, node]) => [node, path]));
    const files = [...pathOf].map(([node, path]) => ({ path, node, durable: node.durable, sectors: sectorsOf(node) }));
    const items: Volatile[] = changes.map((change) => ({ kind: "name", path: change.to ?? change.from ?? "" }));
    const starts = files.map(({ path, node, sectors }) => {
      const at = items.length;
      for (const _ of sectors) items.push({ kind: "sector", path });
      if (node.current.length > node.durable.length) items.push({ kind: "size", path });
      return { at, size: node.current.length };
    });
    return {
      items,
      after(keeps) {
        const content = new Map<Node, Buffer>();
        for (const [i, { node, durable, sectors }] of files.entries()) {
          const { at, size } = starts[i] ?? { at: 0, size: 0 };
          let bytes: Buffer = durable;
          if (size > durable.length && keeps(at + sectors.length)) bytes = Buffer.concat([durable], size);
          else if (sectors.length > 0) bytes = Buffer.from(durable);
          for (const [j, sector] of sectors.entries()) {
            if (keeps(at + j)) bytes = patched(bytes, sector.position, sector.bytes);
          }
          content.set(node, bytes);
        }
        const names = new Map([...durableNames].map(([path, { node }]) => [path, node]));
        for (const [i, { from, to, node }] of changes.entries()) {
          if (!keeps(i)) continue;
          if (from !== null && names.get(from) === node) names.delete(from);
          if (to !== null) names.set(to, node);
        }
        return new Map([...names].map(([path, node]) => [path, content.get(node) ?? Buffer.alloc(0)]));
      },
    };
  }

  async open(path: string, options: { readonly create: boolean }): Promise<FileHandle> {
    if (options.create) await this.step("open", path);
    else this.beforeLooking("open", path);
    const found = this.names.get(path);
    if ((found !== undefined) === options.create)
      throw new Error(`${path}: ${options.create ? "exists" : "is absent"}`);
    const node = found ?? { durable: Buffer.alloc(0), current: Buffer.alloc(0), unflushed: [] };
    if (found === undefined) this.changeName(folderOf(path), null, path, node);
    this.names.set(path, node);
    this.openFiles += 1;
    return {
      size: async () => {
        this.beforeLooking("size", path);
        return node.current.length;
      },
      read: async (position, length) => {
        this.beforeLooking("read", path);
        return Buffer.from(node.current.subarray(position, position + length));
      },
      write: async (position, pieces) => {
        const all = Buffer.concat(pieces);
        const take = (bytes: Buffer): void => {
          node.unflushed.push({ position, bytes });
          node.current = patched(node.current, position, bytes);
        };
        try {
          await this.step("write", path);
        } catch (error) {
          if (error instanceof ShortWrite) take(all.subarray(0, Math.floor(all.length * error.share)));
          throw error;
        }
        take(all);
      },
      flush: async () => {
        try {
          await this.step("flush", path);
        } catch (error) {
          // The pages are clean now, as on ext4, XFS and Btrfs: the next flush succeeds and writes nothing of them.
          node.unflushed = [];
          throw error;
        }
        let durable: Buffer = Buffer.from(node.durable);
        for (const write of node.unflushed) durable = patched(durable, write.position, write.bytes);
        node.durable = durable;
        node.unflushed = [];
      },
      close: async () => {
        this.openFiles -= 1;
      },
    };
  }

  async list(folder: string): Promise<readonly string[]> {
    this.beforeLooking("list", folder);
    const inFolder = [...this.names.keys()].filter((path) => folderOf(path) === folder);
    return inFolder.map((path) => path.slice(folder === "" ? 0 : folder.length + 1)).sort();
  }

  async makeFolder(): Promise<void> {}

  async rename(from: string, to: string): Promise<void> {
    await this.step("rename", from);
    const node = this.names.get(from);
    if (node === undefined) throw new Error(`${from}: is absent`);
    this.names.delete(from);
    this.names.set(to, node);
    this.changeName(folderOf(to), from, to, node);
  }

  async remove(path: string): Promise<void> {
    await this.step("remove", path);
    const node = this.names.get(path);
    if (node === undefined) throw new Error(`${path}: is absent`);
    this.names.delete(path);
    this.changeName(folderOf(path), path, null, node);
  }

  async flushFolder(folder: string): Promise<void> {
    await this.step("flushFolder", folder);
    const durable = new Map([...this.durableNames].filter(([path]) => folderOf(path) !== folder));
    for (const [path, node] of this.names) if (folderOf(path) === folder) durable.set(path, node);
    this.durableNames = durable;
    this.nameChanges = this.nameChanges.filter((change) => change.folder !== folder);
  }

  private changeName(folder: string, from: string | null, to: string | null, node: Node): void {
    this.nameChanges.push({ folder, from, to, node });
  }

  private async step(operation: Operation, path: string): Promise<void> {
    if (this.operations >= this.powerFailsAt) {
      this.powerFailed?.();
      return new Promise(() => {});
    }
    this.operations += 1;
    this.before(operation, path);
    await null;
  }
}

function folderOf(path: string): string {
  return path.includes("/") ? path.slice(0, path.lastIndexOf("/")) : "";
}

function patched(content: Buffer, position: number, bytes: Buffer): Buffer {
  const end = position + bytes.length;
  const target = end > content.length ? Buffer.concat([content, Buffer.alloc(end - content.length)]) : content;
  target.set(bytes, position);
  return target;
}

function torn(node: Node, chance: () => boolean): Buffer {
  let content: Buffer = Buffer.from(node.durable);
  for (const { position, bytes } of sectorsOf(node)) {
    if (chance()) content = patched(content, position, bytes);
  }
  return content;
}

/** What was written and not flushed, sector by sector. */
function sectorsOf(node: Node): { readonly position: number; readonly bytes: Buffer }[] {
  const sectors: { position: number; bytes: Buffer }[] = [];
  for (const write of node.unflushed) {
    for (let at = 0; at < write.bytes.length; ) {
      const position = write.position + at;
      const to = Math.min(write.bytes.length, at + sectorBytes - (position % sectorBytes));
      sectors.push({ position, bytes: write.bytes.subarray(at, to) });
      at = to;
    }
  }
  return sectors;
}
