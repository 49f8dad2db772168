import type { FileHandle, FileSystem } from "@quorumguard/cluster";
import type { DiskTap } from "../check/disk-tap.ts";
import type { Process } from "../world/process.ts";
import type { Random } from "../world/random.ts";
import type { World } from "../world/world.ts";
import type { Inode } from "./inode.ts";
import { fileError, type VirtualDisk } from "./virtual-disk.ts";

/** How slow a disk is. Microseconds; a stall is a flush that takes far longer than usual. */
export interface DiskSpeed {
  readonly callUs: number;
  readonly flushUs: number;
  readonly stallChance: number;
  readonly stallUs: number;
  /** Told of each stall as it begins. */
  readonly stalled?: () => void;
}

/** What a program may ask of its disk, as far as faults care. */
export type DiskOperation = "write" | "flush" | "rename";

/** The disk as its machine has it: what faults change is read anew by every call. */
export interface DiskConditions {
  readonly diskSpeed: DiskSpeed;
  /** Called as each operation begins; an error that it returns is what the operation fails with. */
  onDisk(operation: DiskOperation, path: string): Error | null;
  /** Called for each piece of a write, before it is there: what the disk puts down in its place, nobody being told. */
  readonly spoilWrite: SpoilWrite | null;
}

/** Null: the piece itself. */
export type SpoilWrite = (path: string, inode: Inode, position: number, piece: Uint8Array) => Uint8Array | null;

/** The production file system interface over a virtual disk, for one process. */
export function createDiskFiles(
  world: World,
  process: Process,
  disk: VirtualDisk,
  random: Random,
  conditions: DiskConditions,
  tap: DiskTap,
): FileSystem {
  const speedNow = () => conditions.diskSpeed;
  const begin = (operation: DiskOperation, path: string) => {
    const error = conditions.onDisk(operation, path);
    if (error !== null) throw error;
  };
  const wait = (meanUs: number, label: string) =>
    world.sleep(1 + meanUs / 2 + random.below(meanUs), process, `disk ${label}`);

  function flushUs(): number {
    const speed = speedNow();
    if (!random.chance(speed.stallChance)) return speed.flushUs;
    speed.stalled?.();
    return speed.stallUs;
  }

  function handleOf(inode: Inode, path: string): FileHandle {
    let open = true;
    const check = (operation: string) => {
      if (!open) throw fileError("EBADF", operation, path);
    };
    return {
      async size() {
        check("size");
        return inode.size;
      },
      async read(position, length) {
        check("read");
        await wait(speedNow().callUs, "read");
        return inode.read(position, length);
      },
      async write(position, pieces) {
        check("write");
        begin("write", path);
        // A write that is under way may be there or not when the process dies, and may be there in part.
        let at = position;
        for (const piece of pieces) {
          const put = conditions.spoilWrite?.(path, inode, at, piece) ?? piece;
          inode.write(at, put);
          tap.wrote(inode, at, piece, put);
          world.trace.bytes(piece);
          at += piece.length;
        }
        await wait(speedNow().callUs, "write");
      },
      async flush() {
        check("flush");
        const ticket = inode.beginFlush();
        const durable = tap.flushing(inode);
        begin("flush", path);
        await wait(flushUs(), "flush");
        inode.finishFlush(ticket);
        durable();
      },
      async close() {
        open = false;
      },
    };
  }

  return {
    async open(path, options) {
      await wait(speedNow().callUs, "open");
      if (options.create) return handleOf(disk.create(path), path);
      const inode = disk.file(path);
      if (inode === undefined) throw fileError("ENOENT", "open", path);
      return handleOf(inode, path);
    },
    async list(folder) {
      await wait(speedNow().callUs, "list");
      return disk.list(folder);
    },
    async makeFolder(folder) {
      await wait(speedNow().callUs, "make folder");
      disk.makeFolder(folder);
    },
    async rename(from, to) {
      await wait(speedNow().callUs, "rename");
      disk.rename(from, to);
      begin("rename", to);
    },
    async remove(path) {
      await wait(speedNow().callUs, "remove");
      disk.remove(path);
    },
    async flushFolder(folder) {
      await wait(flushUs(), "flush folder");
      disk.flushFolder(folder);
    },
  };
}
