import type { Entry, HardState } from "@quorumguard/raft";
import { asBuffer, endOfNonZero, zeroBytes } from "./bytes.ts";
import type { FileHandle, FileSystem } from "./file-system.ts";
import {
  decodeFrame,
  decodeSegmentHeader,
  type FoundFrame,
  frameSequenceAt,
  noSegmentId,
  sectorBytes,
  segmentSeed,
} from "./log-frame.ts";
import type { LogPosition } from "./log-view.ts";
import type { Meta } from "./meta-slots.ts";
import type { Identity } from "./storage.ts";
import { damage, StorageError } from "./storage-error.ts";

/** Folder of the log's segments, within the data folder. */
export const logFolder = "log";
/** Names of segments being prepared end so; recovery removes them. */
export const spareSuffix = ".spare";
const segmentName = /^(\d{20})-([0-9a-f]{16})\.seg$/;

/** A segment file that is part of the log, kept until no index in it is needed. */
export interface Segment {
  readonly path: string;
  readonly segmentId: string;
  readonly firstSequence: number;
  /** The largest index that it may still be needed for. */
  lastIndex: number;
}

/** What the frames of a log say, up to wherever they were read. */
export interface FoundLog {
  readonly segments: Segment[];
  readonly lastSequence: number;
  readonly hardState: HardState;
  /** Without gaps; the newest run, if a snapshot once restarted the log or bridged a gap. */
  readonly entries: readonly Entry[];
  /** The snapshot that the log was last told to restart at. */
  readonly reset: LogPosition | null;
  /** The newest frame was written by a node that abstains. */
  readonly abstains: boolean;
}

/** The log as found on disk. The last segment is open for appending. */
export interface RecoveredLog extends FoundLog {
  readonly active: FileHandle;
  /** Where the next frame goes in the last segment. */
  readonly appendOffset: number;
  /** Where the last frame begins in the last segment; null if that segment has none yet. */
  readonly lastFrameAt: number | null;
  /** Bytes of the last segment. */
  readonly activeBytes: number;
  /** Bytes that are no frame follow the last good one: from {@link appendOffset} up to here. */
  readonly garbageEnd: number;
}

/** Path of a segment. */
export function segmentPath(firstSequence: number, segmentId: string): string {
  return `${logFolder}/${String(firstSequence).padStart(20, "0")}-${segmentId}.seg`;
}

/** A segment of the log by the names of its file. */
export interface SegmentName {
  readonly path: string;
  readonly firstSequence: number;
  readonly segmentId: string;
}

/** The segment files in the folder, oldest first: those of the log, and those that it has done with. */
export async function listSegments(
  files: FileSystem,
  meta: Pick<Meta, "firstSequence">,
): Promise<{ readonly log: readonly SegmentName[]; readonly outdated: readonly SegmentName[] }> {
  const all = (await files.list(logFolder)).flatMap((name): SegmentName[] => {
    const match = segmentName.exec(name);
    if (match === null) return [];
    return [{ path: `${logFolder}/${name}`, firstSequence: Number(match[1]), segmentId: match[2] ?? "" }];
  });
  const outdated = all.filter(({ firstSequence }) => firstSequence < meta.firstSequence);
  return { log: all.slice(outdated.length), outdated };
}

/**
 * Reads the whole log and tells a torn last frame from damaged acknowledged data.
 * @throws {StorageError} if anything but the very last frame is bad, or if the last one is proven acknowledged.
 */
export async function recoverLog(files: FileSystem, identity: Identity, meta: Meta): Promise<RecoveredLog> {
  const { log } = await listSegments(files, meta);
  const scan = new LogScan(identity, meta);
  scan.begin(log);
  for (const { path } of log.slice(0, -1)) scan.sealed(path, await readFile(files, path));
  const last = log.at(-1)?.path ?? logFolder;
  const active = await files.open(last, { create: false });
  try {
    const bytes = await readAll(active);
    const tail = scan.last(last, bytes);
    return { ...scan.result(), ...tail, active, activeBytes: bytes.length };
  } catch (error) {
    await active.close();
    throw error;
  }
}

/** A log of which something is damaged: what comes before the damage, and what its frames prove wherever they are. */
export interface SalvagedLog extends FoundLog {
  /** Null if the log itself is sound. */
  readonly problem: StorageError | null;
  /** The largest sequence that any intact frame or file name has. */
  readonly highestSequence: number;
  /** Bytes behind the last whole frame that are no frame: a torn one. Null if the last segment was not read to its end. */
  readonly torn: { readonly file: string; readonly offset: number; readonly bytes: number } | null;
}

/**
 * Reads what can be read of a log. The hard state is that of the newest intact frame, be it behind the damage: a term and a
 * vote were given, whatever became of the frames between.
 * @throws {StorageError} if a segment belongs to another node, or is of a version that this build does not know.
 */
