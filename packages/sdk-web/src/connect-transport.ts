import { type Transport, TransportError, type UnaryCall } from "@quorumguard/sdk-core";
import { fetchError, responseError } from "./connect-error.ts";
import { schemeFault } from "./scheme-fault.ts";

/** Bytes that an answer may have. */
const MAX_RESPONSE_BYTES = 1_048_576;
/** As many endpoints as a guard may have. */
const MAX_PROVEN = 64;

/** The part of `fetch` that the SDK uses, so that any runtime's own, or a wrapped one, fits. */
export type Fetch = (url: string, init: RequestInit) => Promise<Response>;

/** The `fetch` that carries calls. */
export interface ConnectTransportOptions {
  readonly fetch?: Fetch;
}

/** Endpoints that once answered over HTTP: whatever happens there later is an outage, and looking closer is a delay. */
interface TransportState extends ConnectTransportOptions {
  readonly proven: Set<string>;
}

/**
 * Makes the SDK's transport over the Connect protocol's unary calls: one POST each, in protobuf.
 *
 * By hand rather than through a Connect client, since the SDK has the bytes already; what remains of the protocol are
 * three headers and the form of an error.
 */
export function createConnectTransport(options: ConnectTransportOptions): Transport {
  const state: TransportState = { ...options, proven: new Set() };
  return {
    unary: (call, token = null) => unary(state, call, token),
    async close() {
      // Connections are the platform's own.
    },
  };
}

async function unary(options: TransportState, call: UnaryCall, token: string | null): Promise<Uint8Array> {
  const controller = new AbortController();
  const timer = setTimeout(() => controller.abort(new Error(`no answer within ${call.timeoutMs} ms`)), call.timeoutMs);
  const abort = () => controller.abort(new Error("aborted"));
  if (call.signal?.aborted) abort();
  call.signal?.addEventListener("abort", abort, { once: true });
  try {
    return await post(options, call, token, controller.signal);
  } finally {
    clearTimeout(timer);
    call.signal?.removeEventListener("abort", abort);
  }
}

async function post(
  { fetch = globalThis.fetch, proven }: TransportState,
  call: UnaryCall,
  token: string | null,
  signal: AbortSignal,
): Promise<Uint8Array> {
  const { endpoint } = call;
  let response: Response;
  let bytes: Uint8Array;
  try {
    response = await fetch(`${endpoint}/quorumguard.v1.${call.method}`, {
      method: "POST",
      headers: {
        "content-type": "application/proto",
        "connect-protocol-version": "1",
        "connect-timeout-ms": String(Math.max(1, Math.ceil(call.timeoutMs))),
        ...(token === null ? {} : { authorization: `Bearer ${token}` }),
      },
      body: call.request as BodyInit,
      // A redirected POST may become a GET, or carry the token elsewhere; and edge runtimes know no "error" mode.
      redirect: "manual",
      signal,
    });
    bytes = new Uint8Array(await response.arrayBuffer());
  } catch (error) {
    if (signal.aborted) throw new TransportError("unknown", `${endpoint}: ${String(signal.reason)}`);
    const told = fetchError(endpoint, error, proven.size === 0);
    const fault = told.kind === "unknown" && !proven.has(endpoint) ? await schemeFault(endpoint, fetch, signal) : null;
    throw fault ?? told;
  }
  if (proven.size < MAX_PROVEN) proven.add(endpoint);
  const type = response.headers.get("content-type") ?? "";
  if (response.status !== 200) throw responseError(endpoint, response.status, new TextDecoder().decode(bytes));
  if (!type.startsWith("application/proto") || bytes.length > MAX_RESPONSE_BYTES) {
    const message = `${endpoint} answers ${bytes.length} bytes of ${type || "no type"}, not Connect; is it a QuorumGuard HTTP port?`;
    throw new TransportError("misconfigured", message);
  }
  return bytes;
}
