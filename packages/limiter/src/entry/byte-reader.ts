import { EntryError } from "./entry-error.ts";

/** Reads little-endian values and never past its end. @throws {EntryError} */
export class ByteReader {
  readonly bytes: Uint8Array;
  at: number;
  readonly end: number;

  constructor(bytes: Uint8Array, from: number, to: number) {
    this.bytes = bytes;
    this.at = from;
    this.end = to;
  }

  /** Steps over `length` bytes; returns where they begin. */
  skip(length: number, field: string): number {
    const from = this.at;
    if (length > this.end - from) {
      throw new EntryError(`${field} takes ${length} bytes at offset ${from}, but the operation ends at ${this.end}`);
    }
    this.at = from + length;
    return from;
  }

  u8(field: string): number {
    return this.bytes[this.skip(1, field)]!;
  }

  u16(field: string): number {
    return u16At(this.bytes, this.skip(2, field));
  }

  u32(field: string): number {
    return u32At(this.bytes, this.skip(4, field));
  }

  u64(field: string): number {
    return this.#checked(u64At(this.bytes, this.skip(8, field)), field);
  }

  #checked(value: number, field: string): number {
    if (value > Number.MAX_SAFE_INTEGER) throw new EntryError(`${field} is ${value}; it must be below 2^53`);
    return value;
  }

  /** A u64 between two bounds, both included. */
  u64Between(field: string, least: number, most: number): number {
    return between(this.u64(field), field, least, most);
  }

  /** A name's length, checked against its bound, and a step over the name itself; it begins at the returned offset. */
  name(field: string, maxBytes: number): { readonly start: number; readonly length: number } {
    const length = between(this.u16(`length of ${field}`), `length of ${field}`, 0, maxBytes);
    return { start: this.skip(length, field), length };
  }

  finish(field: string): void {
    if (this.at !== this.end) throw new EntryError(`${field} has ${this.end - this.at} bytes left over`);
  }
}

/** The value itself, if it lies between two bounds, both included. @throws {EntryError} naming field, value and bound. */
export function between(value: number, field: string, least: number, most: number): number {
  if (!(value >= least && value <= most)) {
    throw new EntryError(`${field} is ${value}; it must be from ${least} to ${most}`);
  }
  return value;
}

/** The u16 at `at`; the caller knows that it is there. */
export function u16At(bytes: Uint8Array, at: number): number {
  return bytes[at]! | (bytes[at + 1]! << 8);
}

/** The u32 at `at`; the caller knows that it is there. */
export function u32At(bytes: Uint8Array, at: number): number {
  return (bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24)) >>> 0;
}

/** The u64 at `at`, rounded if it is above 2^53; the caller knows that it is there. */
export function u64At(bytes: Uint8Array, at: number): number {
  return u32At(bytes, at + 4) * 4294967296 + u32At(bytes, at);
}
