import type { ConfState } from "@quorumguard/raft";
import { asBuffer, checksum, getUint64, putUint64 } from "./bytes.ts";
import type { FileHandle } from "./file-system.ts";
import type { MemberList } from "./member-record.ts";
import type { SnapshotMeta } from "./storage.ts";
import { damage, StorageError } from "./storage-error.ts";

/**
 * The format of a snapshot file, version 1. All integers are little-endian. The same bytes are sent to peers, so nothing
 * in it is particular to a node.
 *
 *     header                                        then per piece of the state machine
 *      0 8B  magic "QGsnap01"                        0 u32 bytes of the piece
 *      8 u32 version                                 4 u32 CRC of the piece
 *     12 u32 bytes of the membership, c              8     the piece
 *     16 u64 index                                  footer, which ends the file
 *     24 u64 term                                    0 u32 0xffffffff
 *     32 16B cluster id                              4 u32 number of pieces
 *     48     membership as JSON, c bytes             8 u64 bytes of all pieces
 *   48+c u32 CRC of the bytes before                16 u32 CRC of these 16 bytes
 *
 * Every CRC is seeded with the one before it, so that pieces of another snapshot, or in another order, do not pass.
 */
const magic = "QGsnap01";
const version = 1;
const fixedBytes = 48;
const pieceHeaderBytes = 8;
const footerBytes = 20;
const footerMark = 0xffffffff;
/** A piece is held in memory whole when it is read. */
const maxPieceBytes = 64 << 20;
const maxConfStateBytes = 1 << 20;

/** Encodes the start of a snapshot file: which state of which cluster it holds, under a checksum of its own. */
export function encodeSnapshotHeader(meta: SnapshotMeta, clusterId: string): Buffer {
  const membership = meta.members === undefined ? meta.confState : { ...meta.confState, list: meta.members };
  const confState = Buffer.from(JSON.stringify(membership));
  const header = Buffer.alloc(fixedBytes + confState.length + 4);
  header.write(magic, 0, "latin1");
  header.writeUInt32LE(version, 8);
  header.writeUInt32LE(confState.length, 12);
  putUint64(header, 16, meta.index);
  putUint64(header, 24, meta.term);
  header.write(clusterId, 32, 16, "hex");
  header.set(confState, fixedBytes);
  const at = fixedBytes + confState.length;
  header.writeUInt32LE(checksum(header.subarray(0, at), 0), at);
  return header;
}

/** What precedes a piece. @throws {RangeError} if the piece is too large to be read back. */
export function encodePieceHeader(piece: Uint8Array, previousChecksum: number): Buffer {
  if (piece.length > maxPieceBytes) {
    throw new RangeError(`a snapshot piece has ${piece.length} bytes, expected at most ${maxPieceBytes}`);
  }
  const header = Buffer.alloc(pieceHeaderBytes);
  header.writeUInt32LE(piece.length, 0);
  header.writeUInt32LE(checksum(piece, previousChecksum), 4);
  return header;
}

/** Checksum that a header, a piece header or anything else built here ends with: the seed of the next one. */
export function lastChecksum(bytes: Buffer): number {
  return bytes.readUInt32LE(bytes.length - 4);
}

/**
 * Encodes the end of a snapshot file: the count of pieces and bytes, so that a file cut short is never taken for
 * whole.
 */
export function encodeSnapshotFooter(pieces: number, dataBytes: number, previousChecksum: number): Buffer {
  const footer = Buffer.alloc(footerBytes);
  footer.writeUInt32LE(footerMark, 0);
  footer.writeUInt32LE(pieces, 4);
  putUint64(footer, 8, dataBytes);
  footer.writeUInt32LE(checksum(footer.subarray(0, 16), previousChecksum), 16);
  return footer;
}

/** Which state of which cluster a snapshot file holds, and where its pieces begin. */
export interface SnapshotHeader {
  readonly meta: SnapshotMeta;
  readonly clusterId: string;
  /** Where the first piece starts. */
  readonly bytes: number;
  readonly checksum: number;
}

/** Reads the start of a snapshot file. @throws {StorageError} if the header is damaged or of another version. */
export async function readSnapshotHeader(handle: FileHandle, path: string): Promise<SnapshotHeader> {
  const fixed = asBuffer(await handle.read(0, fixedBytes));
  if (fixed.length < fixedBytes || fixed.toString("latin1", 0, 8) !== magic) {
    throw damage(path, 0, "this is not a snapshot, or its start is damaged");
  }
  const confStateBytes = fixed.readUInt32LE(12);
  if (confStateBytes > maxConfStateBytes) throw damage(path, 12, "the snapshot header is damaged");
  const end = fixedBytes + confStateBytes;
  const header = asBuffer(await handle.read(0, end + 4));
  if (header.length < end + 4 || header.readUInt32LE(end) !== checksum(header.subarray(0, end), 0)) {
    throw damage(path, 0, "the snapshot header is damaged");
  }
  if (fixed.readUInt32LE(8) !== version) {
    const problem = `the snapshot has format version ${fixed.readUInt32LE(8)}, this build reads version ${version}`;
    throw new StorageError(path, 8, problem);
  }
  const membership = JSON.parse(header.toString("utf8", fixedBytes, end)) as ConfState & { readonly list?: MemberList };
  const { list, ...confState } = membership;
  return {
    meta: {
      index: getUint64(header, 16),
      term: getUint64(header, 24),
      confState,
      ...(list === undefined ? {} : { members: list }),
    },
    clusterId: header.toString("hex", 32, 48),
    bytes: end + 4,
    checksum: header.readUInt32LE(end),
  };
}

/**
 * The pieces of a snapshot, each checked before it is handed out.
 * @throws {StorageError} at the first damaged byte range, or if the file does not end where its footer says.
 */
export async function* readPieces(
  handle: FileHandle,
  path: string,
  header: SnapshotHeader,
): AsyncGenerator<Uint8Array> {
  const size = await handle.size();
  let at = header.bytes;
  let seed = header.checksum;
  let pieces = 0;
  let dataBytes = 0;
  for (;;) {
    const head = asBuffer(await handle.read(at, footerBytes));
    if (head.length < pieceHeaderBytes) throw damage(path, at, "the snapshot is cut short");
    const length = head.readUInt32LE(0);
    if (length === footerMark) {
      const expected = encodeSnapshotFooter(pieces, dataBytes, seed);
      if (expected.equals(head) && at + footerBytes === size) return;
      throw damage(path, at, "the end of the snapshot is damaged");
    }
    if (length > maxPieceBytes) throw damage(path, at, "a piece of the snapshot is damaged");
    const piece = await handle.read(at + pieceHeaderBytes, length);
    const found = checksum(piece, seed);
    if (piece.length < length || found !== head.readUInt32LE(4)) {
      throw damage(path, at, `piece ${pieces} of the snapshot is damaged`);
    }
    yield piece;
    pieces += 1;
    dataBytes += length;
    seed = found;
    at += pieceHeaderBytes + length;
  }
}
