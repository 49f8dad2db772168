import http2 from "node:http2";
import { TransportError } from "@quorumguard/sdk-core";
import { authorityOf, portHint } from "./endpoint.ts";

/** A peer that has not settled the connection by then is not there. */
const CONNECT_TIMEOUT_MS = 2_000;

/** A goodbye is committed within a few flushes; a node that does not end its streams by then is not waited for. */
const CLOSE_TIMEOUT_MS = 200;

/** Certificates for TLS, in PEM. */
export interface TlsOptions {
  readonly ca?: string | Uint8Array;
  readonly cert?: string | Uint8Array;
  readonly key?: string | Uint8Array;
}

/**
 * One HTTP/2 connection to an endpoint, made when it is needed and again after it broke.
 *
 * Not grpc-js: its streams hold the process, and a script must end after its last call without `close()`; here every
 * socket is unref'ed, and the SDK's deadline timer alone keeps a process waiting. It is also the quicker of the two.
 */
export interface Channel {
  /** The connection, connecting or connected; never one that is known to be broken. */
  session(): http2.ClientHttp2Session;
  /** Why the connection broke, in the SDK's terms. */
  explain(error: unknown, sent: boolean): TransportError;
  /** Lets open streams say their last word, for a moment, then ends the connection. */
  close(): Promise<void>;
}

/** A channel that connects on its first request. */
export function createChannel(endpoint: string, tls: TlsOptions): Channel {
  let current: http2.ClientHttp2Session | null = null;
  let everConnected = false;
  let lastError: Error | null = null;

  const open = (): http2.ClientHttp2Session => {
    const session = http2.connect(authorityOf(endpoint), { ...(tls as http2.SecureClientSessionOptions) });
    everConnected = false;
    lastError = null;
    const timer = setTimeout(
      () => session.destroy(new Error(`no connection within ${CONNECT_TIMEOUT_MS} ms`)),
      CONNECT_TIMEOUT_MS,
    );
    timer.unref();
    const forget = (): void => {
      clearTimeout(timer);
      if (current === session) current = null;
    };
    // The settings frame is the first proof that HTTP/2 is spoken there.
    session.once("remoteSettings", () => {
      everConnected = true;
      clearTimeout(timer);
    });
    session.on("error", (error) => {
      lastError = error;
      forget();
    });
    session.on("goaway", forget);
    session.on("close", forget);
    session.unref();
    return session;
  };

  return {
    session() {
      if (current === null || current.closed || current.destroyed) current = open();
      return current;
    },
    explain(error, sent) {
      const told = lastError ?? (error instanceof Error ? error : new Error(String(error)));
      // A stream that never began only says that it was cancelled; why is what its connection died of.
      const cause = told.cause instanceof Error ? told.cause : told;
      return explainError(endpoint, cause, sent && everConnected);
    },
    async close() {
      const ending = current;
      current = null;
      if (ending === null || ending.destroyed) return;
      await new Promise<void>((resolve) => {
        const timer = setTimeout(() => ending.destroy(), CLOSE_TIMEOUT_MS);
        ending.once("close", () => {
          clearTimeout(timer);
          resolve();
        });
        ending.close();
      });
    },
  };
}

function explainError(endpoint: string, cause: Error, sent: boolean): TransportError {
  const code = (cause as NodeJS.ErrnoException).code ?? "";
  const text = `${endpoint}: ${cause.message === "" ? code : cause.message}`;
  if (sent) return new TransportError("unknown", text, { cause });
  if (isProtocolError(code, cause.message)) {
    return new TransportError("misconfigured", `${text}: what answers there speaks no HTTP/2${portHint(endpoint)}`, {
      cause,
    });
  }
  if (isTlsError(code, cause.message)) return new TransportError("misconfigured", text, { cause });
  if (code === "ERR_INVALID_URL") return new TransportError("misconfigured", `${text}; write host:port`, { cause });
  return new TransportError("not-sent", text, { cause });
}

function isProtocolError(code: string, message: string): boolean {
  return (
    code === "ERR_HTTP2_ERROR" ||
    (code.startsWith("ERR_HTTP2_SESSION_ERROR") && /protocol/i.test(message)) ||
    /bad client magic|Protocol error/i.test(message)
  );
}

function isTlsError(code: string, message: string): boolean {
  return /^(ERR_SSL_|ERR_TLS_|CERT_|DEPTH_ZERO_|SELF_SIGNED_|UNABLE_TO_)/.test(code) || /certificate/i.test(message);
}
