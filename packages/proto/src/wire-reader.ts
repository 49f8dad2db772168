import { CodecError } from "./codec-error.ts";

/** Largest u64 that a JavaScript number holds exactly. Stamps in microseconds reach it in the year 2255. */
const MAX_NUMBER = Number.MAX_SAFE_INTEGER;

/** Wire types of Protocol Buffers that `quorumguard.v1` uses; groups are skipped by nobody, since proto3 has none. */
export const WireType = { varint: 0, fixed64: 1, length: 2, fixed32: 5 } as const;

/**
 * Reads Protocol Buffers from bytes that a stranger may have sent: every step is bounded by `end`, and whatever is
 * malformed throws {@link CodecError}, never anything else.
 */
export class WireReader {
  readonly bytes: Uint8Array;
  at: number;
  end: number;

  constructor(bytes: Uint8Array, at = 0, end = bytes.length) {
    this.bytes = bytes;
    this.at = at;
    this.end = end;
  }

  /** An unsigned integer up to 2^53-1. */
  varint(field: string): number {
    const first = this.at < this.end ? this.bytes[this.at]! : 128;
    if (first < 128) {
      this.at += 1;
      return first;
    }
    let value = 0;
    let scale = 1;
    for (let length = 0; length < 10; length++) {
      if (this.at >= this.end) throw new CodecError(field, `${field}: the message ends inside a number`);
      const byte = this.bytes[this.at++]!;
      value += (byte & 127) * scale;
      if (byte < 128) {
        if (value > MAX_NUMBER) throw new CodecError(field, `${field}: ${value} is above 2^53-1`);
        return value;
      }
      scale *= 128;
    }
    throw new CodecError(field, `${field}: a number of more than 10 bytes`);
  }

  /** A field's number and wire type: at most 5 bytes and 32 bits. */
  tag(): number {
    const from = this.at;
    const tag = this.varint("tag");
    if (tag > 0xffff_ffff || this.at - from > 5) throw new CodecError("tag", "tag: more than 32 bits");
    return tag;
  }

  /** An unsigned integer up to 2^32-1. */
  uint32(field: string): number {
    const value = this.varint(field);
    if (value > 0xffff_ffff) throw new CodecError(field, `${field}: ${value} is above 2^32-1`);
    return value;
  }

  /** The end of a length-delimited value that begins at `at` afterwards. */
  lengthEnd(field: string): number {
    const length = this.varint(field);
    if (length > this.end - this.at) {
      throw new CodecError(field, `${field}: ${length} bytes announced, ${this.end - this.at} present`);
    }
    return this.at + length;
  }

  /** Steps over a field that this version does not know. */
  skip(wireType: number): void {
    if (wireType === WireType.varint) this.varint("unknown field");
    else if (wireType === WireType.length) this.at = this.lengthEnd("unknown field");
    else if (wireType === WireType.fixed64 || wireType === WireType.fixed32) {
      this.at += wireType === WireType.fixed64 ? 8 : 4;
      if (this.at > this.end) throw new CodecError("unknown field", "unknown field: the message ends inside it");
    } else throw new CodecError("tag", `tag: wire type ${wireType} is not one of proto3`);
  }

  /**
   * Appends one repeated scalar field, packed or not, to `into` from `count` on; returns the new count.
   * Both forms are legal on the wire, whatever the writer was.
   */
  column(
    field: string,
    wireType: number,
    into: { [index: number]: number; readonly length: number },
    count: number,
  ): number {
    if (wireType === WireType.varint) {
      expectRoom(field, count, into.length);
      into[count] = this.varint(field);
      return count + 1;
    }
    expectWireType(field, wireType, WireType.length);
    const outerEnd = this.end;
    const end = this.lengthEnd(field);
    this.end = end;
    let next = count;
    while (this.at < end) {
      expectRoom(field, next, into.length);
      into[next] = this.varint(field);
      next += 1;
    }
    this.end = outerEnd;
    return next;
  }
}

/** Holds a known field to the wire type that its type in the .proto has. @throws {CodecError} when it has another. */
export function expectWireType(field: string, actual: number, expected: number): void {
  if (actual !== expected) {
    throw new CodecError(field, `${field}: wire type ${actual}, expected ${expected}`);
  }
}

function expectRoom(field: string, count: number, room: number): void {
  if (count >= room) throw new CodecError(field, `${field}: more than ${room} values; split the frame`);
}
