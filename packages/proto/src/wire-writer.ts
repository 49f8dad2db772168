import { CodecError, MAX_MESSAGE_BYTES } from "./codec-error.ts";
import { utf8Length, writeUtf8 } from "./utf8.ts";

/** Room kept in front of a body for its tag and length, which are known only once it is written. */
const HEADER_ROOM = 6;
const INITIAL_BYTES = 4_096;

/** Writes Protocol Buffers in the generated code's byte order: fields by number, defaults left out, columns packed. */
export class WireWriter {
  #bytes = new Uint8Array(INITIAL_BYTES);
  #at = HEADER_ROOM;

  begin(): void {
    this.#at = HEADER_ROOM;
  }

  /** The body inside the length-delimited field that `tag` names, in memory of its own. */
  finish(tag: number): Uint8Array {
    const length = this.#at - HEADER_ROOM;
    const start = HEADER_ROOM - 1 - varintLength(length);
    if (this.#at - start > MAX_MESSAGE_BYTES) {
      throw new CodecError("message", `message: ${this.#at - start} bytes are above 1 MiB; send fewer calls per frame`);
    }
    this.#bytes[start] = tag;
    const end = this.#at;
    this.#at = start + 1;
    this.#varint(length);
    this.#at = end;
    return this.#bytes.slice(start, end);
  }

  /** What was written since the beginning, as a message of its own, in memory of its own. */
  bytes(): Uint8Array {
    return this.#bytes.slice(HEADER_ROOM, this.#at);
  }

  /** A scalar field; left out when it is 0. */
  number(tag: number, field: string, value: number): void {
    if (value !== 0) this.scalar(tag, field, value);
  }

  /** A scalar field, also when it is 0: what an optional field needs. */
  scalar(tag: number, field: string, value: number): void {
    expectNumber(field, value);
    this.#reserve(11);
    this.#bytes[this.#at++] = tag;
    this.#varint(value);
  }

  /** A string field, also when it is empty: what a repeated field needs. */
  string(tag: number, value: string): void {
    const length = utf8Length(value);
    this.#reserve(length + 11);
    this.#bytes[this.#at++] = tag;
    this.#varint(length);
    this.#at = writeUtf8(value, this.#bytes, this.#at);
  }

  /** The tag and length of a message whose body the caller writes next. */
  message(tag: number, length: number): void {
    this.#reserve(11);
    this.#bytes[this.#at++] = tag;
    this.#varint(length);
  }

  /** A message whose body `write` writes, for one whose length is not known before. */
  nested(tag: number, write: () => void): void {
    this.#reserve(1);
    this.#bytes[this.#at++] = tag;
    const from = this.#at;
    write();
    const length = this.#at - from;
    const room = varintLength(length);
    this.#reserve(room);
    this.#bytes.copyWithin(from + room, from, this.#at);
    this.#at = from;
    this.#varint(length);
    this.#at += length;
  }

  /** A packed column of `[from, to)`, each value plus `plus`; left out when it is empty. */
  column(tag: number, field: string, values: ArrayLike<number>, from: number, to: number, plus = 0): void {
    if (to <= from) return;
    let length = 0;
    for (let i = from; i < to; i++) {
      const value = values[i]! + plus;
      expectNumber(field, value);
      length += varintLength(value);
    }
    this.#reserve(length + 20);
    this.#varint(tag);
    this.#varint(length);
    for (let i = from; i < to; i++) this.#varint(values[i]! + plus);
  }

  #varint(value: number): void {
    const bytes = this.#bytes;
    let at = this.#at;
    let rest = value;
    // Above 2^31, shifts would cut the number off: divide until it fits.
    while (rest > 0x7fff_ffff) {
      bytes[at++] = (rest % 128) | 128;
      rest = Math.floor(rest / 128);
    }
    while (rest > 127) {
      bytes[at++] = (rest & 127) | 128;
      rest >>>= 7;
    }
    bytes[at++] = rest;
    this.#at = at;
  }

  #reserve(more: number): void {
    const needed = this.#at + more;
    if (needed <= this.#bytes.length) return;
    const grown = new Uint8Array(Math.max(needed, this.#bytes.length * 2));
    grown.set(this.#bytes.subarray(0, this.#at));
    this.#bytes = grown;
  }
}

/** Bytes that a whole number from 0 to 2^53-1 takes as a varint: 1 to 8. */
export function varintLength(value: number): number {
  let length = 1;
  for (let rest = value; rest > 127; rest = Math.floor(rest / 128)) length += 1;
  return length;
}

function expectNumber(field: string, value: number): void {
  if (Number.isSafeInteger(value) && value >= 0) return;
  throw new CodecError(field, `${field}: ${value} is not a whole number from 0 to 2^53-1`);
}
