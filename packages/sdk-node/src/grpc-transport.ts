import type { Buffer } from "node:buffer";
import http2, { type ClientHttp2Stream, type IncomingHttpHeaders, type OutgoingHttpHeaders } from "node:http2";
import {
  type StreamConnection,
  type StreamHandlers,
  type StreamTransport,
  TransportError,
  type UnaryCall,
} from "@quorumguard/sdk-core";
import { type Channel, createChannel } from "./grpc-channel.ts";
import { createFrameReader, grpcFrame } from "./grpc-frames.ts";
import { answerError, grpcStatus, statusError } from "./grpc-status.ts";
import type { TlsOptions } from "./tls-options.ts";

const PACKAGE = "/quorumguard.v1.";

/** Certificates of the gRPC transport, and what it says. */
export interface GrpcTransportOptions {
  readonly tls?: TlsOptions;
  /** What to do if nobody listens where a connection was tried; follows the reason. Default: nothing is said. */
  readonly remedy?: string;
}

/** Makes the SDK's transport over gRPC: raw bytes in HTTP/2 streams, one connection per endpoint. */
export function createGrpcTransport(options: GrpcTransportOptions = {}): StreamTransport {
  const channels = new Map<string, Channel>();
  const channelOf = (endpoint: string): Channel => {
    const known = channels.get(endpoint);
    if (known !== undefined) return known;
    const channel = createChannel(endpoint, options.tls ?? {}, options.remedy);
    channels.set(endpoint, channel);
    return channel;
  };
  return {
    openSession: (endpoint, handlers, token = null) => openStream(channelOf(endpoint), endpoint, token, handlers),
    unary: (call, token = null) => unary(channelOf(call.endpoint), token, call),
    async close() {
      const ending = [...channels.values()];
      channels.clear();
      await Promise.all(ending.map((channel) => channel.close()));
    },
  };
}

/** Begins a request: nothing has been sent when this throws. */
function begin(channel: Channel, method: string, token: string | null, timeoutMs: number): ClientHttp2Stream {
  const { HTTP2_HEADER_METHOD, HTTP2_HEADER_PATH } = http2.constants;
  const headers: OutgoingHttpHeaders = {
    [HTTP2_HEADER_METHOD]: "POST",
    [HTTP2_HEADER_PATH]: `${PACKAGE}${method}`,
    "content-type": "application/grpc",
    te: "trailers",
    "user-agent": "quorumguard-sdk-node",
  };
  if (timeoutMs > 0) headers["grpc-timeout"] = `${Math.min(99_999_999, Math.ceil(timeoutMs))}m`;
  if (token !== null) headers.authorization = `Bearer ${token}`;
  return channel.session().request(headers);
}

/** What one request has come to: listens to everything that ends it, and reports the end once. */
function watch(
  stream: ClientHttp2Stream,
  channel: Channel,
  endpoint: string,
  onMessage: (message: Uint8Array) => void,
  onEnd: (error: TransportError | null) => void,
): void {
  let ended = false;
  let headers: IncomingHttpHeaders = {};
  let trailers: IncomingHttpHeaders | null = null;
  let failure: unknown = null;
  const end = (error: TransportError | null): void => {
    if (ended) return;
    ended = true;
    onEnd(error);
  };
  const read = createFrameReader((message) => {
    if (!ended) onMessage(message);
  });
  stream.on("response", (received) => {
    headers = received;
    const type = String(received["content-type"] ?? "");
    if (received[":status"] === 200 && type.startsWith("application/grpc")) return;
    end(answerError(endpoint, Number(received[":status"]), type));
    stream.close(http2.constants.NGHTTP2_CANCEL);
  });
  stream.on("data", (chunk: Buffer) => {
    const wrong = ended ? null : read(chunk);
    if (wrong === null) return;
    end(new TransportError("misconfigured", `${endpoint} sends ${wrong}`));
    stream.close(http2.constants.NGHTTP2_CANCEL);
  });
  stream.on("trailers", (received) => {
    trailers = received;
  });
  stream.on("error", (error) => {
    failure = error;
  });
  const finish = (): void => {
    const carrier = trailers ?? headers;
    const status = grpcStatus(carrier);
    if (status !== null) end(status.code === 0 ? null : statusError(endpoint, status, carrier));
    else if (stream.rstCode === http2.constants.NGHTTP2_REFUSED_STREAM) {
      end(new TransportError("not-sent", `${endpoint}: the stream was refused`));
    } else channel.explain(failure ?? new Error("the connection ended"), true, end);
  };
  stream.on("end", () => {
    // The server has said its last word, but a stream closes only when both sides have. Not every runtime reports
    // trailers before the end of the data, hence the turn in between.
    setImmediate(() => {
      finish();
      stream.close(http2.constants.NGHTTP2_NO_ERROR);
    });
  });
  stream.on("close", finish);
}

/** How long a stream that we ended may take to be ended by the node as well. */
const GOODBYE_TIMEOUT_MS = 150;

function openStream(
  channel: Channel,
  endpoint: string,
  token: string | null,
  handlers: StreamHandlers,
): StreamConnection {
  let stream: ClientHttp2Stream | null = null;
  let closed = false;
  const early: Uint8Array[] = [];
  const close = (error: TransportError): void => {
    if (closed) return;
    closed = true;
    handlers.onClose(error);
  };
  const start = (): void => {
    if (closed) return;
    try {
      stream = begin(channel, "GuardService/Session", token, 0);
    } catch (cause) {
      channel.explain(cause, false, close);
      return;
    }
    watch(
      stream,
      channel,
      endpoint,
      (message) => {
        if (!closed) handlers.onMessage(message);
      },
      (error) => close(error ?? new TransportError("unknown", `${endpoint}: the node ended the stream`)),
    );
    for (const message of early) stream.write(grpcFrame(message));
    early.length = 0;
  };
  queueMicrotask(start);
  return {
    send(message) {
      if (closed) return;
      if (stream === null) early.push(message);
      else if (!stream.destroyed && !stream.closed && !stream.writableEnded) stream.write(grpcFrame(message));
    },
    close() {
      closed = true;
      if (stream === null) return;
      // What was written last, a goodbye, still goes out; then the stream ends.
      stream.end();
      const ending = stream;
      setTimeout(() => ending.close(http2.constants.NGHTTP2_CANCEL), GOODBYE_TIMEOUT_MS).unref();
    },
  };
}

function unary(channel: Channel, token: string | null, call: UnaryCall): Promise<Uint8Array> {
  return new Promise((resolve, reject) => {
    let answer: Uint8Array | null = null;
    let stream: ClientHttp2Stream;
    try {
      stream = begin(channel, call.method, token, call.timeoutMs);
    } catch (cause) {
      channel.explain(cause, false, reject);
      return;
    }
    const cancel = (why: string) => {
      reject(new TransportError("unknown", `${call.endpoint}: ${why}`));
      stream.close(http2.constants.NGHTTP2_CANCEL);
    };
    const timer = setTimeout(() => cancel(`no answer within ${call.timeoutMs} ms`), call.timeoutMs);
    const onAbort = () => cancel("aborted");
    call.signal?.addEventListener("abort", onAbort, { once: true });
    watch(
      stream,
      channel,
      call.endpoint,
      (message) => {
        answer = message;
      },
      (error) => {
        clearTimeout(timer);
        call.signal?.removeEventListener("abort", onAbort);
        if (error !== null) reject(error);
        else if (answer === null)
          reject(new TransportError("unknown", `${call.endpoint}: an answer without a message`));
        else resolve(answer);
      },
    );
    stream.end(grpcFrame(call.request));
  });
}
