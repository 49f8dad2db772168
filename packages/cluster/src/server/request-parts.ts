import type { Buffer } from "node:buffer";
import type { DescMessage } from "@bufbuild/protobuf";
import { BinaryReader, WireType } from "@bufbuild/protobuf/wire";
import { ClusterService, GuardService } from "@quorumguard/proto";
import { edgeLimits } from "./edge-limits.ts";
import { InvalidField, shown } from "./invalid-field.ts";

const { maxItems } = edgeLimits;

/** A call, its check and its rule for each item are three; one more, so that who is a little above is told by field. */
const maxMessages = 4 * maxItems;
/** The largest call of the contract has 14 fields, in JSON 15 parts; the rest is for fields of tomorrow. */
const maxParts = 16 * maxItems;

/** Requests that whoever has any token may send. What operators send may have more parts: their documents have bounds of their own. */
const bounded: ReadonlySet<DescMessage> = new Set(
  [GuardService, ClusterService].flatMap(({ methods }) => methods.map(({ input }) => input)),
);

/** Counts what a request consists of, before it is built: two bytes each are enough for half a million objects. */
class Parts {
  #parts = 0;
  #messages = 0;

  part(): void {
    this.#parts += 1;
    if (this.#parts > maxParts) throw tooMany("values", maxParts);
  }

  message(): void {
    this.#messages += 1;
    if (this.#messages > maxMessages) throw tooMany("objects", maxMessages);
  }
}

function tooMany(what: string, most: number): InvalidField {
  const remedy = `a request has at most ${maxItems.toLocaleString("en-US")} checks; split it`;
  return new InvalidField("the body", shown(`more than ${most.toLocaleString("en-US")} ${what}`), remedy);
}

/**
 * Holds a binary request to as many parts as a call may have, at a fraction of what decoding costs. Bytes that are no message pass:
 * the decoder stops where this does, and says why.
 *
 * @throws {InvalidField} if it has more.
 */
export function checkBinaryParts(message: DescMessage, bytes: Uint8Array): void {
  if (!bounded.has(message)) return;
  const reader = new BinaryReader(bytes);
  try {
    countFields(new Parts(), reader, message, bytes.length);
  } catch (error) {
    if (error instanceof InvalidField) throw error;
  }
}

function countFields(parts: Parts, reader: BinaryReader, message: DescMessage, length: number): void {
  const end = reader.pos + length;
  while (reader.pos < end) {
    const [number, wireType] = reader.tag();
    parts.part();
    const field = message.fields.find((each) => each.number === number);
    if (field?.message !== undefined) {
      parts.message();
      countFields(parts, reader, field.message, reader.uint32());
      continue;
    }
    // What is in a group would go uncounted.
    if (wireType === WireType.StartGroup) throw new InvalidField("the body", shown("a group"), "no message has groups");
    reader.skip(wireType, number);
  }
}

const quote = 0x22;
const backslash = 0x5c;
const comma = 0x2c;
const list = 0x5b;
const object = 0x7b;

/** The same for a request as JSON. @throws {InvalidField} if it has more parts than a call may have. */
export function checkJsonParts(message: DescMessage, bytes: Buffer): void {
  if (!bounded.has(message)) return;
  const parts = new Parts();
  for (let at = 0; at < bytes.length; at++) {
    const byte = bytes[at];
    if (byte === quote) {
      at = endOfText(bytes, at + 1);
    } else if (byte === comma || byte === list || byte === object) {
      parts.part();
      if (byte === object) parts.message();
    }
  }
}

/** Where the quote is that ends a text; the end of all, if none does. */
function endOfText(bytes: Buffer, start: number): number {
  let at = start;
  while (at < bytes.length && bytes[at] !== quote) at += bytes[at] === backslash ? 2 : 1;
  return at;
}
