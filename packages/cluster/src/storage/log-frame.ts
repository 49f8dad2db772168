import type { Entry, EntryType, HardState } from "@quorumguard/raft";
import { asBuffer, checksum, getUint64, putUint64 } from "./bytes.ts";
import type { Identity } from "./storage.ts";

/**
 * The format of the log, version 2. All integers are little-endian.
 *
 * A segment is `log/<first sequence, 20 digits>-<segment id, 16 hex>.seg`: one header sector of 512 bytes, then frames,
 * then zeros, which were written before the segment came into use so that appending changes no file metadata.
 *
 *     segment header                          frame header
 *      0 u32 magic "QGsg"                      0 u32 magic "QGfr"
 *      4 u32 version                           4 u32 flags (1: the log restarts at a snapshot; 2: abstains)
 *      8 16B cluster id                        8 u32 number of entries
 *     24 u64 node id                          12 u32 bytes of body
 *     32 8B  segment id, random               16 u64 sequence: 1, 2, 3 … over all segments
 *     40 u64 sequence of the first frame      24 u64 index of the first entry
 *     48 8B  id of the segment before         32 u64 term     \
 *     56 u64 bytes written before its use     40 u64 vote      } the hard state, in every frame
 *     64 u32 CRC of the bytes before          48 u64 commit   /
 *     body of a frame                         56 u64 snapshot index, if the flag is set
 *      per entry: u64 term, u32 bytes,        64 u64 snapshot term, if the flag is set
 *                 u32 type                    72 u32 CRC of the body
 *      then every entry's data                76 u32 CRC of the 76 bytes before
 *
 * - One flush writes exactly one frame, and the next frame is written only after that flush. So a frame that follows
 *   proves that the one before was durable, and only the very last frame can be torn.
 * - A frame starts on a sector of 512 bytes and fills it up with zeros: writing a frame never touches the sectors of
 *   an acknowledged one.
 * - Frame checksums are seeded with the segment's random id. Bytes of another segment, or a caller's key crafted to
 *   look like a frame, are never taken for one.
 * - A segment that is shorter than its header says was cut, and nobody knows of what.
 * - Frames of a node that abstains say so (SEMANTICS N2): an old `meta` put back does not undo it.
 * - Version 1, still read, has no bytes at 56 of the segment header but its CRC.
 * - A frame whose first index is not above the log's end replaces what was there: truncation is logical.
 */
export const sectorBytes = 512;
export const formatVersion = 2;

const segmentMagic = 0x67734751;
const frameMagic = 0x72664751;
const frameHeaderBytes = 80;
const entryHeaderBytes = 16;
const flagReset = 1;
const flagAbstains = 2;

/** Whose log a segment belongs to, and where in it: what its first sector says. */
export interface SegmentHeader {
  readonly clusterId: string;
  readonly nodeId: number;
  /** 16 hexadecimal digits. */
  readonly segmentId: string;
  readonly firstSequence: number;
  readonly previousSegmentId: string;
  /** Bytes that the file had when it came into use; 0 if that is not known. */
  readonly preparedBytes: number;
}

/** Why a segment cannot be read: damage, or a version that this build does not know. */
export interface HeaderProblem {
  readonly problem: string;
  readonly isDamage: boolean;
}

/** Stands for the predecessor of the first segment of a log, which has none. */
export const noSegmentId = "0000000000000000";

/** Seeds every frame checksum in a segment, so that a frame of another segment is not valid in it. */
export function segmentSeed(segmentId: string): number {
  return checksum(Buffer.from(segmentId, "hex"), 0);
}

/** Encodes the first sector of a segment. */
export function encodeSegmentHeader(identity: Pick<Identity, "clusterId" | "nodeId">, header: SegmentPlace): Buffer {
  const sector = Buffer.alloc(sectorBytes);
  sector.writeUInt32LE(segmentMagic, 0);
  sector.writeUInt32LE(formatVersion, 4);
  sector.write(identity.clusterId, 8, 16, "hex");
  putUint64(sector, 24, identity.nodeId);
  sector.write(header.segmentId, 32, 8, "hex");
  putUint64(sector, 40, header.firstSequence);
  sector.write(header.previousSegmentId, 48, 8, "hex");
  putUint64(sector, 56, header.preparedBytes);
  sector.writeUInt32LE(checksum(sector.subarray(0, 64), 0), 64);
  return sector;
}

/** A segment's place in the log, whoever's log it is. */
export type SegmentPlace = Omit<SegmentHeader, "clusterId" | "nodeId">;

/** The header, or what is wrong with it. */
export function decodeSegmentHeader(bytes: Buffer): SegmentHeader | HeaderProblem {
  const bad = (problem: string): HeaderProblem => ({ problem, isDamage: true });
  if (bytes.length < sectorBytes) return bad(`the segment has ${bytes.length} bytes, less than its header`);
  if (bytes.readUInt32LE(0) !== segmentMagic) return bad("this is not a log segment, or its start is damaged");
  const version = bytes.readUInt32LE(4);
  const checked = version === 1 ? 56 : 64;
  if (bytes.readUInt32LE(checked) !== checksum(bytes.subarray(0, checked), 0)) {
    return bad("the segment header is damaged, or of a format version that this build does not know");
  }
  if (version < 1 || version > formatVersion) {
    const problem = `the log has format version ${version}, this build reads up to version ${formatVersion}`;
    return { problem, isDamage: false };
  }
  return {
    clusterId: bytes.toString("hex", 8, 24),
    nodeId: getUint64(bytes, 24),
    segmentId: bytes.toString("hex", 32, 40),
    firstSequence: getUint64(bytes, 40),
    previousSegmentId: bytes.toString("hex", 48, 56),
    preparedBytes: version === 1 ? 0 : getUint64(bytes, 56),
  };
}

