/** As much of HTTP/2 (RFC 9113) as it takes to send one request that no client would send, and to read its status. */

const preface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
const frameTypes = { data: 0, headers: 1, reset: 3, settings: 4, goAway: 7 } as const;
const endStream = 1;
const endHeaders = 4;

function frame(type: number, flags: number, stream: number, payload: Buffer): Buffer {
  const head = Buffer.alloc(9);
  head.writeUIntBE(payload.length, 0, 3);
  head.writeUInt8(type, 3);
  head.writeUInt8(flags, 4);
  head.writeUInt32BE(stream, 5);
  return Buffer.concat([head, payload]);
}

/** A text as HPACK has it (RFC 7541, section 5.2), not compressed. */
function literal(text: string): Buffer {
  const bytes = Buffer.from(text, "latin1");
  const length: number[] = [];
  if (bytes.length < 127) length.push(bytes.length);
  else {
    length.push(127);
    let rest = bytes.length - 127;
    for (; rest >= 128; rest >>= 7) length.push((rest & 127) | 128);
    length.push(rest);
  }
  return Buffer.concat([Buffer.from(length), bytes]);
}

/** A connection's beginning and one request on it, with exactly these headers in this order. */
export function requestFrames(headers: readonly (readonly [string, string])[], body: string): Buffer {
  const block = headers.map(([name, value]) => Buffer.concat([Buffer.of(0), literal(name), literal(value)]));
  return Buffer.concat([
    Buffer.from(preface),
    frame(frameTypes.settings, 0, 0, Buffer.alloc(0)),
    frame(frameTypes.headers, endHeaders, 1, Buffer.concat(block)),
    frame(frameTypes.data, endStream, 1, Buffer.from(body)),
  ]);
}

/** Statuses that HPACK's table has (RFC 7541, appendix A, from index 8). */
const tableStatuses = [200, 204, 206, 304, 400, 404, 500];

/** The status of the first answer in what was read; 0: the stream or the connection was ended instead; null: nothing came yet. */
export function statusIn(read: Buffer): number | null {
  for (let at = 0; at + 9 <= read.length; ) {
    const length = read.readUIntBE(at, 3);
    const type = read[at + 3];
    if (type === frameTypes.reset || type === frameTypes.goAway) return 0;
    if (type === frameTypes.headers && at + 9 + length <= read.length) {
      const block = read.subarray(at + 9, at + 9 + length);
      // nginx may first say that it keeps no table.
      const start = block[0]! >> 5 === 1 ? 1 : 0;
      const first = block[start]!;
      if (first & 0x80) return tableStatuses[(first & 0x7f) - 8] ?? null;
      const digits = block[start + 1]! & 0x7f;
      return Number(block.subarray(start + 2, start + 2 + digits).toString("latin1"));
    }
    at += 9 + length;
  }
  return null;
}
