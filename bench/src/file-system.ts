import { readFileSync, realpathSync } from "node:fs";

/** The kind of file system that a folder is on, such as `ext4`, by the mount that is deepest; null where the kernel does not say. */
export function fileSystemOf(folder: string): string | null {
  let mounts: string;
  try {
    mounts = readFileSync("/proc/self/mounts", "utf8");
  } catch {
    return null;
  }
  const path = `${realpathSync(folder)}/`;
  let deepest = { at: "", kind: null as string | null };
  for (const line of mounts.split("\n")) {
    const [, at = "", kind] = line.split(" ");
    const isAbove = at === "/" || path.startsWith(`${at}/`);
    // Of two mounts at one place the later one hides the earlier.
    if (kind !== undefined && isAbove && at.length >= deepest.at.length) deepest = { at, kind };
  }
  return deepest.kind;
}

/** Whether a flush costs nothing there, since nothing is ever on a disk. */
export function isInMemory(fileSystem: string | null): boolean {
  return fileSystem === "tmpfs" || fileSystem === "ramfs";
}
