import type { SnapshotSource } from "../transport/peer-transport.ts";
import { PeerFormatError } from "./bytes.ts";

const headerBytes = 4;
/** No image is cut into longer pieces. */
const maxPieceBytes = 67_108_864;

/**
 * Pieces of an image as one stream, each behind its length (u32, little-endian). Reading on is free; reading anew what was lost on
 * its way begins at the front once more, unseen.
 */
export async function pieceSource(pieces: () => AsyncIterable<Uint8Array>): Promise<SnapshotSource> {
  let bytes = 0;
  for await (const piece of pieces()) bytes += headerBytes + piece.length;
  let stream = new FramedPieces(pieces());
  return {
    bytes,
    async read(position, length) {
      if (position < stream.position) stream = new FramedPieces(pieces());
      await stream.skip(position - stream.position);
      return stream.take(length);
    },
  };
}

/** A stream that only goes forward. */
class FramedPieces {
  position = 0;
  readonly #iterator: AsyncIterator<Uint8Array>;
  #rest = new Uint8Array(0);

  constructor(pieces: AsyncIterable<Uint8Array>) {
    this.#iterator = pieces[Symbol.asyncIterator]();
  }

  async skip(length: number): Promise<void> {
    for (let left = length; left > 0; ) left -= (await this.#some(left)).length;
  }

  async take(length: number): Promise<Uint8Array> {
    const out = new Uint8Array(length);
    for (let filled = 0; filled < length; ) {
      const part = await this.#some(length - filled);
      out.set(part, filled);
      filled += part.length;
    }
    return out;
  }

  /** At least a byte and at most `length`. */
  async #some(length: number): Promise<Uint8Array> {
    while (this.#rest.length === 0) this.#rest = await framed(this.#iterator);
    const part = this.#rest.subarray(0, length);
    this.#rest = this.#rest.subarray(part.length);
    this.position += part.length;
    return part;
  }
}

async function framed(iterator: AsyncIterator<Uint8Array>): Promise<Uint8Array<ArrayBuffer>> {
  const { value, done } = await iterator.next();
  if (done === true) throw new Error("the image is shorter than it was a moment ago");
  const bytes = new Uint8Array(headerBytes + value.length);
  new DataView(bytes.buffer).setUint32(0, value.length, true);
  bytes.set(value, headerBytes);
  return bytes;
}

/** Cuts the stream of a {@link pieceSource} into its pieces again, however it was split on the way. */
export class PieceReader {
  readonly #take: (piece: Uint8Array) => void;
  #buffer = new Uint8Array(0);

  constructor(take: (piece: Uint8Array) => void) {
    this.#take = take;
  }

  /** @throws {PeerFormatError} when a piece announces more than any has. */
  push(bytes: Uint8Array): void {
    const joined = new Uint8Array(this.#buffer.length + bytes.length);
    joined.set(this.#buffer);
    joined.set(bytes, this.#buffer.length);
    const view = new DataView(joined.buffer);
    let at = 0;
    while (joined.length - at >= headerBytes) {
      const length = view.getUint32(at, true);
      if (length > maxPieceBytes)
        throw new PeerFormatError(`piece of ${length} bytes, at most ${maxPieceBytes} are cut`);
      if (joined.length - at - headerBytes < length) break;
      this.#take(joined.subarray(at + headerBytes, at + headerBytes + length));
      at += headerBytes + length;
    }
    this.#buffer = joined.slice(at);
  }
}
