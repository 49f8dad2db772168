import { readdir, readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import {
  decodeFrame,
  decodeSegmentHeader,
  sectorBytes,
  segmentSeed,
} from "../../../packages/cluster/src/storage/log-frame.ts";

/** Bytes of each file of a node's log and of its snapshots. A file that was renamed is still the same one. */
export type FileSizes = ReadonlyMap<string, number>;

/** Some of a log: how many bytes its frames take, and how many entries they have. */
export interface LogPart {
  readonly bytes: number;
  readonly entries: number;
}

/** The data folder of a node that runs, as its command line has it. @throws {Error} if it has none. */
export async function dataFolderOf(pid: number): Promise<string> {
  const words = (await readFile(`/proc/${pid}/cmdline`, "utf8")).split("\0");
  const flag = words.indexOf("--data");
  const folder = flag < 0 ? undefined : words[flag + 1];
  if (folder === undefined) throw new Error(`process ${pid} is no node with a data folder: it runs ${words.join(" ")}`);
  return folder;
}

/**
 * Frames with entries beyond this index, newest segment first. A node that cuts snapshots drops its oldest segments, so that the first of
 * these frames may be gone; what is left tells what an entry takes.
 */
export async function readLogAfter(folder: string, index: number): Promise<LogPart> {
  const log = join(folder, "log");
  const names = (await readdir(log)).filter((name) => name.endsWith(".seg")).sort();
  let [bytes, entries] = [0, 0];
  for (const name of names.toReversed()) {
    const segment = await unlessGone(readFile(join(log, name)));
    if (segment === null) break;
    const frames = framesOf(name, segment);
    const later = frames.filter(({ firstIndex }) => firstIndex > index);
    for (const frame of later) [bytes, entries] = [bytes + frame.bytes, entries + frame.entries];
    if (later.length < frames.length) break;
  }
  return { bytes, entries };
}

/** What vanishes meanwhile is left out. */
export async function readFileSizes(folder: string): Promise<FileSizes> {
  return new Map([...(await sizesIn(join(folder, "log"))), ...(await sizesIn(join(folder, "snapshots")))]);
}

/** Bytes by which files grew in between: snapshots, and zeros of segments that are prepared. Frames are written over such zeros. */
export function grownBytesBetween(before: FileSizes, after: FileSizes): number {
  const grown = [...after].map(([file, bytes]) => Math.max(0, bytes - (before.get(file) ?? 0)));
  return grown.reduce((sum, one) => sum + one, 0);
}

/** All frames of a segment that have entries. */
function framesOf(name: string, segment: Buffer): readonly (LogPart & { readonly firstIndex: number })[] {
  const header = decodeSegmentHeader(segment);
  if ("problem" in header) throw new Error(`${name}: ${header.problem}`);
  const seed = segmentSeed(header.segmentId);
  const frames = [];
  let at = sectorBytes;
  for (let frame = decodeFrame(segment, at, seed); frame !== null; frame = decodeFrame(segment, at, seed)) {
    const [first] = frame.entries;
    if (first !== undefined)
      frames.push({ bytes: frame.end - at, entries: frame.entries.length, firstIndex: first.index });
    at = frame.end;
  }
  return frames;
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
