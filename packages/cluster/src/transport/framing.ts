import { Buffer } from "node:buffer";
import type { Socket } from "node:net";

const headerBytes = 4;
/** Smaller frames are copied behind their header: one piece costs a writev less than the copy. */
const copyBytes = 16_384;

/** Writes a frame: length u32 little-endian, then the bytes. Returns false when the socket asks to wait. */
export function writeFrame(socket: Socket, frame: Uint8Array): boolean {
  if (frame.length <= copyBytes) {
    const piece = Buffer.allocUnsafe(headerBytes + frame.length);
    piece.writeUInt32LE(frame.length, 0);
    piece.set(frame, headerBytes);
    return socket.write(piece);
  }
  const header = Buffer.allocUnsafe(headerBytes);
  header.writeUInt32LE(frame.length, 0);
  socket.write(header);
  return socket.write(frame);
}

/** Cuts a byte stream into frames. They share memory with the chunks they came in, which nobody writes to again. */
export class FrameReader {
  readonly #maxFrameBytes: number;
  #chunks: Buffer[] = [];
  #bytes = 0;
  /** Length of the frame that is being collected, its header included; 0 while the header is incomplete. */
  #needed = 0;

  constructor(maxFrameBytes: number) {
    this.#maxFrameBytes = maxFrameBytes;
  }

  /**
   * Hands over every frame that `chunk` completes; `take` returns false to stop early.
   * @throws {RangeError} when a frame announces more than the bound.
   */
  push(chunk: Buffer, take: (frame: Uint8Array) => boolean): void {
    this.#chunks.push(chunk);
    this.#bytes += chunk.length;
    if (this.#bytes < Math.max(headerBytes, this.#needed)) return;
    let buffer = this.#chunks.length === 1 ? chunk : Buffer.concat(this.#chunks, this.#bytes);
    for (;;) {
      if (buffer.length < headerBytes) {
        this.#needed = 0;
        break;
      }
      const length = buffer.readUInt32LE(0);
      if (length > this.#maxFrameBytes) {
        throw new RangeError(`frame of ${length} bytes announced, at most ${this.#maxFrameBytes} are allowed`);
      }
      this.#needed = headerBytes + length;
      if (buffer.length < this.#needed) break;
      const frame = buffer.subarray(headerBytes, this.#needed);
      buffer = buffer.subarray(this.#needed);
      this.#needed = 0;
      if (!take(frame)) {
        buffer = buffer.subarray(0, 0);
        break;
      }
    }
    this.#chunks = buffer.length === 0 ? [] : [buffer];
    this.#bytes = buffer.length;
  }
}
