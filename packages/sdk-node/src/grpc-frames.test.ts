import { Buffer } from "node:buffer";
import { expect, test } from "vitest";
import { createFrameReader, grpcFrame } from "./grpc-frames.ts";

test("messages come out whole, however the bytes are cut", () => {
  const messages = [new Uint8Array(0), new Uint8Array([1]), new Uint8Array(300).fill(7)];
  const wire = Buffer.concat(messages.map(grpcFrame));
  for (const size of [1, 2, 3, 5, 7, 100, wire.length]) {
    const seen: Uint8Array[] = [];
    const read = createFrameReader((message) => seen.push(Uint8Array.from(message)));
    for (let at = 0; at < wire.length; at += size) expect(read(wire.subarray(at, at + size))).toBe(null);
    expect(seen).toEqual(messages);
  }
});

test("an oversized or compressed message is named, not buffered", () => {
  const read = createFrameReader(() => {});
  expect(read(Buffer.from([0, 0xff, 0xff, 0xff, 0xff]))).toMatch(/4294967295 bytes/);
  expect(createFrameReader(() => {})(Buffer.from([1, 0, 0, 0, 0]))).toMatch(/compression flag 1/);
});
