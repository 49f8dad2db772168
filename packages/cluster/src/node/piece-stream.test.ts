import { describe, expect, test } from "vitest";
import { PieceReader, pieceSource } from "./piece-stream.ts";

const pieces = [new Uint8Array(0), Uint8Array.of(1, 2, 3), new Uint8Array(5_000).fill(7), Uint8Array.of(9)];

async function* all(): AsyncGenerator<Uint8Array> {
  for (const piece of pieces) yield piece;
}

describe("pieces as one stream", () => {
  test("come out as they went in, however the stream is cut", async () => {
    for (const step of [1, 3, 1_000, 100_000]) {
      const source = await pieceSource(all);
      const found: Uint8Array[] = [];
      const reader = new PieceReader((piece) => found.push(piece.slice()));
      for (let at = 0; at < source.bytes; at += step) {
        reader.push(await source.read(at, Math.min(step, source.bytes - at)));
      }
      expect(found).toEqual(pieces);
    }
  });

  test("can be read again from any place: a chunk that was damaged on its way is asked for anew", async () => {
    const source = await pieceSource(all);
    const whole = await source.read(0, source.bytes);
    for (const [position, length] of [
      [0, 4],
      [4, 7],
      [2, 3_000],
      [2_999, 2_000],
      [0, source.bytes],
      [source.bytes - 1, 1],
    ] as const) {
      expect(await source.read(position, length)).toEqual(whole.slice(position, position + length));
    }
    await expect(source.read(source.bytes, 1)).rejects.toThrow("shorter than it was a moment ago");
  });
});
