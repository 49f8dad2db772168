import type { FileHandle, FileSystem } from "./file-system.ts";

/** What a disk writes whole or not at all. */
const sectorBytes = 512;

interface Node {
  durable: Buffer;
  current: Buffer;
  unflushed: { readonly position: number; readonly bytes: Buffer }[];
}

/** What the disk is about to do; throwing makes it fail. */
export type Operation = "open" | "write" | "flush" | "rename" | "remove" | "flushFolder";

/**
 * A disk in memory for the storage tests: it forgets, tears and reorders what was not flushed, fails on demand, and can
 * lose its power before any operation.
 */
export class TestDisk implements FileSystem {
  /** Called before every operation that changes something. */
  before: (operation: Operation, path: string) => void = () => {};
  operations = 0;
  private readonly names: Map<string, Node>;
  private durableNames: Map<string, Node>;
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

  async open(path: string, options: { readonly create: boolean }): Promise<FileHandle> {
    if (options.create) await this.step("open", path);
    const found = this.names.get(path);
    if ((found !== undefined) === options.create)
      throw new Error(`${path}: ${options.create ? "exists" : "is absent"}`);
    const node = found ?? { durable: Buffer.alloc(0), current: Buffer.alloc(0), unflushed: [] };
    this.names.set(path, node);
    return {
      size: async () => node.current.length,
      read: async (position, length) => Buffer.from(node.current.subarray(position, position + length)),
      write: async (position, pieces) => {
        await this.step("write", path);
        const bytes = Buffer.concat(pieces);
        node.unflushed.push({ position, bytes });
        node.current = patched(node.current, position, bytes);
      },
      flush: async () => {
        await this.step("flush", path);
        node.durable = Buffer.from(node.current);
        node.unflushed = [];
      },
      close: async () => {},
    };
  }

  async list(folder: string): Promise<readonly string[]> {
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
  }

  async remove(path: string): Promise<void> {
    await this.step("remove", path);
    if (!this.names.delete(path)) throw new Error(`${path}: is absent`);
  }

  async flushFolder(folder: string): Promise<void> {
    await this.step("flushFolder", folder);
    const durable = new Map([...this.durableNames].filter(([path]) => folderOf(path) !== folder));
    for (const [path, node] of this.names) if (folderOf(path) === folder) durable.set(path, node);
    this.durableNames = durable;
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
  for (const write of node.unflushed) {
    for (let at = 0; at < write.bytes.length; ) {
      const position = write.position + at;
      const to = Math.min(write.bytes.length, at + sectorBytes - (position % sectorBytes));
      if (chance()) content = patched(content, position, write.bytes.subarray(at, to));
      at = to;
    }
  }
  return content;
}
