import { Buffer } from "node:buffer";
import http2 from "node:http2";

/** The answer to one gRPC call, whatever it was. */
export interface RawAnswer {
  readonly httpStatus: number;
  /** Null: the answer had none, so it was no gRPC. */
  readonly grpcStatus: number | null;
  readonly grpcMessage: string;
}

/**
 * Makes one unary gRPC call, as somebody without our SDK might; the message is whatever text is given. `ca`: the PEM of an
 * authority, if TLS is spoken there.
 */
export function callGrpc(endpoint: string, path: string, message = "", ca?: Uint8Array): Promise<RawAnswer> {
  return new Promise((resolve, reject) => {
    const session =
      ca === undefined
        ? http2.connect(`http://${endpoint}`)
        : http2.connect(`https://${endpoint}`, { ca: Buffer.from(ca) });
    session.on("error", reject);
    const stream = session.request({
      ":method": "POST",
      ":path": path,
      "content-type": "application/grpc",
      te: "trailers",
    });
    let headers: http2.IncomingHttpHeaders & http2.IncomingHttpStatusHeader = {};
    let trailers: http2.IncomingHttpHeaders = {};
    stream.on("response", (received) => (headers = received));
    stream.on("trailers", (received) => (trailers = received));
    stream.on("error", reject);
    stream.on("close", () => {
      session.close();
      const status = trailers["grpc-status"] ?? headers["grpc-status"];
      resolve({
        httpStatus: headers[":status"] ?? 0,
        grpcStatus: status === undefined ? null : Number(status),
        grpcMessage: String(trailers["grpc-message"] ?? headers["grpc-message"] ?? ""),
      });
    });
    stream.resume();
    const body = Buffer.alloc(5 + message.length);
    body.writeUInt32BE(message.length, 1);
    body.write(message, 5, "latin1");
    stream.end(body);
  });
}
