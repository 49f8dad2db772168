/** Writes little-endian values into memory that grows. */
export class ByteWriter {
  bytes: Uint8Array;
  at = 0;

  constructor(capacity: number) {
    this.bytes = new Uint8Array(capacity);
  }

  /** Makes room for `length` more bytes. */
  reserve(length: number): void {
    const needed = this.at + length;
    if (needed <= this.bytes.length) return;
    const grown = new Uint8Array(Math.max(needed, this.bytes.length * 2));
    grown.set(this.bytes.subarray(0, this.at));
    this.bytes = grown;
  }

  u8(value: number): void {
    this.reserve(1);
    this.bytes[this.at++] = value;
  }

  u16(value: number): void {
    this.reserve(2);
    this.bytes[this.at++] = value;
    this.bytes[this.at++] = value >>> 8;
  }

  u32(value: number): void {
    this.reserve(4);
    putU32(this.bytes, this.at, value);
    this.at += 4;
  }

  u64(value: number): void {
    this.u32(value % 4294967296);
    this.u32(Math.floor(value / 4294967296));
  }

  copy(source: Uint8Array, from: number, length: number): void {
    this.reserve(length);
    const bytes = this.bytes;
    let at = this.at;
    if (length > 64) bytes.set(source.subarray(from, from + length), at);
    else for (let i = 0; i < length; i++) bytes[at++] = source[from + i]!;
    this.at += length;
  }

  /** A u16 length and the bytes. */
  name(value: Uint8Array): void {
    this.u16(value.length);
    this.copy(value, 0, value.length);
  }
}

/** Writes a u32 at `at`, where there must be room. */
export function putU32(bytes: Uint8Array, at: number, value: number): void {
  bytes[at] = value;
  bytes[at + 1] = value >>> 8;
  bytes[at + 2] = value >>> 16;
  bytes[at + 3] = value >>> 24;
}
