import { Buffer } from "node:buffer";
import type { IncomingHttpHeaders } from "node:http2";
import { TransportError } from "@quorumguard/sdk-core";
import { portHint } from "./endpoint.ts";

/** Status codes of gRPC that decide what a failure means. */
const UNAUTHENTICATED = 16;
const PERMISSION_DENIED = 7;
const UNIMPLEMENTED = 12;

/** The status in gRPC's trailers (or in its headers, when there is nothing else). Null: none. */
export function grpcStatus(headers: IncomingHttpHeaders): { readonly code: number; readonly message: string } | null {
  const code = headers["grpc-status"];
  if (code === undefined) return null;
  const message = String(headers["grpc-message"] ?? "");
  return { code: Number(code), message: unescapeMessage(message) };
}

/** What an answer that is not gRPC means to the SDK: a proxy's own word about its backends, or somebody else's page. */
export function answerError(endpoint: string, status: number, type: string): TransportError {
  const text = `${endpoint} answers HTTP ${status}${type === "" ? "" : ` ${type}`}`;
  // A proxy without a backend answers with a page. What it had passed on before that is not known.
  if (status >= 500 || status === 408 || status === 429) return new TransportError("unknown", text);
  if (status === 401 || status === 403) return new TransportError("misconfigured", `unauthenticated: ${text}`);
  if (status >= 300 && status < 400) {
    return new TransportError("misconfigured", `${text}, a redirect; give the address it leads to`);
  }
  return new TransportError("misconfigured", `${text}, not gRPC${portHint(endpoint)}`);
}

/** What a status other than OK means to the SDK. */
export function statusError(
  endpoint: string,
  status: { code: number; message: string },
  headers: IncomingHttpHeaders,
): TransportError {
  const detail = firstDetail(headers["grpc-status-details-bin"]);
  const text = `${endpoint}: ${status.message === "" ? `gRPC status ${status.code}` : status.message}`;
  if (detail === null && (status.code === UNAUTHENTICATED || status.code === PERMISSION_DENIED)) {
    // A proxy's word, or that of a node that speaks of certificates: nodes say what they have against a token in the detail.
    return new TransportError("misconfigured", `unauthenticated: ${text}`);
  }
  if (status.code === UNIMPLEMENTED && detail === null) {
    return new TransportError("misconfigured", `${text}; is it a QuorumGuard gRPC port?`, { detail });
  }
  return new TransportError(detail === null ? "unknown" : "rejected", text, { detail });
}

function unescapeMessage(message: string): string {
  try {
    return decodeURIComponent(message);
  } catch {
    return message;
  }
}

/** The first detail of a `google.rpc.Status`: field 3, an Any, whose value is field 2. Three fields are not worth a dependency. */
function firstDetail(header: string | string[] | undefined): Uint8Array | null {
  if (header === undefined) return null;
  const status = Buffer.from(String(header), "base64");
  const any = lengthField(status, 3);
  return any === null ? null : lengthField(any, 2);
}

/** The first length-delimited field of that number; null when there is none or the bytes are no message. */
function lengthField(bytes: Uint8Array, wanted: number): Uint8Array | null {
  let at = 0;
  const varint = (): number => {
    let value = 0;
    for (let shift = 0; shift < 35 && at < bytes.length; shift += 7) {
      const byte = bytes[at++]!;
      value += (byte & 127) * 2 ** shift;
      if (byte < 128) return value;
    }
    return Number.NaN;
  };
  while (at < bytes.length) {
    const tag = varint();
    if (tag % 8 === 0) {
      if (Number.isNaN(varint())) return null;
      continue;
    }
    if (tag % 8 !== 2) return null;
    const length = varint();
    if (Number.isNaN(length) || at + length > bytes.length) return null;
    if (Math.floor(tag / 8) === wanted) return bytes.subarray(at, at + length);
    at += length;
  }
  return null;
}
