import { readdir, readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import {
  decodeFrame,
  decodeSegmentHeader,
  sectorBytes,
  segmentSeed,
} from "../../../packages/cluster/src/storage/log-frame.ts";

/** What one node's files had at one moment. */
export interface NodeFiles {
  /** By segment of the log, only of the newest ones: the byte at which its frames end. */
  readonly logEnds: ReadonlyMap<string, number>;
  /** Bytes of each file of the log and of snapshots. A file that was renamed is still the same one. */
  readonly sizes: ReadonlyMap<string, number>;
}

/** The data folder of a node that runs, as its command line has it. @throws {Error} if it has none. */
export async function dataFolderOf(pid: number): Promise<string> {
  const words = (await readFile(`/proc/${pid}/cmdline`, "utf8")).split("\0");
  const folder = words[words.indexOf("--data") + 1];
  if (!words.includes("--data") || !folder)
    throw new Error(`process ${pid} is no node with a data folder: it runs ${words.join(" ")}`);
  return folder;
}

/** Reads the log's last segment, or all from the last one of `since` on. A node may go on meanwhile: what vanishes is left out. */
export async function readNodeFiles(folder: string, since: NodeFiles | null): Promise<NodeFiles> {
  const log = join(folder, "log");
  const names = (await readdir(log)).filter((name) => name.endsWith(".seg")).sort();
  const from = since === null ? names.at(-1)! : [...since.logEnds.keys()].at(-1)!;
  const logEnds = new Map<string, number>();
  for (const name of names) {
    const segment = name < from ? null : await unlessGone(readFile(join(log, name)));
    if (segment !== null) logEnds.set(name, endOfFrames(name, segment));
  }
  const sizes = new Map([...(await sizesIn(log)), ...(await sizesIn(join(folder, "snapshots")))]);
  return { logEnds, sizes };
}

/** Bytes of the frames that were written in between; null: a segment that may have had some of them is gone. */
export function logBytesBetween(before: NodeFiles, after: NodeFiles): number | null {
  const last = [...before.logEnds.keys()].at(-1)!;
  if (!after.logEnds.has(last)) return null;
  const written = [...after.logEnds].map(([name, end]) => end - (before.logEnds.get(name) ?? sectorBytes));
  return written.reduce((sum, one) => sum + one, 0);
}

/** Bytes by which files grew in between: snapshots, and zeros of segments that are prepared. Frames are written over such zeros. */
export function grownBytesBetween(before: NodeFiles, after: NodeFiles): number {
  const grown = [...after.sizes].map(([file, bytes]) => Math.max(0, bytes - (before.sizes.get(file) ?? 0)));
  return grown.reduce((sum, one) => sum + one, 0);
}

function endOfFrames(name: string, segment: Buffer): number {
  const header = decodeSegmentHeader(segment);
  if ("problem" in header) throw new Error(`${name}: ${header.problem}`);
  const seed = segmentSeed(header.segmentId);
  for (let end = sectorBytes; ; ) {
    const frame = decodeFrame(segment, end, seed);
    if (frame === null) return end;
    end = frame.end;
  }
}

async function sizesIn(folder: string): Promise<readonly (readonly [string, number])[]> {
  const names = (await unlessGone(readdir(folder))) ?? [];
  const found = await Promise.all(names.map((name) => unlessGone(stat(join(folder, name)))));
  // Numbers of files that are gone are given to new ones, times of birth are not.
  return found.flatMap((file) => (file === null ? [] : [[`${file.ino} of ${file.birthtimeMs}`, file.size] as const]));
}

async function unlessGone<T>(work: Promise<T>): Promise<T | null> {
  try {
    return await work;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return null;
    throw error;
  }
}
