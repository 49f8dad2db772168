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
import { rejoinAdvice, StorageError } from "./storage-error.ts";

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

/** The log as found on disk. The last segment is open for appending. */
export interface RecoveredLog {
  readonly segments: Segment[];
  readonly active: FileHandle;
  /** Where the next frame goes in the last segment. */
  readonly appendOffset: number;
  /** Bytes of the last segment. */
  readonly activeBytes: number;
  readonly lastSequence: number;
  readonly hardState: HardState;
  /** Without gaps; the newest run, if a snapshot once restarted the log or bridged a gap. */
  readonly entries: readonly Entry[];
  /** The snapshot that the log was last told to restart at. */
  readonly reset: LogPosition | null;
  /** Bytes that are no frame follow the last good one: from {@link appendOffset} up to here. */
  readonly garbageEnd: number;
}

/** Path of a segment. */
export function segmentPath(firstSequence: number, segmentId: string): string {
  return `${logFolder}/${String(firstSequence).padStart(20, "0")}-${segmentId}.seg`;
}

/**
 * Reads the whole log and tells a torn last frame from damaged acknowledged data.
 * @throws {StorageError} if anything but the very last frame is bad, or if the last one is proven acknowledged.
 */
export async function recoverLog(files: FileSystem, identity: Identity, meta: Meta): Promise<RecoveredLog> {
  const names = (await files.list(logFolder)).filter((name) => segmentName.test(name));
  if (names.length === 0) {
    throw new StorageError(
      logFolder,
      null,
      `no log segment is there although the folder has an identity; ${rejoinAdvice}`,
    );
  }
  const scan = new LogScan(identity, meta);
  for (const name of names.slice(0, -1)) {
    const handle = await files.open(`${logFolder}/${name}`, { create: false });
    try {
      scan.sealed(name, await readAll(handle));
    } finally {
      await handle.close();
    }
  }
  const last = names.at(-1) ?? "";
  const active = await files.open(`${logFolder}/${last}`, { create: false });
  try {
    const bytes = await readAll(active);
    const tail = scan.last(last, bytes);
    return { ...scan.result(), ...tail, active, activeBytes: bytes.length };
  } catch (error) {
    await active.close();
    throw error;
  }
}

/** Overwrites what a torn frame left, so that it can never be mistaken for a frame to come. */
export async function zeroRange(handle: FileHandle, from: number, to: number): Promise<void> {
  for (let at = from; at < to; at += zeroBytes.length) {
    await handle.write(at, [zeroBytes.subarray(0, Math.min(zeroBytes.length, to - at))]);
  }
}

class LogScan {
  private readonly identity: Identity;
  private readonly meta: Meta;
  private readonly segments: Segment[] = [];
  private entries: Entry[] = [];
  private hardState: HardState = { term: 0, vote: 0, commit: 0 };
  private reset: LogPosition | null = null;
  private nextSequence = 1;

  constructor(identity: Identity, meta: Meta) {
    this.identity = identity;
    this.meta = meta;
  }

  /** A segment that another one follows: all its frames were durable before that one came to be. */
  sealed(name: string, bytes: Buffer): void {
    this.scan(name, bytes);
  }

  last(name: string, bytes: Buffer): { appendOffset: number; garbageEnd: number; lastSequence: number } {
    const { path, end, seed } = this.scan(name, bytes);
    const expected = this.nextSequence;
    const garbageEnd = endOfNonZero(bytes, end);
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
    return { appendOffset: end, garbageEnd, lastSequence: expected - 1 };
  }

  result(): Pick<RecoveredLog, "segments" | "entries" | "hardState" | "reset"> {
    return { segments: this.segments, entries: this.entries, hardState: this.hardState, reset: this.reset };
  }

  private scan(name: string, bytes: Buffer): { path: string; end: number; seed: number } {
    const segment = this.enter(name, bytes);
    const seed = segmentSeed(segment.segmentId);
    let end = sectorBytes;
    while (end < bytes.length) {
      const frame = decodeFrame(bytes, end, seed);
      if (frame === null || frame.sequence !== this.nextSequence) break;
      this.take(frame, segment);
      end = frame.end;
    }
    return { path: segment.path, end, seed };
  }

  /** Checks that the segment is ours and continues the one before. */
  private enter(name: string, bytes: Buffer): Segment {
    const path = `${logFolder}/${name}`;
    const header = decodeSegmentHeader(bytes);
    if (typeof header === "string") throw damaged(path, 0, header);
    const { clusterId, nodeId } = this.identity;
    if (header.clusterId !== clusterId || header.nodeId !== nodeId) {
      const problem =
        `the segment belongs to node ${header.nodeId} of cluster ${header.clusterId}, ` +
        `this folder to node ${nodeId} of cluster ${clusterId}; move it back to its own folder`;
      throw new StorageError(path, 0, problem);
    }
    if (path !== segmentPath(header.firstSequence, header.segmentId)) {
      throw new StorageError(
        path,
        0,
        `the segment was renamed from ${segmentPath(header.firstSequence, header.segmentId)}; rename it back`,
      );
    }
    const previous = this.segments.at(-1);
    if (previous === undefined) {
      this.nextSequence = header.firstSequence;
    } else if (header.firstSequence !== this.nextSequence) {
      throw damaged(
        previous.path,
        null,
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
    return segment;
  }

  private take(frame: FoundFrame, segment: Segment): void {
    this.nextSequence = frame.sequence + 1;
    this.hardState = frame.hardState;
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

async function readAll(handle: FileHandle): Promise<Buffer> {
  return asBuffer(await handle.read(0, await handle.size()));
}

function damaged(path: string, offset: number | null, problem: string): StorageError {
  return new StorageError(path, offset, `${problem}; acknowledged data is lost: ${rejoinAdvice}`);
}
