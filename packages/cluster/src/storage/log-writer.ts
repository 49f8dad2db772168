import type { Entry, HardState } from "@quorumguard/raft";
import { zeroBytes } from "./bytes.ts";
import { DurationCounts, flushBoundsMs } from "./duration-counts.ts";
import type { FileHandle, FileSystem } from "./file-system.ts";
import {
  encodeFrame,
  encodeSegmentHeader,
  entryBytes,
  frameBytes,
  noSegmentId,
  type SegmentPlace,
  sectorBytes,
  segmentSeed,
} from "./log-frame.ts";
import { logFolder, type Segment, segmentPath, spareSuffix } from "./log-recovery.ts";
import type { Identity, SnapshotMeta, StorageOptions, StorageStats, StorageWrite } from "./storage.ts";
import { failedWrite } from "./storage-error.ts";

/** A frame takes whole writes until it has this many bytes or entries; a single write is never divided. */
const maxFrameBytes = 4 << 20;
const maxFrameEntries = 4096;

/** What the next frame will hold, and whom to tell. */
interface Batch {
  hardState: HardState;
  entries: Entry[];
  bytes: number;
  snapshot: SnapshotMeta | null;
  readonly done: (() => void)[];
}

/** Where a log writer takes over from recovery: the open segment, and what is durable in it. */
export interface LogStart {
  readonly segments: Segment[];
  readonly active: FileHandle;
  readonly activeBytes: number;
  readonly appendOffset: number;
  readonly lastSequence: number;
  readonly hardState: HardState;
  /** Frames say so until the cluster has made up for what this node lost. */
  readonly abstains: boolean;
}

/** What a log writer tells its owner: that a restart of the log is durable, or that it failed for good. */
export interface LogWriterHooks {
  /** A frame that restarts the log at this snapshot is durable. */
  restarted(snapshot: SnapshotMeta): Promise<void>;
  /** A frame of this term, later than those before it, is about to be written. */
  entering(term: number): Promise<void>;
  /** Segments before the one of this first sequence are about to go: META must know first. */
  dropping(firstSequence: number): Promise<void>;
  /** Called once; nothing is acknowledged afterwards. */
  failed(error: Error): void;
}

/** The statistics of a storage that has no log yet. */
export const noLogStats: StorageStats = {
  flushes: 0,
  bytesWritten: 0,
  flushMs: 0,
  flushingForMs: 0,
  flushDurations: new DurationCounts(flushBoundsMs),
};

/** Appends frames: one flush in flight, what arrives meanwhile is the next frame. */
export class LogWriter {
  private readonly files: FileSystem;
  private readonly identity: Identity;
  private readonly options: StorageOptions;
  private readonly hooks: LogWriterHooks;
  private readonly segmentBytes: number;
  private readonly segments: Segment[];
  private active: FileHandle;
  private activeBytes: number;
  private seed: number;
  private offset: number;
  private sequence: number;
  private written: HardState;
  private abstains: boolean;
  private queue: Batch[] = [];
  /** The batch being written or acknowledged. */
  private inFlight: Batch | null = null;
  private running: Promise<void> | null = null;
  private stopped = false;
  private spare: Promise<Spare | null> | null = null;
  private readonly counters = { flushes: 0, bytesWritten: 0, flushMs: 0, flushStartedMs: -1 };
  private readonly flushDurations = new DurationCounts(flushBoundsMs);

  constructor(files: FileSystem, identity: Identity, options: StorageOptions, start: LogStart, hooks: LogWriterHooks) {
    this.files = files;
    this.identity = identity;
    this.options = options;
    this.hooks = hooks;
    this.segmentBytes = resolveSegmentBytes(options.segmentBytes);
    this.segments = start.segments;
    this.active = start.active;
    this.activeBytes = Math.max(start.activeBytes, this.segmentBytes);
    this.seed = segmentSeed(start.segments.at(-1)?.segmentId ?? noSegmentId);
    this.offset = start.appendOffset;
    this.sequence = start.lastSequence;
    this.written = start.hardState;
    this.abstains = start.abstains;
  }

  /** Sequence of the last durable frame. */
  get durableSequence(): number {
    return this.sequence;
  }

