import { crc32 } from "node:zlib";

const twoTo32 = 2 ** 32;

/** Writes an integer of at most 2^53-1 as eight little-endian bytes. */
export function putUint64(target: Buffer, offset: number, value: number): void {
  target.writeUInt32LE(value % twoTo32, offset);
  target.writeUInt32LE(Math.floor(value / twoTo32), offset + 4);
}

/** Reads what {@link putUint64} wrote. Bytes that never came from it may give more than 2^53; checksums exclude that. */
export function getUint64(source: Buffer, offset: number): number {
  return source.readUInt32LE(offset) + source.readUInt32LE(offset + 4) * twoTo32;
}

/** CRC-32 of `bytes`, continued from `seed`: what it covers also depends on all that came before. */
export function checksum(bytes: Uint8Array, seed: number): number {
  return crc32(bytes, seed);
}

/** Views bytes as a Buffer over the same memory, without a copy. */
export function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/** Offset after the last byte that is not zero, at or after `from`; `from` if all are zero. */
export function endOfNonZero(bytes: Buffer, from: number): number {
  const zeros = zeroBytes;
  let end = bytes.length;
  while (end > from) {
    const start = Math.max(from, end - zeros.length);
    if (bytes.compare(zeros, 0, end - start, start, end) !== 0) break;
    end = start;
  }
  while (end > from && bytes[end - 1] === 0) end -= 1;
  return end;
}

/** A block of zeros to compare with and to preallocate from; never written to. */
export const zeroBytes: Buffer = Buffer.alloc(256 << 10);
