import { ErrorReason } from "@quorumguard/proto";
import { refusalReason, tokenRefusal } from "../calls/wire-errors.ts";
import { realMs } from "../real-time.ts";
import type { TokenSource } from "../surface/guard-options.ts";
import {
  type Runtime,
  type StreamConnection,
  type StreamHandlers,
  type StreamTransport,
  type Transport,
  TransportError,
} from "../transport.ts";
import { createTokenKeeper, type TokenKeeper } from "./token-keeper.ts";

/** The same transport, with the token from this source; undefined: there is none. `perRequest`: what a request begins may end with it. */
export function authorizedRequests(
  transport: Transport,
  source: TokenSource | undefined,
  runtime: Runtime,
  perRequest: boolean,
): Transport {
  return source === undefined
    ? transport
    : requestsWith(createTokenKeeper(source, runtime, perRequest), transport, runtime);
}

/** The same transport, with the token from this source; undefined: there is none. Each stream is opened with the token of that moment. */
export function authorizedStreams(
  transport: StreamTransport,
  source: TokenSource | undefined,
  runtime: Runtime,
): StreamTransport {
  if (source === undefined) return transport;
  const tokens = createTokenKeeper(source, runtime, false);
  return {
    ...requestsWith(tokens, transport, runtime),
    openSession: (endpoint, handlers) => openSession(transport, tokens, endpoint, handlers),
  };
}

/**
 * A transport whose requests carry the keeper's token. What a node refuses because the token is over, or one of an earlier call, is sent
 * once more with a new one, in what is left of its time: nothing was applied.
 */
function requestsWith(tokens: TokenKeeper, transport: Transport, runtime: Runtime): Transport {
  const tokenWithin = (timeoutMs: number): Promise<string | null> => within(tokens.get(timeoutMs), timeoutMs, runtime);
  return {
    token: tokenWithin,
    async unary(call, given) {
      const untilMs = realMs(runtime) + call.timeoutMs;
      const left = () => Math.max(1, Math.ceil(untilMs - realMs(runtime)));
      const token = given === undefined ? await tokenWithin(left()) : given;
      try {
        return await transport.unary({ ...call, timeoutMs: left() }, token);
      } catch (error) {
        const reason = refusalReason(error);
        // With a limit of its own a page is refused whoever is logged in.
        if (token === null || reason === null || reason === ErrorReason.INLINE_LIMIT_FORBIDDEN) throw error;
        const isOver = reason === ErrorReason.TOKEN_EXPIRED;
        const isOld = tokens.refused(token);
        if (!(isOver || isOld) || realMs(runtime) >= untilMs) throw error;
        // Without another token the refusal stands, and is no outage.
        const fresh = await tokenWithin(left()).catch((failure: unknown) => Promise.reject(isOver ? failure : error));
        if (fresh === token || call.signal?.aborted) throw error;
        return transport.unary({ ...call, timeoutMs: left() }, fresh);
      }
    },
    networkIsBack: () => tokens.networkIsBack(),
    close() {
      tokens.close();
      return transport.close();
    },
  };
}

/** A token that takes longer than the request may is there for the next one. */
async function within<T>(promise: Promise<T>, timeoutMs: number, runtime: Runtime): Promise<T> {
  let cancelTimer: () => void = () => {};
  const late = new Promise<never>((_, reject) => {
    const error = new TransportError("not-sent", `token: the function has not answered within ${timeoutMs} ms`);
    cancelTimer = runtime.setTimer(() => reject(error), timeoutMs, true);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    cancelTimer();
  }
}

/**
 * Opens a stream once there is a token. If the node's first word is that the token is over, it is opened once more with a new one; if
 * that comes later, as it does to every stream that outlives its token, the stream broke like any other and its owner opens the next.
 */
function openSession(
  transport: StreamTransport,
  tokens: TokenKeeper,
  endpoint: string,
  handlers: StreamHandlers,
): StreamConnection {
  let connection: StreamConnection | null = null;
  let closed = false;
  let isSecond = false;
  /** What was sent before the node said anything; null: it has. */
  let early: Uint8Array[] | null = [];
  const end = (error: TransportError): void => {
    if (closed) return;
    closed = true;
    handlers.onClose(error);
  };
  const onClose = (error: TransportError, token: string | null): void => {
    const reason = tokenRefusal(error);
    if (closed || token === null || reason === null) {
      end(error);
      return;
    }
    tokens.refused(token);
    if (early === null) {
      end(new TransportError("unknown", error.message, { cause: error }));
    } else if (reason !== ErrorReason.TOKEN_EXPIRED || isSecond) {
      end(error);
    } else {
      isSecond = true;
      tokens.get().then((fresh) => (fresh === token ? end(error) : open(fresh)), end);
    }
  };
  const open = (token: string | null): void => {
    if (closed) return;
    const ours = {
      onMessage(message: Uint8Array) {
        early = null;
        if (!closed) handlers.onMessage(message);
      },
      onClose: (error: TransportError) => onClose(error, token),
    };
    connection = transport.openSession(endpoint, ours, token);
    for (const message of early ?? []) connection.send(message);
  };
  tokens.get().then(open, end);
  return {
    send(message) {
      if (closed) return;
      early?.push(message);
      connection?.send(message);
    },
    close() {
      closed = true;
      connection?.close();
    },
  };
}
