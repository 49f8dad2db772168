import { TransportError } from "@quorumguard/sdk-core";
import { pageFault } from "./page-fault.ts";

/** The part of a Connect error's JSON body that matters here. */
interface ConnectErrorBody {
  readonly code?: unknown;
  readonly message?: unknown;
  readonly details?: unknown;
}

/** What an HTTP answer other than 200 means to the SDK. */
export function responseError(endpoint: string, status: number, body: string): TransportError {
  const error = parse(body);
  if (error === null) return plainError(endpoint, status);
  const message = `${endpoint}: ${typeof error.message === "string" ? error.message : error.code}`;
  const detail = firstDetail(error.details);
  if (detail !== null) return new TransportError("rejected", message, { detail });
  if (error.code === "unauthenticated" || error.code === "permission_denied") {
    return new TransportError("misconfigured", `unauthenticated: ${message}`);
  }
  if (error.code === "unimplemented") {
    return new TransportError("misconfigured", `${message}; is it a QuorumGuard HTTP port?`);
  }
  return new TransportError("unknown", message);
}

/** A page of a proxy, or of something else. */
function plainError(endpoint: string, status: number): TransportError {
  if (status === 0 || (status >= 300 && status < 400)) {
    return new TransportError("misconfigured", `${endpoint} redirects (HTTP ${status}); give the address it leads to`);
  }
  if (status === 401 || status === 403) {
    return new TransportError("misconfigured", `unauthenticated: ${endpoint} answers HTTP ${status}`);
  }
  if (status >= 500 || status === 408 || status === 429) {
    return new TransportError("unknown", `${endpoint} answers HTTP ${status}`);
  }
  const hint = "give a node's HTTP port (7402 by default), or the proxy's address with its path";
  return new TransportError("misconfigured", `${endpoint} answers HTTP ${status}, which is not Connect; ${hint}`);
}

/** What to do if nobody is there, and nobody ever was. */
const NOBODY_THERE = "is a cluster running there? `npx quorumguard dev` starts one; else mend endpoints";

/** What to do if a name leads nowhere. */
const NAME_REMEDY = "is it spelt right, and known on this machine's network? Else mend endpoints";

/** What a name server's word means; null: it is not one, or the runtime does not tell. */
function nameFault(code: string, endpoint: string): string | null {
  if (code !== "ENOTFOUND" && code !== "EAI_AGAIN") return null;
  const host = new URL(endpoint).hostname;
  return code === "ENOTFOUND"
    ? `the name ${host} has no address (ENOTFOUND)`
    : `no name server answers for the name ${host} (EAI_AGAIN)`;
}

/** What a rejected fetch proves by itself; kind `unknown` if it proves nothing. `strange`: nobody has answered yet. */
export function fetchError(endpoint: string, error: unknown, strange: boolean): TransportError {
  const code = codeOf(error);
  const unnamed = nameFault(code, endpoint);
  const text = `${endpoint}: ${unnamed ?? describe(error, endpoint)}`;
  if (isNoHttp(code, text)) {
    const message = `${text}: what answers there speaks no HTTP/1.1; is it the gRPC port? Give the HTTP port (7402 by default)`;
    return new TransportError("misconfigured", message, { cause: error });
  }
  if (/WRONG_VERSION_NUMBER|PACKET_LENGTH_TOO_LONG|NO_APPLICATION_PROTOCOL/.test(code)) {
    const what = code.includes("APPLICATION")
      ? "TLS is spoken there, but no HTTP/1.1; is it the gRPC port? Give the HTTP port (7402 by default)"
      : "no TLS is spoken there; write http://, or start the node with --tls-cert and --tls-key";
    return new TransportError("misconfigured", `${endpoint}: ${what}`, { cause: error });
  }
  if (isCertificateError(code) || code === "ERR_INVALID_URL") {
    const hint = code === "ERR_INVALID_URL" ? "" : certificateHint;
    return new TransportError("misconfigured", `${text}${hint}`, { cause: error });
  }
  const notSent =
    /^(ECONNREFUSED|ConnectionRefused|ENOTFOUND|EAI_AGAIN|EHOSTUNREACH|ENETUNREACH|UND_ERR_CONNECT_TIMEOUT)$/.test(
      code,
    );
  const remedy = strange ? (unnamed !== null ? NAME_REMEDY : notSent ? NOBODY_THERE : pageFault(endpoint, error)) : "";
  return new TransportError(notSent ? "not-sent" : "unknown", text, { cause: error, remedy });
}

const certificateHint =
  "; fetch trusts the runtime's own authorities: add yours there ($NODE_EXTRA_CA_CERTS in Node), or pass a fetch that does";

/** Bytes that are no HTTP/1 answer, as Node, Bun and Deno tell it. Other runtimes do not. */
function isNoHttp(code: string, text: string): boolean {
  return (
    /^HPE_|^Malformed_HTTP/.test(code) ||
    /does not match the HTTP\/1\.1 protocol|invalid HTTP version parsed/i.test(text)
  );
}

/** Whether a rejected fetch is about a certificate, ours or theirs. */
function isCertificateError(code: string): boolean {
  return /^(ERR_TLS_CERT|CERT_|SELF_SIGNED_|DEPTH_ZERO_|UNABLE_TO_|INVALID_CA|HOSTNAME_MISMATCH)|ALERT_(CERTIFICATE_|BAD_CERTIFICATE|UNKNOWN_CA)/.test(
    code,
  );
}

/** Whether a rejected fetch proves that TLS is spoken where it went. */
export function provesTls(error: unknown): boolean {
  const code = codeOf(error);
  return isCertificateError(code) || /_ALERT_/.test(code);
}

function describe(error: unknown, endpoint: string): string {
  if (!(error instanceof Error)) return String(error);
  if (!(error.cause instanceof Error)) return error.message;
  // Node's "connect ECONNREFUSED 127.0.0.1:7402" repeats an address that the message begins with.
  const [message = ""] = error.cause.message.split(/ (?=\S+:\d+$)/);
  const told = endpoint.includes(error.cause.message.slice(message.length + 1)) ? message : error.cause.message;
  return `${error.message} (${told || codeOf(error)})`;
}

function codeOf(error: unknown): string {
  for (let at = error, depth = 0; at instanceof Error && depth < 4; at = at.cause, depth++) {
    if ("code" in at && typeof at.code === "string") return at.code;
  }
  return "";
}

function parse(body: string): ConnectErrorBody | null {
  try {
    const value: unknown = JSON.parse(body);
    return typeof value === "object" && value !== null && "code" in value ? value : null;
  } catch {
    return null;
  }
}

/** The bytes of the first detail that is an ErrorDetail; Connect writes them in base64 without padding. */
function firstDetail(details: unknown): Uint8Array | null {
  if (!Array.isArray(details)) return null;
  for (const detail of details as { type?: unknown; value?: unknown }[]) {
    if (detail?.type !== "quorumguard.v1.ErrorDetail" || typeof detail.value !== "string") continue;
    try {
      return Uint8Array.from(atob(detail.value), (char) => char.charCodeAt(0));
    } catch {
      return null;
    }
  }
  return null;
}