  stats(): StorageStats {
    const { flushes, bytesWritten, flushMs, flushStartedMs } = this.counters;
    const flushingForMs = flushStartedMs < 0 ? 0 : this.options.monotonicMs() - flushStartedMs;
    return { flushes, bytesWritten, flushMs, flushingForMs, flushDurations: this.flushDurations };
  }

  /** Frames say from now on that the node takes part again. */
  returns(): void {
    this.abstains = false;
  }

  append(write: StorageWrite, done: () => void): void {
    if (this.stopped) return;
    const previous = this.queue.at(-1);
    const hardState = write.hardState ?? previous?.hardState ?? this.written;
    if (previous !== undefined && fits(previous, write)) merge(previous, write, hardState, done);
    else {
      const batch: Batch = { hardState, entries: [], bytes: 0, snapshot: null, done: [] };
      merge(batch, write, hardState, done);
      this.queue.push(batch);
    }
    this.running ??= this.run();
  }

  /**
   * Calls `done` after everything handed in before, without a flush of its own. Takes the hard state along if a frame
   * is yet to be written; returns whether one is.
   */
  follow(hardState: HardState, done: () => void): boolean {
    const queued = this.queue.at(-1);
    if (queued !== undefined) queued.hardState = hardState;
    const last = queued ?? this.inFlight;
    if (last !== null) last.done.push(done);
    else queueMicrotask(() => this.stopped || done());
    return queued !== undefined;
  }

  /** Resolves once everything handed in so far is durable, or never will be. */
  async settled(): Promise<void> {
    while (this.running !== null) await this.running;
  }

  /** Removes segments that hold nothing above `index`, oldest first, so that what remains has no gap. */
  async dropSegments(index: number): Promise<void> {
    const doomed: Segment[] = [];
    for (const segment of this.segments.slice(0, -1)) {
      // The newest frame carries the hard state: never drop the segment that it is in.
      const next = this.segments[doomed.length + 1];
      if (segment.lastIndex > index || next === undefined || next.firstSequence > this.sequence) break;
      doomed.push(segment);
    }
    if (doomed.length === 0) return;
    this.segments.splice(0, doomed.length);
    const first = this.segments[0];
    if (first !== undefined) await this.hooks.dropping(first.firstSequence);
    for (const segment of doomed) await this.files.remove(segment.path);
    await this.files.flushFolder(logFolder);
  }

  /** Nothing more is written or acknowledged. */
  stop(): void {
    this.stopped = true;
    this.queue = [];
  }

  async close(): Promise<void> {
    this.stop();
    await this.settled();
    const spare = await this.spare;
    if (spare !== null) {
      await spare.handle.close();
      await this.files.remove(spare.path).catch(() => {});
    }
    await this.active.close();
  }

  private async run(): Promise<void> {
    try {
      // What else is handed in during this turn of the caller belongs to the same frame.
      await null;
      for (let batch = this.queue.shift(); batch !== undefined; batch = this.queue.shift()) {
        this.inFlight = batch;
        await this.writeFrame(batch);
        if (this.stopped) break;
        // May grow while it is walked: what follows without a flush of its own joins it.
        for (const done of batch.done) done();
        this.inFlight = null;
      }
    } catch (error) {
      this.stop();
      this.hooks.failed(failedWrite(this.segments.at(-1)?.path ?? logFolder, this.offset, error));
    } finally {
      this.running = null;
    }
  }

  private async writeFrame(batch: Batch): Promise<void> {
    // All that the batch waits for counts as its flush, a new segment included: a stalled disk stalls wherever it is.
    this.counters.flushStartedMs = this.options.monotonicMs();
    // A frame too large for any segment makes its segment grow. No segment but the last is ever without frames, so that
    // no two begin with the same sequence.
    const full = this.offset + frameBytes(0, batch.bytes) > this.activeBytes;
    if (full && this.offset > sectorBytes) await this.rotate();
    const { hardState, entries, snapshot } = batch;
    if (hardState.term > this.written.term) await this.hooks.entering(hardState.term);
    const sequence = this.sequence + 1;
    const frame = encodeFrame({ hardState, entries, reset: snapshot, abstains: this.abstains }, sequence, this.seed);
    await this.active.write(this.offset, [frame]);
    await this.active.flush();
    this.countFlush(frame.length);
    this.offset += frame.length;
    this.sequence = sequence;
    this.written = hardState;
    this.noteIndexes(entries, snapshot !== null);
    if (snapshot !== null) await this.hooks.restarted(snapshot);
    if (this.spare === null && this.offset * 2 > this.activeBytes) this.spare = this.prepareSpare();
  }

