import http2 from "node:http2";
import { TransportError } from "@quorumguard/sdk-core";
import { authorityOf, hostPortOf } from "./endpoint.ts";
import { endpointFault, NAME_REMEDY, nameFault, tlsFault } from "./endpoint-fault.ts";
import { addressOf } from "./probe-endpoint.ts";
import { secureOptions } from "./secure-options.ts";
import type { TlsOptions } from "./tls-options.ts";

/** A peer that has not settled the connection by then is not there. */
const CONNECT_TIMEOUT_MS = 2_000;

/** A goodbye is committed within a few flushes; a node that does not end its streams by then is not waited for. */
const CLOSE_TIMEOUT_MS = 200;

/** A node is not started anew with another scheme sooner; a failover is long over by then. */
const PROOF_TTL_MS = 10_000;

/**
 * One HTTP/2 connection to an endpoint, made when it is needed and again after it broke.
 *
 * Not grpc-js: its streams hold the process, and a script must end after its last call without `close()`; here every
 * socket is unref'ed, and the SDK's deadline timer alone keeps a process waiting. It is also the quicker of the two.
 */
export interface Channel {
  /** The connection, connecting or connected; never one that is known to be broken. */
  session(): http2.ClientHttp2Session;
  /**
   * Tells why the connection broke, in the SDK's terms: at once if that is known or does not matter, else after a look at
   * what speaks there.
   */
  explain(error: unknown, sent: boolean, tell: (error: TransportError) => void): void;
  /** Lets open streams say their last word, for a moment, then ends the connection. */
  close(): Promise<void>;
}

/** A channel that connects on its first request. `remedy`: what to do if nobody is there, and nobody ever was. */
export function createChannel(endpoint: string, tls: TlsOptions, remedy = ""): Channel {
  let current: http2.ClientHttp2Session | null = null;
  let everConnected = false;
  /** When HTTP/2 was last known to be spoken there: what happens soon after is an outage, and looking would only delay the next attempt. */
  let spokenAtMs = Number.NEGATIVE_INFINITY;
  let looking: Promise<TransportError | null> | null = null;
  let lastError: Error | null = null;

  const open = (): http2.ClientHttp2Session => {
    const session = http2.connect(authorityOf(endpoint), secureOptions(tls));
    everConnected = false;
    lastError = null;
    const timer = setTimeout(
      () => session.destroy(new Error(`no connection within ${CONNECT_TIMEOUT_MS} ms`)),
      CONNECT_TIMEOUT_MS,
    );
    timer.unref();
    let settled = false;
    const forget = (): void => {
      clearTimeout(timer);
      if (settled) spokenAtMs = performance.now();
      if (current === session) current = null;
    };
    // The settings frame is the first proof that HTTP/2 is spoken there.
    session.once("remoteSettings", () => {
      everConnected = true;
      settled = true;
      spokenAtMs = performance.now();
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
    explain(error, sent, tell) {
      const told = lastError ?? (error instanceof Error ? error : new Error(String(error)));
      // A stream that never began only says that it was cancelled; why is what its connection died of.
      const cause = told.cause instanceof Error ? told.cause : told;
      const code = (cause as NodeJS.ErrnoException).code ?? "";
      const unnamed = nameFault(code, hostPortOf(endpoint));
      const text = `${endpoint}: ${unnamed ?? withoutAddress(cause.message === "" ? code : cause.message, endpoint)}`;
      if (sent && everConnected) return tell(new TransportError("unknown", text, { cause }));
      // What never spoke HTTP/2 is not tried again over the same connection.
      if (!everConnected) current?.destroy();
      const isNobodyThere = NOBODY_THERE.test(code);
      const isStrange = isNobodyThere && remedy !== "" && spokenAtMs === Number.NEGATIVE_INFINITY;
      const outage = new TransportError("not-sent", text, {
        cause,
        remedy: isStrange ? (unnamed === null ? remedy : NAME_REMEDY) : "",
      });
      const known = knownFault(endpoint, code, cause);
      if (known !== null) return tell(known);
      if (isNobodyThere || performance.now() - spokenAtMs < PROOF_TTL_MS) return tell(outage);
      looking ??= endpointFault(endpoint, addressOf(authorityOf(endpoint)), tls, cause)
        .catch(() => null)
        .finally(() => {
          looking = null;
        });
      looking.then((fault) => tell(fault ?? outage));
    },
    async close() {
      const ending = current;
      current = null;
      if (ending === null || ending.destroyed) return;
      await new Promise<void>((resolve) => {
        const timer = setTimeout(() => {
          ending.destroy();
          // Not "close": it never comes for a connection whose handshake is still under way.
          resolve();
        }, CLOSE_TIMEOUT_MS);
        ending.once("close", () => {
          clearTimeout(timer);
          resolve();
        });
        if (ending.connecting) ending.destroy();
        else ending.close();
      });
    },
  };
}

/** Node's "connect ECONNREFUSED 127.0.0.1:7400" repeats an address that the message has named already. */
function withoutAddress(message: string, endpoint: string): string {
  const address = ` ${hostPortOf(endpoint)}`;
  return message.endsWith(address) ? message.slice(0, -address.length) : message;
}

/** No connection was made: whoever may speak there, now nobody does. */
const NOBODY_THERE =
  /^(ECONNREFUSED|ENOTFOUND|EAI_AGAIN|EHOSTUNREACH|ENETUNREACH|EHOSTDOWN|ENETDOWN|ETIMEDOUT|EADDRNOTAVAIL|EMFILE|ENFILE)$/;

function knownFault(endpoint: string, code: string, cause: Error): TransportError | null {
  if (code === "ERR_INVALID_URL") {
    return new TransportError("misconfigured", `${endpoint}: ${cause.message}; write host:port`, { cause });
  }
  return tlsFault(endpoint, code, cause.message);
}
