import { Buffer } from "node:buffer";
import type { NodeId } from "@quorumguard/raft";

/** What a connection is for: 3 is a snapshot in chunks; 2 was one in a single run, before this version. */
export const Purpose = { messages: 1, snapshot: 3 } as const;
export type Purpose = (typeof Purpose)[keyof typeof Purpose];

const magic = 0x5147_5450;
const headBytes = 14;

/** The first frame of a dialled connection: `magic u32 · version u8 · purpose u8 · from f64 · hello`. */
export function encodePreface(purpose: Purpose, from: NodeId, hello: Uint8Array): Uint8Array {
  const bytes = Buffer.alloc(headBytes + hello.length);
  bytes.writeUInt32LE(magic, 0);
  bytes.writeUInt8(1, 4);
  bytes.writeUInt8(purpose, 5);
  bytes.writeDoubleLE(from, 6);
  bytes.set(hello, headBytes);
  return bytes;
}

/** Reads the first frame of a connection; null if it is not a preface of this version. */
export function decodePreface(frame: Uint8Array): { purpose: Purpose; from: NodeId; hello: Uint8Array } | null {
  const bytes = Buffer.from(frame.buffer, frame.byteOffset, frame.byteLength);
  if (bytes.length < headBytes || bytes.readUInt32LE(0) !== magic || bytes.readUInt8(4) !== 1) return null;
  const purpose = bytes.readUInt8(5);
  if (purpose !== Purpose.messages && purpose !== Purpose.snapshot) return null;
  const from = bytes.readDoubleLE(6);
  if (!Number.isSafeInteger(from) || from < 1) return null;
  return { purpose, from, hello: frame.subarray(headBytes) };
}

/** The acceptor's answer: empty for yes, else why not. Refusals close the connection. */
export function encodeAnswer(refusal: string | null): Uint8Array {
  return refusal === null ? new Uint8Array([1]) : Buffer.concat([Buffer.from([0]), Buffer.from(refusal, "utf8")]);
}

/** Reads whether the acceptor takes the connection: null for yes, else why not. */
export function decodeAnswer(frame: Uint8Array): string | null {
  if (frame.length === 1 && frame[0] === 1) return null;
  return Buffer.from(frame.subarray(1)).toString("utf8") || "refused without a reason";
}