  private countFlush(bytes: number): void {
    const counters = this.counters;
    const tookMs = this.options.monotonicMs() - counters.flushStartedMs;
    counters.flushStartedMs = -1;
    counters.flushMs = counters.flushes === 0 ? tookMs : counters.flushMs + (tookMs - counters.flushMs) / 8;
    counters.flushes += 1;
    this.flushDurations.observe(tookMs);
    counters.bytesWritten += bytes;
  }

  private noteIndexes(entries: readonly Entry[], restarted: boolean): void {
    if (restarted) for (const segment of this.segments) segment.lastIndex = 0;
    const segment = this.segments.at(-1);
    if (segment !== undefined) segment.lastIndex = Math.max(segment.lastIndex, entries.at(-1)?.index ?? 0);
  }

  /** Goes on in a new segment. The frames before are durable, and the new segment's existence is the proof of it. */
  private async rotate(): Promise<void> {
    const prepared = await this.spare;
    this.spare = null;
    const segmentId = newSegmentId(this.options);
    // Without a spare (the disk was full when it was due) the file grows as it is written: slower, and just as safe.
    const spare = prepared ?? (await openSpare(this.files, this.segmentBytes, newSegmentId(this.options), 0));
    const segment = await enterSegment(this.files, this.identity, spare, {
      segmentId,
      firstSequence: this.sequence + 1,
      previousSegmentId: this.segments.at(-1)?.segmentId ?? noSegmentId,
    });
    await this.active.close();
    this.active = spare.handle;
    this.activeBytes = spare.bytes;
    this.seed = segmentSeed(segmentId);
    this.offset = sectorBytes;
    this.segments.push(segment);
  }

  /** A full disk here is no reason to stop: the current segment still has room. */
  private async prepareSpare(): Promise<Spare | null> {
    const id = newSegmentId(this.options);
    try {
      return await openSpare(this.files, this.segmentBytes, id, this.segmentBytes);
    } catch {
      await this.files.remove(sparePath(id)).catch(() => {});
      return null;
    }
  }
}

/** A file that is ready to become a segment. */
interface Spare {
  readonly handle: FileHandle;
  readonly path: string;
  /** Bytes that it may take. */
  readonly bytes: number;
  /** Bytes that it has, durably. */
  readonly prepared: number;
}

/** Makes the first segment of a new log, in a folder that has no identity yet. */
export async function createLog(files: FileSystem, identity: Identity, options: StorageOptions): Promise<LogStart> {
  const bytes = resolveSegmentBytes(options.segmentBytes);
  // An earlier attempt may have failed halfway. Without an identity nothing in here was ever spoken for.
  for (const name of await files.list(logFolder)) await files.remove(`${logFolder}/${name}`);
  const spare = await openSpare(files, bytes, newSegmentId(options), bytes);
  const place = { segmentId: newSegmentId(options), firstSequence: 1, previousSegmentId: noSegmentId };
  const segment = await enterSegment(files, identity, spare, place);
  return {
    segments: [segment],
    active: spare.handle,
    activeBytes: bytes,
    appendOffset: sectorBytes,
    lastSequence: 0,
    hardState: { term: 0, vote: 0, commit: 0 },
    abstains: false,
  };
}

/**
 * Makes the only segment of a log that was repaired: it holds all that is left. Durable when this resolves, and no part of
 * the log until META says that the log begins with it.
 */
export async function createRepairedLog(
  files: FileSystem,
  identity: Identity,
  options: StorageOptions,
  left: { readonly firstSequence: number; readonly hardState: HardState; readonly entries: readonly Entry[] },
): Promise<LogStart> {
  const { firstSequence, hardState } = left;
  const segmentId = newSegmentId(options);
  const seed = segmentSeed(segmentId);
  const frames = inFrames(left.entries).map((entries, at) =>
    encodeFrame({ hardState, entries, reset: null, abstains: true }, firstSequence + at, seed),
  );
  const used = frames.reduce((sum, frame) => sum + frame.length, sectorBytes);
  const bytes = Math.max(resolveSegmentBytes(options.segmentBytes), used);
  for (const name of await files.list(logFolder)) {
    if (name.endsWith(spareSuffix)) await files.remove(`${logFolder}/${name}`);
  }
  const spare = await openSpare(files, bytes, newSegmentId(options), bytes);
  await spare.handle.write(sectorBytes, frames);
  const segment = await enterSegment(files, identity, spare, {
    segmentId,
    firstSequence,
    previousSegmentId: noSegmentId,
  });
  return {
    segments: [{ ...segment, lastIndex: left.entries.at(-1)?.index ?? 0 }],
    active: spare.handle,
    activeBytes: bytes,
    appendOffset: used,
    lastSequence: firstSequence + frames.length - 1,
    hardState,
    abstains: true,
  };
}

