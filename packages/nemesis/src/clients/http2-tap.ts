import { subscribe } from "node:diagnostics_channel";
import type { ClientHttp2Stream } from "node:http2";
import type { SessionTap, StreamTap } from "./session-tap.ts";

const sessionPath = "/quorumguard.v1.GuardService/Session";
const headBytes = 5;

/** What a stream was given to write; several at once come with how they are to be encoded, or without. */
type Chunk = Buffer | { readonly chunk: Buffer };

/**
 * Listens to the Session streams of the SDK in this process, by Node's own diagnostics: the SDK is the published one and
 * does not know of it.
 */
export function tapSessions(tap: SessionTap): void {
  const taps = new WeakMap<ClientHttp2Stream, { readonly sent: (chunk: Buffer) => void }>();
  subscribe("http2.client.stream.created", (message) => {
    const { stream, headers } = message as { stream: ClientHttp2Stream; headers: Record<string, unknown> };
    if (headers[":path"] !== sessionPath) return;
    const heard: StreamTap = tap.stream();
    taps.set(stream, { sent: messagesOf((bytes) => heard.request(bytes)) });
    stream.on(
      "data",
      messagesOf((bytes) => heard.response(bytes)),
    );
  });
  subscribe("http2.client.stream.bodyChunkSent", (message) => {
    const { stream, data } = message as { stream: ClientHttp2Stream; data: Chunk | readonly Chunk[] };
    const sent = taps.get(stream)?.sent;
    if (sent === undefined) return;
    for (const chunk of Array.isArray(data) ? data : [data]) sent(Buffer.isBuffer(chunk) ? chunk : chunk.chunk);
  });
}

/** Cuts gRPC's messages, a flag and a length before each, out of a stream of bytes. */
function messagesOf(take: (message: Uint8Array) => void): (chunk: Buffer) => void {
  let kept: Buffer = Buffer.alloc(0);
  return (chunk) => {
    kept = kept.length === 0 ? chunk : Buffer.concat([kept, chunk]);
    while (kept.length >= headBytes) {
      const end = headBytes + kept.readUInt32BE(1);
      if (kept.length < end) return;
      const message = kept.subarray(headBytes, end);
      kept = kept.subarray(end);
      take(message);
    }
  };
}
