/**
 * Reads and writes messages by tables of their fields, for clients that are downloaded: the generated code's own functions
 * come with reflection over all of Protocol Buffers, which weighs half as much as such a client. Both write the same bytes.
 */
import type { Message } from "@bufbuild/protobuf";
import { CodecError } from "./codec-error.ts";
import { isUtf8, readUtf8 } from "./utf8.ts";
import { expectWireType, WireReader, WireType } from "./wire-reader.ts";
import { WireWriter } from "./wire-writer.ts";

/** A message's fields, by the generated code's names and types, without what only the generated code's functions need. */
export type PlainMessage<T> = T extends Message
  ? { readonly [K in keyof T as Exclude<K, keyof Message>]: PlainMessage<T[K]> }
  : T extends readonly (infer Each)[]
    ? readonly PlainMessage<Each>[]
    : T;

/** How a field of a message travels: its number, from 1 to 15, and its kind. In the order of numbers. */
export type Fields<T> = { readonly [K in Exclude<keyof T, keyof Message>]: readonly [number, KindOf<T[K]>] };

/** A message has fields of its own, a kind in brackets stands for any number of it, and `?` says that 0 is not absent. */
type KindOf<T> = [T] extends [Message | undefined]
  ? Fields<NonNullable<T>>
  : [T] extends [readonly (infer Each)[]]
    ? readonly [Each extends string ? "text" : Fields<Each>]
    : undefined extends T
      ? `${ScalarKind<NonNullable<T>>}?`
      : ScalarKind<T>;

type ScalarKind<T> = [T] extends [boolean]
  ? "bool"
  : [T] extends [bigint]
    ? "uint64"
    : [T] extends [number]
      ? number extends T
        ? "uint32"
        : "enum"
      : [T] extends [string]
        ? "text"
        : never;

/** The same for code that does not know which message it is about. */
interface AnyFields {
  readonly [name: string]: readonly [number, AnyKind | readonly [AnyKind]];
}
type AnyKind = string | AnyFields;
type AnyMessage = Record<string, unknown>;

let writer: WireWriter | undefined;

/**
 * A message, byte for byte what the generated code would write.
 * @throws {CodecError} when a number is negative, no whole one or above 2^53-1.
 */
export function encodeMessage<T extends Message>(fields: Fields<T>, message: PlainMessage<T>): Uint8Array {
  writer ??= new WireWriter();
  writer.begin();
  write(writer, fields as AnyFields, message as AnyMessage);
  return writer.bytes();
}

function write(into: WireWriter, fields: AnyFields, message: AnyMessage): void {
  for (const [name, [number, kind]] of Object.entries(fields)) {
    const value = message[name];
    if (isRepeated(kind)) for (const each of value as unknown[]) writeLong(into, number, kind[0], each);
    else if (typeof kind === "object" || kind === "text") {
      if (value !== undefined && value !== "") writeLong(into, number, kind, value);
    } else if (!kind.endsWith("?")) into.number(number * 8 + WireType.varint, name, Number(value));
    else if (value !== undefined) into.scalar(number * 8 + WireType.varint, name, Number(value));
  }
}

/** A field with a length, which is there even if it is empty. */
function writeLong(into: WireWriter, number: number, kind: AnyKind, value: unknown): void {
  const tag = number * 8 + WireType.length;
  if (typeof kind === "string") into.string(tag, value as string);
  else into.nested(tag, () => write(into, kind, value as AnyMessage));
}

/**
 * The message that these bytes are; fields that its table does not name are left out.
 * @throws {CodecError} when they are none, or hold a number above 2^53-1; never anything else.
 */
export function decodeMessage<T extends Message>(fields: Fields<T>, bytes: Uint8Array): PlainMessage<T> {
  const message = emptyOf(fields as AnyFields);
  read(new WireReader(bytes), fields as AnyFields, message);
  return message as PlainMessage<T>;
}

function emptyOf(fields: AnyFields): AnyMessage {
  const message: AnyMessage = {};
  for (const [name, [, kind]] of Object.entries(fields)) {
    if (kind === "text") message[name] = "";
    else if (kind === "bool") message[name] = false;
    else if (kind === "uint32" || kind === "enum") message[name] = 0;
    else if (kind === "uint64") message[name] = 0n;
    else if (isRepeated(kind)) message[name] = [];
  }
  return message;
}

function read(from: WireReader, fields: AnyFields, into: AnyMessage): void {
  const names = Object.keys(fields);
  while (from.at < from.end) {
    const tag = from.tag();
    const wireType = tag & 7;
    const number = (tag - wireType) / 8;
    if (number === 0) throw new CodecError("tag", "tag: field number 0 does not exist");
    const name = names.find((each) => fields[each]![0] === number);
    if (name === undefined) from.skip(wireType);
    else readField(from, wireType, name, fields[name]![1], into);
  }
}

function readField(
  from: WireReader,
  wireType: number,
  name: string,
  kind: AnyKind | readonly [AnyKind],
  into: AnyMessage,
): void {
  // A message in several pieces is all of them together.
  if (isRepeated(kind)) (into[name] as unknown[]).push(readLong(from, wireType, name, kind[0], undefined));
  else if (typeof kind === "object" || kind === "text") into[name] = readLong(from, wireType, name, kind, into[name]);
  else {
    expectWireType(name, wireType, WireType.varint);
    into[name] = scalarOf(kind, name, from.varint(name));
  }
}

function scalarOf(kind: string, name: string, value: number): unknown {
  if (kind.startsWith("bool")) return value !== 0;
  if (kind.startsWith("uint64")) return BigInt(value);
  // What is larger has another meaning to every other reader: it is cut to 32 bits, and of an enum negative.
  const max = kind.startsWith("enum") ? 0x7fff_ffff : 0xffff_ffff;
  if (value > max) throw new CodecError(name, `${name}: ${value} is above ${max}`);
  return value;
}

function readLong(from: WireReader, wireType: number, name: string, kind: AnyKind, before: unknown): unknown {
  expectWireType(name, wireType, WireType.length);
  const end = from.lengthEnd(name);
  if (typeof kind === "string") {
    if (!isUtf8(from.bytes, from.at, end)) throw new CodecError(name, `${name}: not UTF-8`);
    const text = readUtf8(from.bytes, from.at, end);
    from.at = end;
    return text;
  }
  const outerEnd = from.end;
  const message = (before ?? emptyOf(kind)) as AnyMessage;
  from.end = end;
  read(from, kind, message);
  from.end = outerEnd;
  return message;
}

function isRepeated(kind: AnyKind | readonly [AnyKind]): kind is readonly [AnyKind] {
  return Array.isArray(kind);
}