export async function salvageLog(files: FileSystem, identity: Identity, meta: Meta): Promise<SalvagedLog> {
  const { log, outdated } = await listSegments(files, meta);
  const scan = new LogScan(identity, meta);
  let problem: StorageError | null = null;
  let newest: { readonly sequence: number; readonly hardState: HardState } | null = null;
  let torn: SalvagedLog["torn"] = null;
  let highestSequence = Math.max(0, ...[...log, ...outdated].map(({ firstSequence }) => firstSequence));
  const attempt = (work: () => void): void => {
    if (problem !== null) return;
    try {
      work();
    } catch (error) {
      if (!(error instanceof StorageError && error.isDamage)) throw error;
      problem = error;
    }
  };
  attempt(() => scan.begin(log));
  for (const [at, { path, segmentId }] of log.entries()) {
    const bytes = await readFile(files, path);
    attempt(() => {
      if (at < log.length - 1) return scan.sealed(path, bytes);
      const { appendOffset, garbageEnd } = scan.last(path, bytes);
      if (garbageEnd > appendOffset) torn = { file: path, offset: appendOffset, bytes: garbageEnd - appendOffset };
    });
    const frame = newestFrame(bytes, segmentSeed(segmentId));
    if (frame === null || frame.sequence < (newest?.sequence ?? 0)) continue;
    newest = frame;
    highestSequence = Math.max(highestSequence, frame.sequence);
  }
  const result = scan.result();
  // An entry before the damage may have been replaced behind it: what was committed there says nothing about this prefix.
  const hardState = { ...(newest?.hardState ?? result.hardState), commit: result.hardState.commit };
  return { ...result, hardState, problem, highestSequence, torn };
}

/** The intact frame of the highest sequence in a segment, wherever in it. */
function newestFrame(bytes: Buffer, seed: number): FoundFrame | null {
  let newest: FoundFrame | null = null;
  for (const frame of intactFrames(bytes, seed)) if (frame.sequence > (newest?.sequence ?? 0)) newest = frame;
  return newest;
}

/** Every intact frame in a segment, damage between them or not. */
export function* intactFrames(bytes: Buffer, seed: number): Generator<FoundFrame> {
  for (let at = sectorBytes; at < bytes.length; ) {
    const frame = decodeFrame(bytes, at, seed);
    if (frame !== null) yield frame;
    at = frame?.end ?? at + sectorBytes;
  }
}

/** Overwrites what a torn frame left, so that it can never be mistaken for a frame to come. */
export async function zeroRange(handle: FileHandle, from: number, to: number): Promise<void> {
  for (let at = from; at < to; at += zeroBytes.length) {
    await handle.write(at, [zeroBytes.subarray(0, Math.min(zeroBytes.length, to - at))]);
  }
}

/** Reads segment after segment, and stops at the first damage with what it has read so far. */
class LogScan {
  private readonly identity: Identity;
  private readonly meta: Meta;
  private readonly segments: Segment[] = [];
  /** Files that are there, read or not. */
  private paths: ReadonlySet<string> = new Set();
  private entries: Entry[] = [];
  private hardState: HardState = { term: 0, vote: 0, commit: 0 };
  private reset: LogPosition | null = null;
  private abstains = false;
  private nextSequence = 1;
  /** Where the last frame of the segment that was read last begins. */
  private frameAt: number | null = null;
  /** Where the segment that was read last stopped making sense. */
  private end = 0;

  constructor(identity: Identity, meta: Meta) {
    this.identity = identity;
    this.meta = meta;
  }

  /** The log has a beginning, and META knows which. */
  begin(names: readonly SegmentName[]): void {
    this.paths = new Set(names.map(({ path }) => path));
    const first = names[0];
    if (first === undefined) {
      throw damage(logFolder, null, "no log segment is there although the folder has an identity");
    }
    if (this.meta.firstSequence === 0 || first.firstSequence <= this.meta.firstSequence) return;
    const problem = `the log began with frame ${this.meta.firstSequence} and now begins with frame ${first.firstSequence}`;
    throw damaged(logFolder, null, `a segment is missing: ${problem}`);
  }

  /** A segment that another one follows: all its frames were durable before that one came to be. */
  sealed(path: string, bytes: Buffer): void {
    this.scan(path, bytes);
  }

  last(path: string, bytes: Buffer): Pick<RecoveredLog, "appendOffset" | "garbageEnd" | "lastFrameAt"> {
    const { end, seed, preparedBytes } = this.scan(path, bytes);
    const expected = this.nextSequence;
    const garbageEnd = endOfNonZero(bytes, end);
    if (bytes.length < preparedBytes) {
      const problem = `the segment was cut: it had ${preparedBytes} bytes when it came into use and has ${bytes.length}`;
      throw damaged(path, bytes.length, problem);
    }
    for (let at = end; at < garbageEnd; at += sectorBytes) {
      const sequence = frameSequenceAt(bytes, at, seed);
      if (sequence !== null && sequence > expected) {
        throw damaged(path, end, `frame ${expected} is damaged and frame ${sequence} at byte ${at} follows it`);
      }
    }
    if (this.meta.durableSequence >= expected) {
      throw damaged(
        path,
        end,
        `frame ${expected} is damaged or missing and was durable (frames up to ${this.meta.durableSequence} were)`,
      );
    }
    return { appendOffset: end, garbageEnd, lastFrameAt: this.frameAt };
  }

