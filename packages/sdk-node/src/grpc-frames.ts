import { Buffer } from "node:buffer";

/** Bytes that one message may have; more is a broken or hostile peer. */
const MAX_MESSAGE_BYTES = 1_048_576;
const HEADER_BYTES = 5;

/** One message as gRPC carries it: a flag for compression (none), the length, the bytes. */
export function grpcFrame(message: Uint8Array): Buffer {
  const frame = Buffer.allocUnsafe(HEADER_BYTES + message.length);
  frame[0] = 0;
  frame.writeUInt32BE(message.length, 1);
  frame.set(message, HEADER_BYTES);
  return frame;
}

/** Cuts a byte stream into messages. Returns what is wrong with the stream, or null. */
export function createFrameReader(onMessage: (message: Uint8Array) => void): (chunk: Buffer) => string | null {
  let rest: Buffer = Buffer.alloc(0);
  return (chunk) => {
    let bytes = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
    while (bytes.length >= HEADER_BYTES) {
      if (bytes[0] !== 0) return `a message with compression flag ${bytes[0]}, which was not asked for`;
      const length = bytes.readUInt32BE(1);
      if (length > MAX_MESSAGE_BYTES) return `a message of ${length} bytes, above ${MAX_MESSAGE_BYTES}`;
      if (bytes.length < HEADER_BYTES + length) break;
      const end = HEADER_BYTES + length;
      onMessage(bytes.subarray(HEADER_BYTES, end));
      bytes = bytes.subarray(end);
    }
    // A copy: the chunk's memory may be large, and its message is done with.
    rest = bytes.length === 0 ? bytes : Buffer.from(bytes);
    return null;
  };
}
