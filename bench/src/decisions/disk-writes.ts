import { readFile, stat } from "node:fs/promises";

/** Linux counts what disks were written in sectors of 512 bytes, whatever theirs are. */
const sectorBytes = 512;

/** Bytes that a disk was written, from the text of its `stat` below `/sys`. */
export function parseDiskWrites(text: string): number {
  return Number(text.trim().split(/\s+/)[6]) * sectorBytes;
}

/** Bytes that the disk of a folder was written so far, by all processes; null where the kernel does not tell. */
export async function readDiskWrites(folder: string): Promise<number | null> {
  const { dev } = await stat(folder);
  const major = (dev >> 8) & 0xfff;
  const minor = (dev & 0xff) | ((dev >> 12) & 0xfff00);
  try {
    return parseDiskWrites(await readFile(`/sys/dev/block/${major}:${minor}/stat`, "utf8"));
  } catch {
    return null;
  }
}
