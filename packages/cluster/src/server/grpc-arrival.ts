import type { Buffer } from "node:buffer";
import { constants, type ServerHttp2Stream } from "node:http2";
import type { ServerInterceptingCallInterface, StatusObject } from "@grpc/grpc-js";
import { ErrorReason } from "@quorumguard/proto";
import { CallError, refusalDetail, StatusCode } from "./call-error.ts";

/** How a request may come from who is not trusted with this node's memory. */
export interface ArrivalOptions {
  /** Told how many bytes have come so far. What it throws ends the call. */
  readonly came: (bytes: number) => void;
  readonly asStatus: (error: unknown) => StatusObject;
  /** A request that is not whole after so long is refused. Default 30,000, as over HTTP. */
  readonly timeoutMs?: number;
}

/**
 * Watches a request of gRPC while it comes: the library keeps what it has of one until the rest is there, for as long as the
 * connection lasts. Returns what ends the watch.
 */
export function watchArrival(
  call: ServerInterceptingCallInterface,
  { came, asStatus, timeoutMs = 30_000 }: ArrivalOptions,
): () => void {
  // The library's own, and private: by what it offers a call can be answered, but what has come of it is not let go.
  const { stream } = call as unknown as { readonly stream: ServerHttp2Stream };
  let bytes = 0;
  const stop = (): void => {
    clearTimeout(timer);
    stream.off("data", count);
  };
  const refuse = (error: unknown): void => {
    stop();
    call.sendStatus(asStatus(error));
    stream.close(constants.NGHTTP2_NO_ERROR);
  };
  const count = (chunk: Buffer): void => {
    bytes += chunk.length;
    try {
      came(bytes);
    } catch (error) {
      refuse(error);
    }
  };
  const timer = setTimeout(() => refuse(refusal(`the request did not come within ${timeoutMs} ms`)), timeoutMs).unref();
  stream.on("data", count);
  return stop;
}

/** What a request may have that needs no token, with what is around it: the name of a service. */
const maxOpenBytes = 4_096;

/** Holds a request that needs no token to its size. @throws {CallError} INVALID_ARGUMENT */
export function boundOpen(bytes: number): void {
  if (bytes > maxOpenBytes) throw refusal(`the request has more than ${maxOpenBytes} bytes`);
}

const refusal = (message: string): CallError =>
  new CallError(StatusCode.invalidArgument, refusalDetail(ErrorReason.INVALID_ARGUMENT, message));
