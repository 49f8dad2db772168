import type { FileHandle, FileSystem } from "@quorumguard/cluster";
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
}

/** The production file system interface over a virtual disk, for one process. */
export function createDiskFiles(
  world: World,
  process: Process,
  disk: VirtualDisk,
  random: Random,
  speedNow: () => DiskSpeed,
  onFlush: () => void,
): FileSystem {
  const wait = (meanUs: number, label: string) =>
    world.sleep(1 + meanUs / 2 + random.below(meanUs), process, `disk ${label}`);

  function flushUs(): number {
    const speed = speedNow();
    return random.chance(speed.stallChance) ? speed.stallUs : speed.flushUs;
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
        // A write that is under way may be there or not when the process dies, and may be there in part.
        let at = position;
        for (const piece of pieces) {
          inode.write(at, piece);
          world.trace.bytes(piece);
          at += piece.length;
        }
        await wait(speedNow().callUs, "write");
      },
      async flush() {
        check("flush");
        const ticket = inode.beginFlush();
        onFlush();
        await wait(flushUs(), "flush");
        inode.finishFlush(ticket);
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