/** One group commit: what becomes durable by one flush, or not at all. */
export interface Frame {
  readonly hardState: HardState;
  readonly entries: readonly Entry[];
  /** The log restarts after this snapshot; entries, if any, follow it. */
  readonly reset: { readonly index: number; readonly term: number } | null;
  /** The node abstains: it lacks something that it may have promised. */
  readonly abstains: boolean;
}

/** A frame that was read back whole, its checksum verified. */
export interface FoundFrame extends Frame {
  readonly sequence: number;
  /** Where the next frame starts. */
  readonly end: number;
}

/** Bytes of a frame with these many entries and bytes of data, padding included. */
export function frameBytes(entries: number, dataBytes: number): number {
  return toSector(frameHeaderBytes + entries * entryHeaderBytes + dataBytes);
}

/** Bytes that an entry takes in a frame, its header included. */
export function entryBytes(entry: Entry): number {
  return entryHeaderBytes + entry.data.length;
}

/** A frame in whole sectors, ready to be written. */
export function encodeFrame(frame: Frame, sequence: number, seed: number): Buffer {
  const { entries, hardState, reset } = frame;
  let bodyBytes = 0;
  for (const entry of entries) bodyBytes += entryBytes(entry);
  const used = frameHeaderBytes + bodyBytes;
  const bytes = Buffer.allocUnsafe(toSector(used));
  bytes.fill(0, used);
  let at = frameHeaderBytes;
  let dataAt = frameHeaderBytes + entries.length * entryHeaderBytes;
  for (const entry of entries) {
    putUint64(bytes, at, entry.term);
    bytes.writeUInt32LE(entry.data.length, at + 8);
    bytes.writeUInt32LE(entry.type, at + 12);
    bytes.set(entry.data, dataAt);
    at += entryHeaderBytes;
    dataAt += entry.data.length;
  }
  bytes.writeUInt32LE(frameMagic, 0);
  bytes.writeUInt32LE((reset === null ? 0 : flagReset) | (frame.abstains ? flagAbstains : 0), 4);
  bytes.writeUInt32LE(entries.length, 8);
  bytes.writeUInt32LE(bodyBytes, 12);
  putUint64(bytes, 16, sequence);
  putUint64(bytes, 24, entries[0]?.index ?? 0);
  putUint64(bytes, 32, hardState.term);
  putUint64(bytes, 40, hardState.vote);
  putUint64(bytes, 48, hardState.commit);
  putUint64(bytes, 56, reset?.index ?? 0);
  putUint64(bytes, 64, reset?.term ?? 0);
  bytes.writeUInt32LE(checksum(bytes.subarray(frameHeaderBytes, used), seed), 72);
  bytes.writeUInt32LE(checksum(bytes.subarray(0, 76), seed), 76);
  return bytes;
}

/** Sequence of the frame whose intact header is at `offset`, or null: no frame, or a damaged header. */
export function frameSequenceAt(segment: Buffer, offset: number, seed: number): number | null {
  if (offset + frameHeaderBytes > segment.length) return null;
  if (segment.readUInt32LE(offset) !== frameMagic) return null;
  const header = segment.subarray(offset, offset + frameHeaderBytes);
  if (header.readUInt32LE(76) !== checksum(header.subarray(0, 76), seed)) return null;
  return getUint64(header, 16);
}

/** The whole and undamaged frame at `offset`, or null. Its entries' data are copies. */
export function decodeFrame(segment: Buffer, offset: number, seed: number): FoundFrame | null {
  const sequence = frameSequenceAt(segment, offset, seed);
  if (sequence === null) return null;
  const header = segment.subarray(offset, offset + frameHeaderBytes);
  const count = header.readUInt32LE(8);
  const used = frameHeaderBytes + header.readUInt32LE(12);
  if (offset + used > segment.length) return null;
  const body = asBuffer(Uint8Array.prototype.slice.call(segment, offset + frameHeaderBytes, offset + used));
  if (header.readUInt32LE(72) !== checksum(body, seed)) return null;
  const entries: Entry[] = [];
  const firstIndex = getUint64(header, 24);
  let dataAt = count * entryHeaderBytes;
  for (let i = 0; i < count; i += 1) {
    const at = i * entryHeaderBytes;
    const dataBytes = body.readUInt32LE(at + 8);
    entries.push({
      term: getUint64(body, at),
      index: firstIndex + i,
      type: body.readUInt32LE(at + 12) as EntryType,
      data: body.subarray(dataAt, dataAt + dataBytes),
    });
    dataAt += dataBytes;
  }
  const flags = header.readUInt32LE(4);
  return {
    sequence,
    end: offset + toSector(used),
    entries,
    hardState: { term: getUint64(header, 32), vote: getUint64(header, 40), commit: getUint64(header, 48) },
    reset: (flags & flagReset) === 0 ? null : { index: getUint64(header, 56), term: getUint64(header, 64) },
    abstains: (flags & flagAbstains) !== 0,
  };
}

function toSector(bytes: number): number {
  return Math.ceil(bytes / sectorBytes) * sectorBytes;
}