  result(): FoundLog {
    const { segments, entries, hardState, reset, abstains } = this;
    return { segments, entries, hardState, reset, abstains, lastSequence: this.nextSequence - 1 };
  }

  private scan(path: string, bytes: Buffer): { end: number; seed: number; preparedBytes: number } {
    const { segment, preparedBytes } = this.enter(path, bytes);
    const seed = segmentSeed(segment.segmentId);
    let end = sectorBytes;
    this.frameAt = null;
    while (end < bytes.length) {
      const frame = decodeFrame(bytes, end, seed);
      if (frame === null || frame.sequence !== this.nextSequence) break;
      this.take(frame, segment);
      this.frameAt = end;
      end = frame.end;
    }
    this.end = end;
    return { end, seed, preparedBytes };
  }

  /** Checks that the segment is ours and continues the one before. */
  private enter(path: string, bytes: Buffer): { readonly segment: Segment; readonly preparedBytes: number } {
    const header = decodeSegmentHeader(bytes);
    if ("problem" in header)
      throw header.isDamage ? damaged(path, 0, header.problem) : unreadable(path, header.problem);
    const { clusterId, nodeId } = this.identity;
    if (header.clusterId !== clusterId || header.nodeId !== nodeId) {
      const problem =
        `the segment belongs to node ${header.nodeId} of cluster ${header.clusterId}, ` +
        `this folder to node ${nodeId} of cluster ${clusterId}; move it back to its own folder`;
      throw new StorageError(path, 0, problem);
    }
    if (path !== segmentPath(header.firstSequence, header.segmentId)) {
      throw renamed(path, segmentPath(header.firstSequence, header.segmentId), this.paths);
    }
    const previous = this.segments.at(-1);
    if (previous === undefined) {
      this.nextSequence = header.firstSequence;
    } else if (header.firstSequence !== this.nextSequence) {
      throw damaged(
        previous.path,
        this.end,
        `frames ${this.nextSequence} to ${header.firstSequence - 1} are damaged or missing`,
      );
    }
    if ((previous?.segmentId ?? header.previousSegmentId) !== header.previousSegmentId) {
      throw damaged(path, 48, `the segment follows ${header.previousSegmentId}, which is not there`);
    }
    const { firstSequence, segmentId } = header;
    if (previous === undefined && firstSequence === 1 && header.previousSegmentId !== noSegmentId) {
      throw damaged(path, 48, "the first segment names one before it");
    }
    const segment: Segment = { path, segmentId, firstSequence, lastIndex: 0 };
    this.segments.push(segment);
    return { segment, preparedBytes: header.preparedBytes };
  }

  private take(frame: FoundFrame, segment: Segment): void {
    this.nextSequence = frame.sequence + 1;
    this.hardState = frame.hardState;
    this.abstains = frame.abstains;
    if (frame.reset !== null) {
      this.reset = frame.reset;
      this.entries = [];
      for (const each of this.segments) each.lastIndex = 0;
    }
    const first = frame.entries[0];
    if (first === undefined) return;
    const start = this.entries[0]?.index ?? first.index;
    const keep = first.index - start;
    // A gap, or a start before what is kept, happens only where a snapshot of our own took the log's place.
    if (keep < 0 || keep > this.entries.length) this.entries = [];
    else this.entries.length = keep;
    for (const entry of frame.entries) this.entries.push(entry);
    segment.lastIndex = Math.max(segment.lastIndex, first.index + frame.entries.length - 1);
  }
}

/** A file as a whole. */
export async function readFile(files: FileSystem, path: string): Promise<Buffer> {
  const handle = await files.open(path, { create: false });
  try {
    return await readAll(handle);
  } finally {
    await handle.close();
  }
}

async function readAll(handle: FileHandle): Promise<Buffer> {
  return asBuffer(await handle.read(0, await handle.size()));
}

function damaged(path: string, offset: number | null, problem: string): StorageError {
  return damage(path, offset, `${problem}; acknowledged data is lost`);
}

/** Who renames a file onto another one has lost that. */
function renamed(path: string, name: string, paths: ReadonlySet<string>): StorageError {
  const remedy = paths.has(name)
    ? `and a file of that name is there, which is not to be overwritten: if its header names this one, exchange the two names; if not, move this one, a copy, out of the folder`
    : "rename it back";
  return new StorageError(path, 0, `the segment was renamed from ${name}; ${remedy}`);
}

function unreadable(path: string, problem: string): StorageError {
  return new StorageError(path, 0, `${problem}; start the version that wrote it`);
}
