import { Buffer } from "node:buffer";
import { crc32 } from "node:zlib";

/**
 * What passes on a connection of its own while a snapshot is sent, each in one frame. Integers are little-endian, positions are
 * f64.
 *
 *     sender                                          receiver
 *      offer  bytes f64 · tag length u8 · tag · head   1 · position   yes, go on from there
 *      1 · position · CRC u32 · bytes                  2 · position   all before it is written
 *      2      that was all                             3 · position   damaged or out of place: again from there
 *                                                      4              it has the whole
 *                                                      0 · reason     no
 */
const chunkHeaderBytes = 13;
const chunkKind = 1;
const endKind = 2;

/** An image that is offered: how long it is, and what tells it from any other. */
export interface ImageOffer {
  readonly bytes: number;
  /** Equal only if all bytes are; empty: unknown, so that it cannot be gone on with. */
  readonly tag: Uint8Array;
}

/** A receiver's word. */
export type Reply =
  | { readonly kind: "from" | "held" | "again"; readonly position: number }
  | { readonly kind: "taken" }
  | { readonly kind: "refused"; readonly reason: string };

const replyKinds = ["refused", "from", "held", "again", "taken"] as const;

/** The sender's first word: what it has, and the head that says what it is. */
export function encodeOffer(offer: ImageOffer, head: Uint8Array): Uint8Array {
  const bytes = Buffer.alloc(9 + offer.tag.length + head.length);
  bytes.writeDoubleLE(offer.bytes, 0);
  bytes.writeUInt8(offer.tag.length, 8);
  bytes.set(offer.tag, 9);
  bytes.set(head, 9 + offer.tag.length);
  return bytes;
}

/** Null for what is no offer. */
export function decodeOffer(frame: Uint8Array): { readonly offer: ImageOffer; readonly head: Uint8Array } | null {
  const bytes = view(frame);
  if (bytes.length < 9) return null;
  const total = bytes.readDoubleLE(0);
  const headAt = 9 + bytes.readUInt8(8);
  if (!isPosition(total) || bytes.length < headAt) return null;
  return { offer: { bytes: total, tag: frame.slice(9, headAt) }, head: frame.subarray(headAt) };
}

/** A piece of the image under a checksum over its place and its bytes. */
export function encodeChunk(position: number, bytes: Uint8Array): Uint8Array {
  const frame = Buffer.allocUnsafe(chunkHeaderBytes + bytes.length);
  frame.writeUInt8(chunkKind, 0);
  frame.writeDoubleLE(position, 1);
  frame.writeUInt32LE(crc32(bytes, crc32(frame.subarray(0, 9))), 9);
  frame.set(bytes, chunkHeaderBytes);
  return frame;
}

/** The sender's last word. */
export function encodeEnd(): Uint8Array {
  return Uint8Array.of(endKind);
}

/** What a sender said after its offer: a sound chunk, the end, or something that must be said again. */
export function decodePart(
  frame: Uint8Array,
): { readonly position: number; readonly bytes: Uint8Array } | "end" | "damaged" {
  if (frame.length === 1 && frame[0] === endKind) return "end";
  const bytes = view(frame);
  if (bytes.length <= chunkHeaderBytes || bytes.readUInt8(0) !== chunkKind) return "damaged";
  const content = frame.subarray(chunkHeaderBytes);
  if (bytes.readUInt32LE(9) !== crc32(content, crc32(bytes.subarray(0, 9)))) return "damaged";
  return { position: bytes.readDoubleLE(1), bytes: content };
}

/** A receiver's word in a frame. */
export function encodeReply(reply: Reply): Uint8Array {
  const kind = replyKinds.indexOf(reply.kind);
  if (reply.kind === "taken") return Uint8Array.of(kind);
  if (reply.kind === "refused") return Buffer.concat([Uint8Array.of(kind), Buffer.from(reply.reason, "utf8")]);
  const bytes = Buffer.alloc(9);
  bytes.writeUInt8(kind, 0);
  bytes.writeDoubleLE(reply.position, 1);
  return bytes;
}

/** @throws {RangeError} for what is no reply. */
export function decodeReply(frame: Uint8Array): Reply {
  const kind = replyKinds[frame[0] ?? replyKinds.length];
  if (kind === "taken") return { kind };
  if (kind === "refused") return { kind, reason: Buffer.from(frame.subarray(1)).toString("utf8") || "no reason given" };
  if (kind === undefined || frame.length !== 9) throw new RangeError(`a reply begins with ${frame[0]}`);
  const position = view(frame).readDoubleLE(1);
  if (!isPosition(position)) throw new RangeError(`a reply names position ${position}`);
  return { kind, position };
}

function isPosition(value: number): boolean {
  return Number.isSafeInteger(value) && value >= 0;
}

function view(frame: Uint8Array): Buffer {
  return Buffer.from(frame.buffer, frame.byteOffset, frame.byteLength);
}
