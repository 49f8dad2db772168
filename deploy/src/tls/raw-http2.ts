import { Buffer } from "node:buffer";
import { once } from "node:events";
import tls from "node:tls";
import type { RawTarget } from "./raw-exchange.ts";

const frameTypes = { data: 0, headers: 1, reset: 3, settings: 4, goAway: 7 } as const;
const endOfStream = 0x1;
const endOfHeaders = 0x4;

/** `:status` by the byte that stands for it in HPACK's static table (RFC 7541, appendix A). */
const statuses: Readonly<Record<number, string>> = { 136: "200", 140: "400", 141: "404" };

/**
 * Sends one HTTP/2 request with header fields as they are given, which no client library would send, and its body. Resolves
 * with the status of the answer, or with what came in its place: `reset` or `closed`.
 */
export async function exchangeHttp2(
  target: RawTarget,
  fields: readonly (readonly [string, string])[],
  body: string,
): Promise<string> {
  const ca = Buffer.from(target.ca ?? "");
  const socket = tls.connect({
    port: target.port,
    host: "127.0.0.1",
    servername: "localhost",
    ca,
    ALPNProtocols: ["h2"],
  });
  await once(socket, "secureConnect");
  socket.write("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "latin1");
  socket.write(frame(frameTypes.settings, 0, 0, Buffer.alloc(0)));
  socket.write(frame(frameTypes.headers, endOfHeaders, 1, Buffer.concat(fields.map(literal))));
  socket.write(frame(frameTypes.data, endOfStream, 1, Buffer.from(body, "latin1")));
  let taken = Buffer.alloc(0);
  const outcome = new Promise<string>((resolve) => {
    socket.on("error", () => {});
    socket.on("close", () => resolve("closed"));
    socket.on("data", (part) => {
      taken = Buffer.concat([taken, part]);
      for (;;) {
        const length = taken.length < 9 ? Number.POSITIVE_INFINITY : taken.readUIntBE(0, 3);
        if (taken.length < 9 + length) return;
        const [type, first] = [taken[3], taken[9]];
        taken = taken.subarray(9 + length);
        if (type === frameTypes.headers) resolve(statuses[first ?? 0] ?? "another status");
        if (type === frameTypes.reset || type === frameTypes.goAway) resolve("reset");
      }
    });
  });
  return outcome.finally(() => socket.destroy());
}

function frame(type: number, flags: number, streamId: number, payload: Buffer): Buffer {
  const head = Buffer.alloc(9);
  head.writeUIntBE(payload.length, 0, 3);
  head[3] = type;
  head[4] = flags;
  head.writeUInt32BE(streamId, 5);
  return Buffer.concat([head, payload]);
}

/** A field without any table or Huffman code; name and value are shorter than 127 bytes. */
function literal([name, value]: readonly [string, string]): Buffer {
  return Buffer.concat(
    [name, value].map((text, at) =>
      Buffer.from(`${at === 0 ? "\0" : ""}${String.fromCharCode(text.length)}${text}`, "latin1"),
    ),
  );
}