/** At least one frame: the hard state needs one. */
function inFrames(entries: readonly Entry[]): Entry[][] {
  const frames: Entry[][] = [[]];
  let bytes = 0;
  for (const entry of entries) {
    const size = entryBytes(entry);
    const last = frames.at(-1) ?? [];
    if (last.length > 0 && (bytes + size > maxFrameBytes || last.length >= maxFrameEntries)) {
      frames.push([entry]);
      bytes = size;
    } else {
      last.push(entry);
      bytes += size;
    }
  }
  return frames;
}

/**
 * The segment size in bytes, rounded down to whole sectors; 16 MiB if none is given.
 *
 * @throws {RangeError} naming the value and its bounds.
 */
export function resolveSegmentBytes(segmentBytes: number | undefined): number {
  const bytes = segmentBytes ?? 16 << 20;
  if (!Number.isSafeInteger(bytes) || bytes < 64 << 10 || bytes > 1 << 30) {
    throw new RangeError(`segmentBytes is ${bytes}, expected an integer from 65536 (64 KiB) to 1073741824 (1 GiB)`);
  }
  return bytes - (bytes % sectorBytes);
}

/** Creates a file and writes zeros to its first `zeroed` bytes, in pieces, so that no single flush takes long. */
async function openSpare(files: FileSystem, bytes: number, id: string, zeroed: number): Promise<Spare> {
  const path = sparePath(id);
  const handle = await files.open(path, { create: true });
  try {
    for (let at = 0; at < zeroed; at += zeroBytes.length) {
      await handle.write(at, [zeroBytes.subarray(0, Math.min(zeroBytes.length, zeroed - at))]);
      await handle.flush();
    }
  } catch (error) {
    await handle.close();
    throw error;
  }
  return { handle, path, bytes, prepared: zeroed };
}

/** Header first, durable, and only then the name that makes it part of the log: a bad header is always damage. */
async function enterSegment(
  files: FileSystem,
  identity: Identity,
  spare: Spare,
  place: Omit<SegmentPlace, "preparedBytes">,
): Promise<Segment> {
  const { firstSequence, segmentId } = place;
  await spare.handle.write(0, [encodeSegmentHeader(identity, { ...place, preparedBytes: spare.prepared })]);
  await spare.handle.flush();
  const path = segmentPath(firstSequence, segmentId);
  await files.rename(spare.path, path);
  await files.flushFolder(logFolder);
  return { path, segmentId, firstSequence, lastIndex: 0 };
}

function sparePath(id: string): string {
  return `${logFolder}/${id}${spareSuffix}`;
}

function newSegmentId(options: StorageOptions): string {
  return Buffer.from(options.randomBytes(8)).toString("hex").padStart(16, "0");
}

function fits(batch: Batch, write: StorageWrite): boolean {
  if (write.snapshot !== null) return false;
  let bytes = batch.bytes;
  for (const entry of write.entries) bytes += entryBytes(entry);
  return bytes <= maxFrameBytes && batch.entries.length + write.entries.length <= maxFrameEntries;
}

function merge(batch: Batch, write: StorageWrite, hardState: HardState, done: () => void): void {
  batch.hardState = hardState;
  batch.done.push(done);
  if (write.snapshot !== null) batch.snapshot = write.snapshot;
  const first = write.entries[0];
  if (first === undefined) return;
  while ((batch.entries.at(-1)?.index ?? -1) >= first.index) {
    const replaced = batch.entries.pop();
    if (replaced !== undefined) batch.bytes -= entryBytes(replaced);
  }
  for (const entry of write.entries) {
    batch.entries.push(entry);
    batch.bytes += entryBytes(entry);
  }
}
